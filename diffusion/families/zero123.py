"""Stable Zero123: an object in a picture, seen from another side.

Source: Liu et al. 2023, arXiv:2303.11328 (Zero-1-to-3); cvlab-columbia/zero123, `ldm/models/diffusion/ddpm.py` (MIT);
the camera's numbers as threestudio-project/threestudio gives them, `stable_zero123_guidance.py` (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.families.family import Scene
from diffusion.families.wrapped import WrappedUNet

PROJECTION = "cc_projection."


@dataclass(frozen=True, slots=True, eq=False)
class Zero123Family(WrappedUNet):
    """A U-Net of Stable Diffusion 1 that is shown the picture, and told its encoding with the camera's turn.

    Attributes:
        unet: how the network is called; the picture is joined as the autoencoder gave it.
        weight, bias: of the layer that brings encoding and turn to the width of a text's tokens.
    """

    weight: Tensor
    bias: Tensor

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        width, read = embedding.shape[-1], self.weight.shape[1]
        if width not in (self.unet.context, read):
            raise SamplingError(
                f"The conditioning is {width} numbers wide; this model reads {read}, as StableZero123_Conditioning "
                f"gives with the encoder of pictures that belongs to the checkpoint, or {self.unet.context}."
            )
        if width != self.unet.context:
            embedding = F.linear(embedding.float(), self.weight.to(embedding.device), self.bias.to(embedding.device))
        return self.unet.inputs(embedding, options, scene)

    def tensors(self) -> dict[str, Tensor]:
        """What a file holds of the family beside the network."""
        return {f"{PROJECTION}weight": self.weight, f"{PROJECTION}bias": self.bias}


__all__ = ["PROJECTION", "Zero123Family"]
