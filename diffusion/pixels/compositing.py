"""Putting pictures together: pasting through masks, Porter-Duff, blend modes, padding, stitching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.pixels.planes import (
    like_channels,
    mask_planes,
    match_channels,
    repeated,
    resize_image,
    to_image,
    to_planes,
)

_Pair = tuple[Tensor, Tensor]
_EPSILON: Final = 1e-5


def paste(
    destination: Tensor,
    source: Tensor,
    x: int,
    y: int,
    mask: Tensor | None = None,
    *,
    unit: int = 1,
    stretch: bool = False,
) -> Tensor:
    """Lay planes over others at a place, through a mask.

    Args:
        destination, source: [batch, channels, …, h, w]; the source's batch is repeated or cut to the other's.
        x, y: place of the upper left corner, in pixels; `unit` of them make one element of the planes (8 for latents).
        mask: 1 shows the source; brought to the source's size; None shows all of it.
        stretch: resize the source to the whole destination first.
    """
    height, width = destination.shape[-2:]
    if stretch:
        source = F.interpolate(source, size=(height, width), mode="bilinear")
    source = repeated(source.to(destination), destination.shape[0])
    left, top = min(x, width * unit) // unit, min(y, height * unit) // unit
    rows, columns = min(source.shape[-2], height - top), min(source.shape[-1], width - left)
    if rows <= 0 or columns <= 0:
        return destination.clone()
    if mask is None:
        share = torch.ones_like(source)
    else:
        share = F.interpolate(mask_planes(mask).to(source), size=source.shape[-2:], mode="bilinear")
        share = repeated(share, source.shape[0])
        while share.ndim < source.ndim:
            share = share.unsqueeze(2)
    share, source = share[..., :rows, :columns], source[..., :rows, :columns]
    result = destination.clone()
    place = result[..., top : top + rows, left : left + columns]
    result[..., top : top + rows, left : left + columns] = share * source + (1 - share) * place
    return result


def paste_image(destination: Tensor, source: Tensor, x: int, y: int, mask: Tensor | None, *, stretch: bool) -> Tensor:
    """`paste` for images; the source gets or loses an alpha channel to be like the destination."""
    source = like_channels(source, destination)
    return to_image(paste(to_planes(destination), to_planes(source), x, y, mask, stretch=stretch))


def _soft_light(a: Tensor, b: Tensor) -> Tensor:
    root = torch.where(a <= 0.25, ((16 * a - 12) * a + 4) * a, a.sqrt())
    return torch.where(b <= 0.5, a - (1 - 2 * b) * a * (1 - a), a + (2 * b - 1) * (root - a))


BLENDS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "normal": lambda a, b: b,
    "multiply": lambda a, b: a * b,
    "screen": lambda a, b: 1 - (1 - a) * (1 - b),
    "overlay": lambda a, b: torch.where(a <= 0.5, 2 * a * b, 1 - 2 * (1 - a) * (1 - b)),
    "soft_light": _soft_light,
    "difference": lambda a, b: a - b,
}
"""How two images mix: (below, above) → result, before the blend factor."""


def blend(below: Tensor, above: Tensor, share: float, mode: str) -> Tensor:
    """Mix two images; the second is brought to the first's channels and size, trimmed around the middle.

    Args:
        share: 0 gives the first, 1 the blend.
        mode: a key of `BLENDS`.
    """
    above = like_channels(above.to(below.device), below)
    if above.shape[1:3] != below.shape[1:3]:
        above = resize_image(above, below.shape[2], below.shape[1], "bicubic", "center")
    return (below * (1 - share) + BLENDS[mode](below, above) * share).clamp(0, 1)


PORTER_DUFF: Final[Mapping[str, Callable[[Tensor, Tensor, Tensor, Tensor], _Pair]]] = {
    "ADD": lambda s, sa, d, da: ((s + d).clamp(0, 1), (sa + da).clamp(0, 1)),
    "CLEAR": lambda s, sa, d, da: (torch.zeros_like(d), torch.zeros_like(da)),
    "DARKEN": lambda s, sa, d, da: ((1 - da) * s + (1 - sa) * d + torch.minimum(s, d), sa + da - sa * da),
    "DST": lambda s, sa, d, da: (d, da),
    "DST_ATOP": lambda s, sa, d, da: (sa * d + (1 - da) * s, sa),
    "DST_IN": lambda s, sa, d, da: (d * sa, sa * da),
    "DST_OUT": lambda s, sa, d, da: ((1 - sa) * d, (1 - sa) * da),
    "DST_OVER": lambda s, sa, d, da: (d + (1 - da) * s, da + (1 - da) * sa),
    "LIGHTEN": lambda s, sa, d, da: ((1 - da) * s + (1 - sa) * d + torch.maximum(s, d), sa + da - sa * da),
    "MULTIPLY": lambda s, sa, d, da: (s * d, sa * da),
    "OVERLAY": lambda s, sa, d, da: (
        torch.where(2 * d < da, 2 * s * d, sa * da - 2 * (da - s) * (sa - d)),
        sa + da - sa * da,
    ),
    "SCREEN": lambda s, sa, d, da: (s + d - s * d, sa + da - sa * da),
    "SRC": lambda s, sa, d, da: (s, sa),
    "SRC_ATOP": lambda s, sa, d, da: (da * s + (1 - sa) * d, da),
    "SRC_IN": lambda s, sa, d, da: (s * da, sa * da),
    "SRC_OUT": lambda s, sa, d, da: ((1 - da) * s, (1 - da) * sa),
    "SRC_OVER": lambda s, sa, d, da: (s + (1 - sa) * d, sa + (1 - sa) * da),
    "XOR": lambda s, sa, d, da: ((1 - da) * s + (1 - sa) * d, (1 - da) * sa + (1 - sa) * da),
}
"""(source, its alpha, destination, its alpha), colours premultiplied → (colour, alpha).

