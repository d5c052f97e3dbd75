"""Resizing of pictures, masks and latents: [batch, channels, h, w] in, the same out."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from diffusion.errors import SamplingError

METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos", "bislerp")
Crop = Literal["disabled", "center"]


def resize(x: Tensor, width: int, height: int, method: str, crop: Crop = "disabled") -> Tensor:
    """Resize, after trimming the longer side to the new proportions if asked to.

    Args:
        method: one of `METHODS`; `lanczos` works on 8-bit pictures, `bislerp` is for latents.
    Raises:
        SamplingError: for another method.
    """
    if method not in METHODS:
        raise SamplingError(f"There is no resizing method '{method}'. Known: {', '.join(METHODS)}.")
    if crop == "center":
        x = _trimmed(x, width / height)
    if method == "lanczos":
        return _lanczos(x, width, height)
    if method == "bislerp":
        return bislerp(x, width, height)
    return F.interpolate(x, size=(height, width), mode=method)


def _trimmed(x: Tensor, aspect: float) -> Tensor:
    height, width = x.shape[-2:]
    left = top = 0
    if width / height > aspect:
        left = round((width - width * (aspect / (width / height))) / 2)
    elif width / height < aspect:
        top = round((height - height * ((width / height) / aspect)) / 2)
    return x[..., top : height - top, left : width - left]


def _lanczos(x: Tensor, width: int, height: int) -> Tensor:
    pictures = []
    for one in x.movedim(1, -1).cpu():
        pixels = np.clip(255.0 * one.numpy(), 0, 255).astype(np.uint8)
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        shrunk = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS)).astype(np.float32) / 255.0
        pictures.append(torch.from_numpy(shrunk[..., None] if shrunk.ndim == 2 else shrunk).movedim(-1, 0))
    return torch.stack(pictures).to(x.device, x.dtype)


def bislerp(x: Tensor, width: int, height: int) -> Tensor:
    """Interpolate the direction of each latent vector on the sphere, its length linearly; rows, then columns.

    Source: Shoemake 1985, "Animating rotation with quaternion curves" (spherical linear interpolation).
    """
    result = x.float()
    for axis, size in ((3, width), (2, height)):
        near, far, share = _neighbours(result.shape[axis], size, x.device)
        shape = [1, 1, 1, 1]
        shape[axis] = size
        result = _slerp(result.index_select(axis, near), result.index_select(axis, far), share.view(shape))
    return result.to(x.dtype)


def _neighbours(old: int, new: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    def stretched(values: Tensor) -> Tensor:
        return F.interpolate(values.view(1, 1, 1, -1), size=(1, new), mode="bilinear").flatten()

    first = torch.arange(old, dtype=torch.float32, device=device)
    second = first + 1
    second[-1] -= 1
    position = stretched(first)
    return position.long(), stretched(second).long(), position - position.floor()


def _slerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    length_a, length_b = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    unit_a = torch.where(length_a == 0, 0.0, a / length_a)
    unit_b = torch.where(length_b == 0, 0.0, b / length_b)
    dot = (unit_a * unit_b).sum(1, keepdim=True)
    angle = dot.acos()
    turned = (((1 - share) * angle).sin() * unit_a + (share * angle).sin() * unit_b) / angle.sin()
    result = turned * (length_a * (1 - share) + length_b * share)
    result = torch.where(dot > 1 - 1e-5, a, result)
    return torch.where(dot < 1e-5 - 1, a * (1 - share) + b * share, result)


__all__ = ["METHODS", "Crop", "bislerp", "resize"]
