"""Arithmetic on latent dictionaries: `samples`, and with it `noise_mask` and `batch_index` where there are any.

Every function makes a new dictionary and keeps keys that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.pixels.filters import mirror_pad, sharpening_kernel
from diffusion.pixels.planes import fit_latent, mask_planes, repeated

Latent = dict[str, Any]
Operation = Callable[..., Tensor]
CELL = 8
"""Pixels that one element of a latent stands for."""


def changed(latent: Latent, change: Callable[[Tensor], Tensor]) -> Latent:
    """The same latent with other samples."""
    return {**latent, "samples": change(latent["samples"])}


def combined(first: Latent, second: Latent, mix: Callable[[Tensor, Tensor], Tensor]) -> Latent:
    """The first latent with samples mixed from both, the second brought to the first's size and batch."""
    samples = first["samples"]
    return {**first, "samples": mix(samples, fit_latent(second["samples"], samples))}


def interpolated(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Mix the directions of latent vectors and, apart from them, their lengths; `share` 1 gives the first."""
    length_a, length_b = _lengths(a), _lengths(b)
    mixed = torch.nan_to_num(a / length_a) * share + torch.nan_to_num(b / length_b) * (1 - share)
    direction = torch.nan_to_num(mixed / _lengths(mixed))
    return direction * (length_a * share + length_b * (1 - share))


def _lengths(samples: Tensor) -> Tensor:
    return torch.linalg.vector_norm(samples, dim=1, keepdim=True)


def joined(first: Latent, second: Latent) -> Latent:
    """Both batches one after the other; each member keeps the number that its noise is drawn by."""
    samples = first["samples"]
    other = fit_latent(second["samples"], samples, repeat=False)
    numbers = [*_numbers(first), *_numbers(second)]
    return {**first, "samples": torch.cat([samples, other]), "batch_index": numbers}


def _numbers(latent: Latent) -> list[int]:
    found = latent.get("batch_index")
    return list(found) if found is not None else list(range(latent["samples"].shape[0]))


def taken(latent: Latent, start: int, length: int) -> Latent:
    """Some members of a batch, with their masks and numbers."""
    samples = latent["samples"]
    count = samples.shape[0]
    start = min(count - 1, start)
    stop = start + min(count - start, length)
    result = {**latent, "samples": samples[start:stop].clone(), "batch_index": _numbers(latent)[start:stop]}
    mask = latent.get("noise_mask")
    if mask is not None:
        result["noise_mask"] = mask.clone() if mask.shape[0] == 1 else repeated(mask, count)[start:stop].clone()
    return result


def repeated_batch(latent: Latent, amount: int) -> Latent:
    """The batch again and again; numbers go on, so that every copy gets noise of its own."""
    samples = latent["samples"]
    result = {**latent, "samples": samples.repeat(amount, *[1] * (samples.ndim - 1))}
    mask = latent.get("noise_mask")
    if mask is not None and mask.shape[0] > 1:
        whole = repeated(mask, samples.shape[0]) if mask.shape[0] < samples.shape[0] else mask
        result["noise_mask"] = whole.repeat(amount, *[1] * (mask.ndim - 1))
    numbers = latent.get("batch_index")
    if numbers is not None:
        offset = max(numbers) - min(numbers) + 1
        result["batch_index"] = [number + turn * offset for turn in range(amount) for number in numbers]
    return result


def rebatched(latents: Sequence[Latent], size: int) -> list[Latent]:
    """All members of several batches in batches of `size`; a batch holds members of one size only."""
    batches: list[Latent] = []
    waiting: list[Latent] = []
    for member in _members(latents):
        if waiting and waiting[0]["samples"].shape[1:] != member["samples"].shape[1:]:
            batches.append(_stacked(waiting))
            waiting = []
        waiting.append(member)
        if len(waiting) == size:
            batches.append(_stacked(waiting))
            waiting = []
    if waiting:
        batches.append(_stacked(waiting))
    return batches


def _members(latents: Sequence[Latent]) -> Iterator[Latent]:
    offset = 0
    for latent in latents:
        samples = latent["samples"]
        count = samples.shape[0]
        mask = latent.get("noise_mask")
        masks = samples.new_ones(count, 1, *_in_pixels(samples)) if mask is None else repeated(mask_planes(mask), count)
        numbers = latent.get("batch_index")
        numbers = list(numbers) if numbers is not None else [number + offset for number in range(count)]
        offset += count
        for index in range(count):
            yield {
                "samples": samples[index : index + 1],
                "noise_mask": masks[index : index + 1],
                "batch_index": numbers[index : index + 1],
            }


def _in_pixels(samples: Tensor) -> tuple[int, int]:
    """Height and width of the picture that latents stand for."""
    return samples.shape[-2] * CELL, samples.shape[-1] * CELL


def _stacked(members: Sequence[Latent]) -> Latent:
    result: Latent = {
        "samples": torch.cat([each["samples"] for each in members]),
        "batch_index": [number for each in members for number in each["batch_index"]],
    }
    masks = [each["noise_mask"] for each in members]
    if len({mask.shape[-2:] for mask in masks}) > 1:
        masks = [F.interpolate(mask, size=_in_pixels(result["samples"]), mode="bilinear") for mask in masks]
    mask = torch.cat(masks)
    if not bool((mask == 1).all()):
        result["noise_mask"] = mask
    return result


def pasted(to: Tensor, source: Tensor, x: int, y: int, feather: int) -> Tensor:
    """Lay one latent over another, fading its borders in over `feather` elements on inner sides.

    Args:
        x, y, feather: in elements of the latent, not pixels.
    """
    result = to.clone()
    height, width = source.shape[-2:]
    rows, columns = min(height, to.shape[-2] - y), min(width, to.shape[-1] - x)
    if rows <= 0 or columns <= 0:
        return result
    source = repeated(source[..., :rows, :columns], to.shape[0])
    ramp = torch.ones_like(source)
    for step in range(feather):
        rate = (step + 1) / feather
        if y and step < rows:
            ramp[..., step, :] *= rate
        if y + height < to.shape[-2] and step < rows:
            ramp[..., rows - 1 - step, :] *= rate
        if x and step < columns:
            ramp[..., step] *= rate
        if x + width < to.shape[-1] and step < columns:
            ramp[..., columns - 1 - step] *= rate
    place = result[..., y : y + rows, x : x + columns]
    result[..., y : y + rows, x : x + columns] = source * ramp + place * (1 - ramp)
    return result


def reinhard(multiplier: float) -> Operation:
    """An operation that compresses the lengths of latent vectors, as a camera's tone curve compresses light.

    Source: Reinhard et al. 2002, "Photographic tone reproduction for digital images".
    """

    def tonemap(latent: Tensor, **_: Any) -> Tensor:
        length = _lengths(latent) + 1e-10
        axes = tuple(range(1, length.ndim))
        mean, spread = length.mean(axes, keepdim=True), length.std(axes, keepdim=True)
        top = (spread * 5 + mean) * multiplier
        scaled = length / top
        return latent / length * (scaled / (scaled + 1) * top)

    return tonemap


def sharpening(radius: int, sigma: float, alpha: float) -> Operation:
    """An operation that sharpens the directions of latent vectors and keeps their lengths."""

    def sharpen(latent: Tensor, **_: Any) -> Tensor:
        length = _lengths(latent) + 1e-6
        channels = latent.shape[1]
        kernel = sharpening_kernel(radius, sigma, alpha, latent.device).to(latent)
        padded = mirror_pad(latent / length, radius)
        return length * F.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels)

    return sharpen


__all__ = [
    "CELL",
    "Latent",
    "Operation",
    "changed",
    "combined",
    "interpolated",
    "joined",
    "pasted",
    "rebatched",
    "reinhard",
    "repeated_batch",
    "sharpening",
    "taken",
]
