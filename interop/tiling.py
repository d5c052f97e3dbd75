"""Computing large tensors in tiles, along any number of axes.

Source: protocol §6.11 ("tiled_scale").
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["tile_count", "tiled"]


def tile_count(size: int, tile: int, overlap: int) -> int:
    """How many tiles cover one axis."""
    return 1 if size <= tile else math.ceil((size - overlap) / (tile - overlap))


def tiled(
    samples: Tensor,
    function: Callable[[Tensor], Tensor],
    tile: Sequence[int],
    overlap: Sequence[int],
    scale: Callable[[int, float], float],
    channels: int,
    device: Any,
    done: Callable[[], None] = lambda: None,
) -> Tensor:
    """Compute `function` tile by tile; where tiles overlap, results fade into each other linearly.

    Args:
        samples: [batch, channels, *axes].
        tile, overlap: sizes along each axis, in input units.
        scale: (axis, input length) → output length.
        channels: of the result.
        done: called after each tile.
    Returns:
        [batch, `channels`, *scaled axes] on `device`.
    """
    import torch

    axes = samples.shape[2:]
    out_shape = [round(scale(axis, size)) for axis, size in enumerate(axes)]
    result = torch.empty([samples.shape[0], channels, *out_shape], device=device)
    for index, sample in enumerate(torch.split(samples, 1)):
        total = torch.zeros([1, channels, *out_shape], device=device)
        weight = torch.zeros_like(total)
        for starts in itertools.product(*(_starts(*sizes) for sizes in zip(axes, tile, overlap, strict=True))):
            part = sample
            for axis, start in enumerate(starts):
                part = part.narrow(axis + 2, start, min(tile[axis], axes[axis] - start))
            computed = function(part).to(device)
            mask = torch.ones_like(computed)
            place: list[slice] = [slice(None), slice(None)]
            for axis, start in enumerate(starts):
                begin, length = round(scale(axis, start)), computed.shape[axis + 2]
                _fade(mask, axis + 2, max(0, round(scale(axis, overlap[axis]))))
                place.append(slice(begin, begin + length))
            total[tuple(place)] += computed * mask
            weight[tuple(place)] += mask
            done()
        result[index : index + 1] = total / weight
    return result


def _starts(size: int, tile: int, overlap: int) -> Iterator[int]:
    if size <= tile:
        yield 0
        return
    for start in range(0, size - overlap, tile - overlap):
        yield max(0, min(start, size - overlap, size - tile if start + tile > size else start))


def _fade(mask: Tensor, axis: int, feather: int) -> None:
    """Let a mask rise from both ends of an axis over `feather` places."""
    length = mask.shape[axis]
    if feather >= length:
        return
    for step in range(feather):
        share = (step + 1) / feather
        mask.narrow(axis, step, 1).mul_(share)
        mask.narrow(axis, length - 1 - step, 1).mul_(share)
