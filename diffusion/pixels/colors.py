"""Colour spaces.

Source: ITU-R BT.601 luma; colour differences scaled and shifted to 0..1.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rgb_to_ycc(image: Tensor) -> Tensor:
    """[…, 3] red, green, blue to brightness, blue difference, red difference, all about 0..1."""
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack([luma, (blue - luma) * 0.564 + 0.5, (red - luma) * 0.713 + 0.5], dim=-1)


def ycc_to_rgb(image: Tensor) -> Tensor:
    """The way back, as exact as the coefficients are; colours that do not exist are brought to 0..1."""
    luma, blue, red = image[..., 0], image[..., 1] - 0.5, image[..., 2] - 0.5
    colors = [luma + 1.403 * red, luma - 0.714 * red - 0.344 * blue, luma + 1.773 * blue]
    return torch.stack(colors, dim=-1).clamp(0, 1)


__all__ = ["rgb_to_ycc", "ycc_to_rgb"]
