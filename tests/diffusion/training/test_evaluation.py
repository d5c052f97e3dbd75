"""Evaluation: which prompts are asked, and how answers are counted."""

from dataclasses import replace
from random import Random

from PIL import Image

from diffusion.training import evaluation
from diffusion.training.combinations import HELD_OUT, TRAINED, Combination
from diffusion.training.evaluation import (
    PAIRS,
    SampleSettings,
    chosen_combinations,
    evaluate,
    judge,
    judge_pair,
    prompt_of,
)
from diffusion.training.flat_pictures import draw_flat, random_pair, single


def test_two_hundred_prompts_hold_every_never_trained_combination():
    trained, held_out = chosen_combinations()

    assert len(trained) + len(held_out) == 200
    assert held_out == HELD_OUT
    assert set(trained) <= set(TRAINED)
    assert len(set(trained)) == len(trained)


def test_the_prompt_is_plain_english():
    assert prompt_of(Combination("orange", "star", "black")) == "an orange star on a black background"


def test_a_right_picture_is_right_and_a_wrong_one_says_what_is_wrong():
    asked = Combination("red", "circle", "blue")

    assert judge(asked, draw_flat(single(asked, Random(0)))).right
    wrong = judge(asked, draw_flat(single(Combination("green", "circle", "white"), Random(0))))
    assert (wrong.background, wrong.colour, wrong.shape) == (False, False, True)


def test_a_pair_in_the_wrong_order_is_wrong():
    asked = random_pair(Random(8))
    opposite = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}[asked.relation]

    assert judge_pair(asked, draw_flat(asked))
    assert not judge_pair(replace(asked, relation=opposite), draw_flat(asked))
    assert not judge_pair(asked, draw_flat(single(Combination("red", "circle", "blue"), Random(0))))


def test_scores_count_what_was_right(monkeypatch, tmp_path):
    def all_trained_right(checkpoint, prompts, settings, report):
        if len(prompts) == PAIRS:
            random = Random(settings.seed)
            yield from (draw_flat(random_pair(random)) for _ in prompts)
            return
        trained, held_out = chosen_combinations()
        for combination in trained:
            yield draw_flat(single(combination, Random(1)))
        for _ in held_out:
            yield Image.new("RGB", (128, 128), (250, 250, 250))

    monkeypatch.setattr(evaluation, "pictures", all_trained_right)
    monkeypatch.setattr(evaluation, "load_checkpoint", lambda path: None)

    scores = evaluate(tmp_path / "model.safetensors", SampleSettings(steps=3))

    assert scores["trained"] == {"prompts": 133, "right": 1.0, "background": 1.0, "colour": 1.0, "shape": 1.0}
    assert scores["never_trained"]["right"] == 0.0
    assert 0 < scores["never_trained"]["background"] < 0.3
    assert len(scores["wrong"]) == 67
    assert scores["pairs"] == {"prompts": 60, "right": 1.0}
    assert scores["wrong_pairs"] == []
    assert scores["settings"]["steps"] == 3
