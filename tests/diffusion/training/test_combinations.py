"""The held-out rule: a fifth, fixed, and every pair of words still trained."""

from itertools import product

from diffusion.training.colours import COLOURS
from diffusion.training.combinations import HELD_OUT, TRAINED, Combination, all_combinations, is_held_out
from diffusion.training.shapes import SHAPES


def test_there_are_eight_colours_by_six_shapes_by_seven_backgrounds():
    assert len(all_combinations()) == 8 * 6 * 7
    assert len(set(TRAINED) | set(HELD_OUT)) == len(TRAINED) + len(HELD_OUT) == 336


def test_a_fifth_is_held_out():
    assert len(HELD_OUT) == 67


def test_the_rule_is_the_one_the_model_was_trained_under():
    assert is_held_out(Combination("red", "circle", "red"))
    assert is_held_out(Combination("green", "triangle", "purple"))
    assert not is_held_out(Combination("red", "circle", "blue"))


def test_every_pair_of_words_is_still_trained_on():
    seen = {("cs", c.colour, c.shape) for c in TRAINED}
    seen |= {("cb", c.colour, c.background) for c in TRAINED} | {("sb", c.shape, c.background) for c in TRAINED}

    assert all(("cs", colour, shape) in seen for colour, shape in product(COLOURS, SHAPES))
    assert all(("sb", shape, background) in seen for shape, background in product(SHAPES, COLOURS))
    assert all(("cb", a, b) in seen for a, b in product(COLOURS, COLOURS) if a != b)
