"""Edges of pictures.

Source: Canny 1986, "A computational approach to edge detection".
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.pixels.filters import mirror_pad

_LUMA = (0.299, 0.587, 0.114)
_NEIGHBOURS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def canny(image: Tensor, low: float, high: float) -> Tensor:
    """White lines, one pixel wide, where the brightness changes.

    Args:
        image: [batch, h, w, 3 or more] in 0..1.
        low: gradients below are no edge.
        high: gradients above are edges; those between are if they touch one.
    Returns:
        float32 [batch, h, w, 3], 0 or 1.
    """
    weights = image.new_tensor(_LUMA)
    grey = (image[..., :3] * weights).sum(-1, keepdim=True).movedim(-1, 1)
    magnitude, angle = _gradient(_smoothed(grey))
    magnitude = magnitude * _is_ridge(magnitude, angle)
    edges = _connected(magnitude > max(low, high), magnitude > low)
    return edges.to(image.dtype).movedim(1, -1).expand(-1, -1, -1, 3).contiguous()


def _smoothed(grey: Tensor) -> Tensor:
    """A Gaussian of sigma 1 over five pixels."""
    bell = torch.exp(-(torch.arange(-2.0, 3.0, device=grey.device) ** 2) / 2)
    bell = bell / bell.sum()
    padded = mirror_pad(grey, 2)
    return F.conv2d(F.conv2d(padded, bell.view(1, 1, 1, 5)), bell.view(1, 1, 5, 1))


def _gradient(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel magnitude, and direction as a multiple of 45 degrees: 0 to the right, 2 downwards."""
    sobel = grey.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).view(1, 1, 3, 3)
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    across, down = F.conv2d(padded, sobel), F.conv2d(padded, sobel.transpose(2, 3))
    magnitude = torch.sqrt(across**2 + down**2 + 1e-6)
    angle = torch.round(torch.atan2(down, across) * (180 / math.pi) / 45).long()
    return magnitude, angle


def _is_ridge(magnitude: Tensor, angle: Tensor) -> Tensor:
    """Whether a pixel is steeper than both its neighbours along the gradient; beyond the border all is flat."""
    padded = F.pad(magnitude, (1, 1, 1, 1))
    height, width = magnitude.shape[-2:]
    rises = torch.cat(
        [magnitude - padded[..., 1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in _NEIGHBOURS], dim=1
    )
    forward = rises.gather(1, angle.remainder(8))
    backward = rises.gather(1, (angle + 4).remainder(8))
    return torch.minimum(forward, backward) > 0


def _connected(strong: Tensor, weak: Tensor) -> Tensor:
    """Strong pixels and the weak ones that a chain of weak ones joins to them."""
    while True:
        grown = (F.max_pool2d(strong.float(), 3, stride=1, padding=1) > 0) & weak | strong
        if bool((grown == strong).all()):
            return strong
        strong = grown


__all__ = ["canny"]
