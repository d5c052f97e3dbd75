"""Pictures side by side with a line of text below each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PAPER, INK = (255, 255, 255), (0, 0, 0)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How pictures are laid out.

    Attributes:
        columns: pictures a row; 0 chooses, as square as can be.
        gap: pixels between pictures and around them.
        text_size: height of the labels' letters in pixels.
    """

    columns: int = 0
    gap: int = 4
    text_size: int = 11


def lay_out(pictures: Sequence[Pixels], labels: Sequence[str], grid: Grid) -> Pixels:
    """Make one picture of many, row by row.

    Args:
        pictures: uint8 [height, width, 3], of any sizes; each stands in the middle of a cell as large as the largest.
        labels: in the order of the pictures; missing ones are empty.
    Returns:
        uint8 [height, width, 3].
    """
    columns = min(grid.columns or math.ceil(math.sqrt(len(pictures))), len(pictures))
    width = max(picture.shape[1] for picture in pictures)
    height = max(picture.shape[0] for picture in pictures)
    font = ImageFont.load_default(size=grid.text_size)
    letters = max(1, int(width / max(1.0, font.getlength("abcdefghij") / 10)))
    texts = ["\n".join(wrap(label, letters)) for label in labels][: len(pictures)]
    line = math.ceil(grid.text_size * 1.3)
    label_height = line * max((text.count("\n") + 1 for text in texts if text), default=0)
    rows = math.ceil(len(pictures) / columns)
    size = (columns * (width + grid.gap) + grid.gap, rows * (height + label_height + grid.gap) + grid.gap)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, picture in enumerate(pictures):
        left = grid.gap + number % columns * (width + grid.gap)
        top = grid.gap + number // columns * (height + label_height + grid.gap)
        indent = ((width - picture.shape[1]) // 2, (height - picture.shape[0]) // 2)
        sheet.paste(Image.fromarray(picture), (left + indent[0], top + indent[1]))
        if number < len(texts):
            draw.multiline_text(
                (left + width / 2, top + height + 1), texts[number], INK, font, anchor="ma", align="center", spacing=1
            )
    return np.array(sheet)


__all__ = ["Grid", "lay_out"]
