"""Stable Diffusion 2.1 unCLIP: a U-Net that is also told a picture's embedding.

Source: Stability-AI/stablediffusion, `doc/UNCLIP.MD` (MIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion.families.family import Scene
from diffusion.families.wrapped import WrappedUNet
from diffusion.vision.unclip import NoiseAugmentation


@dataclass(frozen=True, slots=True)
class UnclipFamily(WrappedUNet):
    """A U-Net of Stable Diffusion 2 with pictures beside the text; without a picture it is told zeros.

    Attributes:
        augmentation: makes its vector of encoded pictures.
    """

    augmentation: NoiseAugmentation

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        result = self.unet.inputs(embedding, options, scene)
        pictures = options.get("unclip_conditioning")
        if pictures:
            result["vector"] = self.augmentation.vector(pictures, scene.seed)
        else:
            result["vector"] = torch.zeros(1, 2 * self.augmentation.mean.shape[1])
        return result


__all__ = ["UnclipFamily"]
