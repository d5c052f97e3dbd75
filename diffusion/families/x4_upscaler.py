"""Stable Diffusion x4 upscaler: a U-Net of Stable Diffusion 2 that is shown the small picture, with noise on it.

Source: Stability-AI/stablediffusion, `x4-upscaling.yaml` and `ImageConcatWithNoiseAugmentation` (MIT); Saharia et al.
2022, arXiv:2205.11487, section 2.3 (noise conditioning augmentation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from diffusion.families.family import Scene
from diffusion.families.unet import UNetFamily, sized, spread
from diffusion.latents import LatentFormat
from diffusion.patching.record import Patching
from diffusion.sampling.prediction import stable_diffusion_sigmas

BETAS = (0.0001, 0.02)  # of its schedule, and of the noise on the small picture
CHANNELS = 7  # a latent, and red, green and blue
LEVELS = 350  # the noise level that an augmentation of 1 means
SEED_OFFSET = -10  # the picture's noise must not be the latent's


@dataclass(frozen=True, slots=True)
class X4UpscalerFamily:
    """A U-Net that enlarges the picture it is shown, pixel by latent cell, four times.

    Attributes:
        unet: how the network is called.
    """

    unet: UNetFamily
    repeats_context: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Of the family: that of the network."""
        return self.unet.name

    @property
    def latent_format(self) -> LatentFormat:
        """The space the network works in."""
        return self.unet.latent_format

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

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        return self.unet.call(module, x, timestep, inputs, residuals, patching)


def noised(picture: Tensor, level: int, seed: int) -> Tensor:
    """A picture [batch, channels, h, w] as it is at a level of the diffusion; drawn on the CPU."""
    sigma = stable_diffusion_sigmas(*BETAS)[level]
    generator = torch.Generator("cpu").manual_seed(seed % 2**64)
    drawn = torch.randn(picture.shape, generator=generator).to(picture)
    signal = float((sigma**2 + 1) ** -0.5)
    return picture * signal + drawn * float(sigma) * signal


__all__ = ["BETAS", "CHANNELS", "LEVELS", "X4UpscalerFamily", "noised"]
