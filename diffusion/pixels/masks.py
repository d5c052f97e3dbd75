"""Shaping masks: growing, feathering, combining, reading colours."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.pixels.planes import as_masks

OPERATIONS: Final = ("multiply", "add", "subtract", "and", "or", "xor")


def grow(mask: Tensor, pixels: int, *, tapered: bool) -> Tensor:
    """Grow (or, with a negative number, shrink) what is selected.

    Args:
        tapered: in diamonds rather than squares, so that corners are cut.
    Returns:
        [batch, h, w].
    """
    planes = as_masks(mask).unsqueeze(1)
    sign = 1 if pixels >= 0 else -1
    grown = planes * sign
    steps = min(abs(pixels), sum(planes.shape[-2:]))
    for _ in range(steps):
        across = F.max_pool2d(grown, (1, 3), stride=1, padding=(0, 1))
        down = F.max_pool2d(grown if tapered else across, (3, 1), stride=1, padding=(1, 0))
        larger = torch.maximum(across, down)
        if torch.equal(larger, grown):
            break
        grown = larger
    return (grown * sign).squeeze(1)


def feather(mask: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """Fade a mask out towards its borders, over the given number of pixels on each side.

    The ramps of the right and the lower side are counted from the border inwards with the first step on the
    opposite border, as established results have them.
    """
    result = as_masks(mask).clone()
    height, width = result.shape[-2:]
    for size, axis, backward in ((left, 2, False), (right, 2, True), (top, 1, False), (bottom, 1, True)):
        length = height if axis == 1 else width
        size = min(size, length)
        ramp = result.new_ones(length)
        for step in range(size):
            ramp[-step if backward else step] *= (step + 1) / size
        result = result * (ramp if axis == 2 else ramp[:, None])
    return result


def combine(destination: Tensor, source: Tensor, x: int, y: int, operation: str) -> Tensor:
    """Lay one mask over another at a place.

    Args:
        operation: one of `OPERATIONS`; `and`, `or`, `xor` round both to 0 or 1 first.
    Raises:
        ValueError: for another operation.
    """
    result, above = as_masks(destination).clone(), as_masks(source)
    bottom, right = min(y + above.shape[1], result.shape[1]), min(x + above.shape[2], result.shape[2])
    if bottom <= y or right <= x:
        return result
    above = above[:, : bottom - y, : right - x]
    below = result[:, y:bottom, x:right]
    if operation == "multiply":
        merged = below * above
    elif operation == "add":
        merged = below + above
    elif operation == "subtract":
        merged = below - above
    elif operation in ("and", "or", "xor"):
        left, other = below.round().bool(), above.round().bool()
        merged = (left & other if operation == "and" else left | other if operation == "or" else left ^ other).float()
    else:
        raise ValueError(f"There is no operation {operation!r}. Known: {', '.join(OPERATIONS)}.")
    result[:, y:bottom, x:right] = merged
    return result.clamp(0, 1)


def of_color(image: Tensor, color: int) -> Tensor:
    """1 where a pixel has exactly this colour (0xRRGGBB), in 8 bits."""
    levels = (image[..., :3].clamp(0, 1) * 255).round().to(torch.int32)
    packed = (levels[..., 0] << 16) + (levels[..., 1] << 8) + levels[..., 2]
    return (packed == color).float()


__all__ = ["OPERATIONS", "combine", "feather", "grow", "of_color"]
