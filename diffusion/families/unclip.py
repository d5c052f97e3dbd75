"""Stable Diffusion 2.1 unCLIP: a U-Net that is also told a picture's embedding.

Source: Stability-AI/stablediffusion, `doc/UNCLIP.MD` (MIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from diffusion.families.family import Scene
from diffusion.families.unet import UNetFamily
from diffusion.latents import LatentFormat
from diffusion.patching.record import Patching
from diffusion.vision.unclip import NoiseAugmentation


@dataclass(frozen=True, slots=True)
class UnclipFamily:
    """A U-Net of Stable Diffusion 2 with pictures beside the text; without a picture it is told zeros.

    Attributes:
        unet: how the network is called.
        augmentation: makes its vector of encoded pictures.
    """

    unet: UNetFamily
    augmentation: NoiseAugmentation
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
        result = self.unet.inputs(embedding, options, scene)
        pictures = options.get("unclip_conditioning")
        if pictures:
            result["vector"] = self.augmentation.vector(pictures, scene.seed)
        else:
            result["vector"] = torch.zeros(1, 2 * self.augmentation.mean.shape[1])
        return result

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        return self.unet.call(module, x, timestep, inputs, residuals, patching)


__all__ = ["UnclipFamily"]
