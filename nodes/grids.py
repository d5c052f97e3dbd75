"""Comparing pictures: one setting through several values, and the results in one labelled grid."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from graph_runtime.api import Context, HeddleError, Many, Range, Text, node
from nodes.sockets import Image

__all__ = ["Sweep", "labelled_image_grid", "number_sweep"]

MOST_VALUES = 256


class Sweep(NamedTuple):
    """The values of a sweep, one after the other; what follows runs once for each."""

    number: list[float]
    whole_number: list[int]
    label: list[str]


@node("NumberSweep", title="Number Sweep", category="utils", device=False)
def number_sweep(
    *,
    values: Annotated[str, Text(multiline=False)] = "1, 2, 4, 8",
    label: Annotated[str, Text(multiline=False)] = "",
) -> Sweep:
    """Give several numbers one after the other; every node that they reach runs once for each.

    Args:
        values: numbers, separated by commas or spaces.
        label: what stands before each number in its label, e.g. "guidance scale".
    Returns:
        number: the values.
        whole_number: the values rounded, for inputs that take whole numbers.
        label: a text for each value, for the labels of a grid.
    Raises:
        HeddleError: if a value is not a number, or there are none or too many.
    """
    words = [word for word in re.split(r"[,;\s]+", values) if word]
    if not 0 < len(words) <= MOST_VALUES:
        raise HeddleError(
            f"A sweep needs 1 to {MOST_VALUES} values; '{values[:80]}' has {len(words)}.",
            fix="Write numbers separated by commas.",
        )
    numbers = [_number(word) for word in words]
    labels = [f"{label} {word}".strip() for word in words]
    return Sweep(numbers, [round(number) for number in numbers], labels)


@node("LabelledImageGrid", title="Labelled Image Grid", category="image/batch", device=False)
def labelled_image_grid(
    *,
    images: Many[Image],
    labels: Many[Annotated[str, Text(multiline=True)]] = "",
    columns: Annotated[int, Range(0, 64)] = 0,
    gap: Annotated[int, Range(0, 256)] = 4,
    text_size: Annotated[int, Range(6, 128)] = 11,
    ctx: Context,
) -> Image:
    """Lay pictures out in one, row by row, with a label below each.

    Args:
        images: all pictures of all lists; each is placed in the middle of a cell as large as the largest.
        labels: one a picture, from a list or as the lines of a text; none leaves no room for them.
        columns: pictures a row; 0 chooses, as square as can be.
        gap: pixels between pictures.
        text_size: height of the labels' letters in pixels.
    """
    import torch

    from diffusion.pixels.grids import Grid, lay_out

    pictures = [one for batch in images for one in batch[..., :3].clamp(0, 1).unbind(0)]
    lines = [line for text in labels for line in text.split("\n")]
    if len(lines) not in (0, len(pictures)) and any(lines):
        ctx.warn(f"There are {len(lines)} labels for {len(pictures)} pictures; the others stay empty.")
    grid = Grid(columns=columns, gap=gap, text_size=text_size)
    arrays = [picture.mul(255).round().byte().cpu().numpy() for picture in pictures]
    return torch.from_numpy(lay_out(arrays, lines, grid)).float().div(255)[None]


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e15:
        raise HeddleError(f"'{word}' is not a number that a sweep can take.", fix="Write numbers such as 0.25, 1, 20.")
    return number
