"""Every shape × colour × background, and the fifth of them that is never trained on."""

from dataclasses import dataclass
from itertools import product

from diffusion.training.colours import COLOURS
from diffusion.training.shapes import SHAPES


@dataclass(frozen=True, slots=True, order=True)
class Combination:
    """One coloured shape on a background of another colour."""

    colour: str
    shape: str
    background: str


def is_held_out(combination: Combination) -> bool:
    """Say whether the combination is kept out of training.

    The rule is a fixed residue class over the positions of the three words, so that every pair
    (colour and shape, colour and background, shape and background) is still trained on.
    """
    colour = list(COLOURS).index(combination.colour)
    shape = list(SHAPES).index(combination.shape)
    background = list(COLOURS).index(combination.background)
    return (colour + 2 * shape + 3 * background) % 5 == 0


def all_combinations() -> tuple[Combination, ...]:
    """List all combinations whose background differs from the shape's colour, in a fixed order."""
    return tuple(
        Combination(colour, shape, background)
        for colour, shape, background in product(COLOURS, SHAPES, COLOURS)
        if colour != background
    )


TRAINED: tuple[Combination, ...] = tuple(c for c in all_combinations() if not is_held_out(c))
HELD_OUT: tuple[Combination, ...] = tuple(c for c in all_combinations() if is_held_out(c))
