"""Conditionings are joined singly and in pairs, with what the added ones are limited to."""

import torch

from nodes import conditioning_pairs as pairs


def one(name, **options):
    return [[torch.zeros(1, 2, 3), {"name": name, **options}]]


def facts(conditioning):
    return [{key: value for key, value in options.items() if key != "mask"} for _, options in conditioning]


def test_a_mask_and_a_part_of_the_schedule_are_set():
    mask = torch.ones(4, 4)

    changed = pairs.conditioning_set_properties(
        cond_NEW=one("a"), strength=0.5, set_cond_area="mask bounds", mask=mask, timesteps=(0.2, 0.7)
    )

    assert facts(changed) == [
        {"name": "a", "set_area_to_bounds": True, "mask_strength": 0.5, "start_percent": 0.2, "end_percent": 0.7}
    ]
    assert changed[0][1]["mask"].shape == (1, 4, 4)


def test_without_mask_and_timesteps_nothing_changes():
    given = one("a")

    assert pairs.conditioning_set_properties(cond_NEW=given, strength=0.5, set_cond_area="default") is given


def test_what_is_added_comes_after_what_is_there():
    joined = pairs.conditioning_set_properties_and_combine(
        cond=one("old"), cond_NEW=one("new"), set_cond_area="default", timesteps=(0.0, 0.5)
    )

    assert facts(joined) == [{"name": "old"}, {"name": "new", "start_percent": 0.0, "end_percent": 0.5}]


def test_a_default_counts_where_nothing_else_does():
    joined = pairs.conditioning_set_default_combine(cond=one("old"), cond_DEFAULT=one("rest"))

    assert facts(joined) == [{"name": "old"}, {"name": "rest", "default": True}]


def test_pairs_are_treated_alike_on_both_sides():
    both = pairs.pair_conditioning_combine(
        positive_A=one("p"), negative_A=one("n"), positive_B=one("P"), negative_B=one("N")
    )
    masked = pairs.pair_conditioning_set_properties(
        positive_NEW=one("p"), negative_NEW=one("n"), set_cond_area="default", mask=torch.ones(1, 2, 2)
    )
    joined = pairs.pair_conditioning_set_properties_and_combine(
        positive=one("p"),
        negative=one("n"),
        positive_NEW=one("P"),
        negative_NEW=one("N"),
        set_cond_area="default",
        timesteps=(0.1, 0.9),
    )
    rest = pairs.pair_conditioning_set_default_combine(
        positive=one("p"), negative=one("n"), positive_DEFAULT=one("P"), negative_DEFAULT=one("N")
    )

    assert [[entry["name"] for entry in facts(side)] for side in both] == [["p", "P"], ["n", "N"]]
    assert [facts(side)[0]["mask_strength"] for side in masked] == [1.0, 1.0]
    assert [facts(side)[1]["start_percent"] for side in joined] == [0.1, 0.1]
    assert [[entry.get("default") for entry in facts(side)] for side in rest] == [[None, True], [None, True]]


def test_hooks_join_those_that_a_conditioning_has():
    from diffusion.weight_hooks import Keyframes, WeightHook, WeightHooks

    first, second = (WeightHooks((WeightHook(None, 1.0, 1.0, Keyframes()),)) for _ in range(2))
    once = pairs.conditioning_set_properties(cond_NEW=one("a"), set_cond_area="default", hooks=first)
    both = pairs.conditioning_set_default_combine(cond=one("b"), cond_DEFAULT=once, hooks=second)
    again = pairs.conditioning_set_properties(cond_NEW=both, set_cond_area="default", hooks=first)

    assert [options.get("hooks") for _, options in again] == [first, first.joined(second)]
    assert one("a")[0][1].get("hooks") is None
