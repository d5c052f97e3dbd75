"""Flat pictures: the same seed draws the same, and nothing held out is drawn."""

from random import Random

import numpy as np
import pytest

from diffusion.training.colours import COLOURS
from diffusion.training.combinations import HELD_OUT, Combination
from diffusion.training.flat_pictures import (
    RELATIONS,
    FlatPicture,
    caption_flat,
    draw_flat,
    random_pair,
    random_single,
    single,
)


def test_the_same_seed_draws_the_same_picture_and_words():
    def once() -> tuple[bytes, str]:
        random = Random(4)
        picture = random_pair(random)
        return draw_flat(picture).tobytes(), caption_flat(picture, random)

    assert once() == once()


def test_colours_are_exact_in_the_middle_and_at_the_border():
    picture = single(Combination("red", "circle", "blue"), Random(0))
    image = draw_flat(picture)

    assert image.size == (128, 128)
    assert image.getpixel((64, 64)) == COLOURS["red"]
    assert image.getpixel((0, 0)) == image.getpixel((127, 127)) == COLOURS["blue"]


def test_edges_are_antialiased():
    pixels = np.asarray(draw_flat(single(Combination("white", "circle", "black"), Random(0))))

    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 8


@pytest.mark.parametrize("draw", [random_single, random_pair])
def test_pictures_drawn_by_chance_never_hold_a_held_out_combination(draw):
    random = Random(2)

    for _ in range(3000):
        assert not set(draw(random).combinations()) & set(HELD_OUT)


def test_every_relation_places_the_first_object_as_it_says():
    random = Random(3)
    seen = set()

    for _ in range(200):
        picture = random_pair(random)
        (x1, y1), (x2, y2) = (placed.centre for placed in picture.objects)
        holds = {"above": y1 < y2 - 40, "below": y1 > y2 + 40, "left of": x1 < x2 - 40, "right of": x1 > x2 + 40}
        assert holds[picture.relation]
        seen.add(picture.relation)

    assert seen == set(RELATIONS)


@pytest.mark.parametrize("size_word", ["", "small", "large"])
def test_a_single_shape_stays_inside_the_picture(size_word):
    random = Random(1)

    for shape in ("circle", "square", "triangle", "star", "heart", "diamond"):
        pixels = np.asarray(draw_flat(single(Combination("red", shape, "white"), random, size_word)))
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (edge == COLOURS["white"]).all()


def test_a_caption_names_size_colour_shape_and_background():
    picture = single(Combination("orange", "star", "black"), Random(0), "small")

    for seed in range(20):
        caption = caption_flat(picture, Random(seed))
        assert all(word in caption for word in ("small", "orange", "star", "black"))


def test_only_a_white_background_may_go_unmentioned():
    white = FlatPicture("white", single(Combination("red", "star", "white"), Random(0)).objects)
    captions = {caption_flat(white, Random(seed)) for seed in range(40)}

    assert "a red star" in captions
    assert any("white" in caption for caption in captions)