Source: Porter and Duff 1984, "Compositing digital images"; blend modes as in the usual graphics libraries.
"""


def porter_duff(source: Tensor, source_mask: Tensor, destination: Tensor, destination_mask: Tensor, mode: str) -> _Pair:
    """Compose two pictures whose masks tell where they are transparent.

    All are brought to the destination's size (bicubic, trimmed around the middle), and the source to its channels; of
    longer batches the first members count.

    Returns:
        (image, mask); the mask is 1 where the result is transparent.
    """
    count = min(map(len, (source, source_mask, destination, destination_mask)))
    source, destination = like_channels(source[:count], destination), destination[:count]
    height, width = destination.shape[1:3]

    def fitted(image: Tensor) -> Tensor:
        if image.shape[1:3] == (height, width):
            return image
        return resize_image(image, width, height, "bicubic", "center")

    source_alpha = 1 - fitted(source_mask[:count].unsqueeze(-1))
    alpha = 1 - fitted(destination_mask[:count].unsqueeze(-1))
    color, alpha = PORTER_DUFF[mode](fitted(source) * source_alpha, source_alpha, destination * alpha, alpha)
    color = torch.where(alpha > _EPSILON, color / alpha, torch.zeros_like(color)).clamp(0, 1)
    return color, 1 - alpha.squeeze(-1)


def pad_for_outpainting(
    image: Tensor, left: int, top: int, right: int, bottom: int, feathering: int
) -> tuple[Tensor, Tensor]:
    """Surround images with grey, and mark what is to be painted.

    Returns:
        (image, mask [1, h, w]): the mask is 1 on the new border and fades into the picture over `feathering` pixels
        on the sides that grew.
    """
    batch, height, width, channels = image.shape
    canvas = image.new_full((batch, height + top + bottom, width + left + right, channels), 0.5)
    canvas[:, top : top + height, left : left + width] = image
    mask = image.new_ones(1, height + top + bottom, width + left + right)
    inner = image.new_zeros(height, width)
    if feathering > 0 and feathering * 2 < height and feathering * 2 < width:
        rows = torch.arange(height, device=image.device, dtype=image.dtype)[:, None]
        columns = torch.arange(width, device=image.device, dtype=image.dtype)[None, :]
        far = image.new_tensor(float(max(height, width)))
        distance = torch.minimum(
            torch.minimum(rows if top else far, height - rows if bottom else far),
            torch.minimum(columns if left else far, width - columns if right else far),
        )
        inner = (((feathering - distance) / feathering).clamp(min=0) ** 2).expand(height, width)
    mask[:, top : top + height, left : left + width] = inner
    return canvas, mask


def stitch(
    image: Tensor,
    other: Tensor,
    direction: str,
    match: bool,
    gap: int,
    color: tuple[float, float, float],
) -> Tensor:
    """Put two batches of images side by side; the last image of the shorter batch is repeated.

    Args:
        direction: where the other goes: `right`, `down`, `left`, `up`.
        match: resize the other to the shared side's length; else pad the shorter one on both sides, with `color` if
            it is a grey and with black otherwise.
        gap: pixels of `color` between them.
    """
    sideways = direction in ("right", "left")
    shared, along = (1, 2) if sideways else (2, 1)
    count = max(len(image), len(other))
    image, other = (torch.cat([each, each[-1:].expand(count - len(each), -1, -1, -1)]) for each in (image, other))
    if match:
        aspect = other.shape[2] / other.shape[1]
        if sideways:
            height, width = image.shape[1], max(1, int(image.shape[1] * aspect))
        else:
            height, width = max(1, int(image.shape[2] / aspect)), image.shape[2]
        other = resize_image(other, width, height, "lanczos")
    else:
        length = max(image.shape[shared], other.shape[shared])
        fill = color[0] if color[0] == color[1] == color[2] else 0.0
        image, other = _centred(image, shared, length, fill), _centred(other, shared, length, fill)
    image, other = match_channels(image, other)
    parts = [image, other] if direction in ("right", "down") else [other, image]
    if gap:
        size = list(image.shape)
        size[along] = gap
        filling = torch.ones_like(image[:1, :1, :1])
        filling[..., :3] = image.new_tensor(color)
        parts.insert(1, filling.expand(size))
    return torch.cat(parts, dim=along)


def _centred(image: Tensor, axis: int, length: int, fill: float) -> Tensor:
    missing = length - image.shape[axis]
    before = missing // 2
    widths = [0, 0, 0, 0, before, missing - before] if axis == 1 else [0, 0, before, missing - before]
    return F.pad(image, widths, value=fill) if missing else image


__all__ = ["BLENDS", "PORTER_DUFF", "blend", "pad_for_outpainting", "paste", "paste_image", "porter_duff", "stitch"]
