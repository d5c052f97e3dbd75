"""Stable Diffusion x4 upscaler: a U-Net of Stable Diffusion 2 that is shown the small picture, with noise on it.

Source: Stability-AI/stablediffusion, `x4-upscaling.yaml` and `ImageConcatWithNoiseAugmentation` (MIT); Saharia et al.
2022, arXiv:2205.11487, section 2.3 (noise conditioning augmentation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion.families.family import Scene
from diffusion.families.unet import sized, spread
from diffusion.families.wrapped import WrappedUNet
from diffusion.sampling.prediction import stable_diffusion_sigmas

BETAS = (0.0001, 0.02)  # of its schedule, and of the noise on the small picture
CHANNELS = 7  # a latent, and red, green and blue
LEVELS = 350  # the noise level that an augmentation of 1 means
SEED_OFFSET = -10  # the picture's noise must not be the latent's


@dataclass(frozen=True, slots=True)
class X4UpscalerFamily(WrappedUNet):
    """A U-Net that enlarges the picture it is shown, pixel by latent cell, four times."""

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        noise, picture = scene.noise, options.get("concat_image")
        if picture is None:
            picture = torch.zeros_like(noise)[:, : CHANNELS - self.latent_format.channels]
        share = float(options.get("noise_augmentation", 0.0))
        level = round(LEVELS * share)
        picture = sized(picture.to(noise), noise)
        if share > 0:
            picture = noised(picture, level, scene.seed + SEED_OFFSET)
        return {"context": embedding, "concat": spread(picture, noise.shape[0]), "vector": torch.tensor([level])}


def noised(picture: Tensor, level: int, seed: int) -> Tensor:
    """A picture [batch, channels, h, w] as it is at a level of the diffusion; drawn on the CPU."""
    sigma = stable_diffusion_sigmas(*BETAS)[level]
    generator = torch.Generator("cpu").manual_seed(seed % 2**64)
    drawn = torch.randn(picture.shape, generator=generator).to(picture)
    signal = float((sigma**2 + 1) ** -0.5)
    return picture * signal + drawn * float(sigma) * signal


__all__ = ["BETAS", "CHANNELS", "LEVELS", "X4UpscalerFamily", "noised"]
