"""Resizing tensors of pictures and latents, and computing large ones in tiles.

All tensors are [batch, channels, height, width] unless said otherwise.
Source: protocol §6.11.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["bislerp", "common_upscale", "lanczos", "tile_count", "tiled"]


def common_upscale(samples: Tensor, width: int, height: int, method: str, crop: str) -> Tensor:
    """Resize, after cropping to the new aspect if `crop` is "center".

    Args:
        samples: [batch, channels, …, height, width]; axes between are kept.
        method: "nearest-exact", "bilinear", "area", "bicubic", "lanczos" or "bislerp".
        crop: "center" or "disabled".
    """
    import torch

    shape = samples.shape
    if samples.ndim > 4:
        samples = samples.movedim(1, -3).reshape(-1, shape[1], shape[-2], shape[-1])
    if crop == "center":
        samples = _centre(samples, width / height)
    if method == "bislerp":
        result = bislerp(samples, width, height)
    elif method == "lanczos":
        result = lanczos(samples, width, height)
    else:
        result = torch.nn.functional.interpolate(samples, size=(height, width), mode=method)
    if len(shape) == 4:
        return result
    return result.reshape(shape[0], *shape[2:-2], shape[1], height, width).movedim(-3, 1)


def _centre(samples: Tensor, aspect: float) -> Tensor:
    height, width = samples.shape[-2:]
    if width / height > aspect:
        cut = round((width - width * (aspect / (width / height))) / 2)
        return samples.narrow(-1, cut, width - 2 * cut)
    if width / height < aspect:
        cut = round((height - height * ((width / height) / aspect)) / 2)
        return samples.narrow(-2, cut, height - 2 * cut)
    return samples


def lanczos(samples: Tensor, width: int, height: int) -> Tensor:
    """Resize pictures in 0..1 with Lanczos' filter, through 8 bits."""
    import numpy as np
    import torch
    from PIL import Image

    pictures = []
    for sample in samples.movedim(1, -1).detach().float().cpu():
        data = np.clip(255.0 * sample.numpy(), 0, 255).astype(np.uint8)
        picture = Image.fromarray(data[..., 0] if data.shape[-1] == 1 else data)
        resized = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float32) / 255.0
        pictures.append(torch.from_numpy(resized[..., None] if resized.ndim == 2 else resized).movedim(-1, 0))
    return torch.stack(pictures).to(samples.device, samples.dtype)


def bislerp(samples: Tensor, width: int, height: int) -> Tensor:
    """Resize latents: the direction of each channel vector turns evenly, its length changes linearly."""
    wide = _slerp_axis(samples.float(), width)
    return _slerp_axis(wide.transpose(-1, -2), height).transpose(-1, -2).to(samples.dtype)


def _slerp_axis(samples: Tensor, size: int) -> Tensor:
    import torch

    old = samples.shape[-1]
    position = ((torch.arange(size, device=samples.device) + 0.5) * (old / size) - 0.5).clamp(0, old - 1)
    first = position.floor().long()
    second = (first + 1).clamp(max=old - 1)
    share = (position - first).to(samples.dtype)
    a, b = samples[..., first], samples[..., second]
    length_a, length_b = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    one, other = _unit(a, length_a), _unit(b, length_b)
    cosine = (one * other).sum(1, keepdim=True)
    angle = cosine.clamp(-1, 1).acos()
    sine = angle.sin()
    turned = (((1 - share) * angle).sin() * one + (share * angle).sin() * other) / torch.where(sine == 0, 1.0, sine)
    turned = turned * (length_a * (1 - share) + length_b * share)
    turned = torch.where(cosine > 1 - 1e-5, a, turned)
    return torch.where(cosine < 1e-5 - 1, a * (1 - share) + b * share, turned)


def _unit(vector: Tensor, length: Tensor) -> Tensor:
    import torch

    return torch.where(length == 0, torch.zeros_like(vector), vector / torch.where(length == 0, 1.0, length))


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
    for index, sample in enumerate(samples.split(1)):
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
