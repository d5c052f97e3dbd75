"""Small pictures as the x4 upscaler is shown them."""

from __future__ import annotations

import torch
from torch import Tensor

from diffusion.latents import SD_X4
from diffusion.resize import resize


def shown_pictures(images: Tensor, ratio: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Pictures of one pixel for each latent cell of the result, and the empty latent.

    Args:
        images: [batch, h, w, channels] in 0..1; channels beyond three are left out.
        ratio: by which each side grows; the result's sides are cut to multiples of four.
    Returns:
        [batch, 3, rows, columns] in −1..1, and LATENT.
    """
    batch, height, width = images.shape[:3]
    columns, rows = (max(1, max(1, round(side * ratio)) // SD_X4.ratio) for side in (width, height))
    pixels = images[..., :3].movedim(-1, 1).float() * 2.0 - 1.0
    shown = resize(pixels, columns, rows, "bilinear", "center")
    return shown, {"samples": torch.zeros(batch, SD_X4.channels, rows, columns)}


__all__ = ["shown_pictures"]
