"""Fewer colours, with and without dithering."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

DITHERS: Final = ("none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16")


def quantize(image: Tensor, colors: int, dither: str) -> Tensor:
    """Reduce every image of a batch to its own palette (median cut).

    Args:
        image: [batch, h, w, 3] in 0..1.
        colors: size of the palette, 1..256.
        dither: one of `DITHERS`.
    Raises:
        ValueError: for another dithering.
    """
    if dither not in DITHERS:
        raise ValueError(f"There is no dithering {dither!r}. Known: {', '.join(DITHERS)}.")
    pictures = []
    for one in image[..., :3].cpu():
        pixels = (one * 255).to(torch.uint8).numpy()
        picture = Image.fromarray(pixels)
        palette = picture.quantize(colors=colors)
        if dither == "none":
            reduced = picture.quantize(colors=colors, dither=Image.Dither.NONE)
        elif dither == "floyd-steinberg":
            reduced = picture.quantize(colors=colors, palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        else:
            patterned = Image.fromarray(_patterned(pixels, palette, int(dither.removeprefix("bayer-"))))
            reduced = patterned.quantize(palette=palette, dither=Image.Dither.NONE)
        pictures.append(torch.from_numpy(np.asarray(reduced.convert("RGB")).astype(np.float32) / 255))
    return torch.stack(pictures).to(image.device)


def _patterned(pixels: np.ndarray, palette: Image.Image, order: int) -> np.ndarray:
    """Add an ordered pattern whose amplitude is the distance between neighbouring palette colours.

    Source: Bayer 1973, "An optimum method for two-level rendition of continuous-tone pictures".
    """
    count = len(palette.getpalette() or ()) // 3
    spread = 2 * 256 / max(count, 1)
    pattern = (spread * bayer_matrix(int(math.log2(order))) + 0.5).astype(np.float32)
    height, width = pixels.shape[:2]
    repeats = (-(-height // pattern.shape[0]), -(-width // pattern.shape[1]))
    tiled = np.tile(pattern, repeats)[:height, :width, None]
    return np.clip(pixels.astype(np.float32) + tiled, 0, 255).astype(np.uint8)


def bayer_matrix(level: int) -> np.ndarray:
    """The threshold matrix of side 2^level, values in -0.5..0.5."""
    if level == 0:
        return np.zeros((1, 1))
    quarter = 4.0**level
    smaller = quarter * bayer_matrix(level - 1)
    return np.block([[smaller - 1.5, smaller + 0.5], [smaller + 1.5, smaller - 0.5]]) / quarter


__all__ = ["DITHERS", "bayer_matrix", "quantize"]
