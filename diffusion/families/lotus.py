"""Lotus: a U-Net of Stable Diffusion 2 that answers a picture with its depth or its normals, in one step.

It reads the picture's latent where others read noise, and is told a task where unCLIP is told a picture.

Source: He et al. 2024, arXiv:2409.18124; EnVision-Research/Lotus (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion.families.family import Scene
from diffusion.families.wrapped import WrappedUNet

TASK = 4  # numbers that say what to answer with
ANSWER = (1.0, 0.0)  # depth or normals, as trained; (0, 1) would give the picture back


@dataclass(frozen=True, slots=True)
class LotusFamily(WrappedUNet):
    """A U-Net of Stable Diffusion 2 that is told its task."""

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        task = torch.tensor([ANSWER])
        return {**self.unet.inputs(embedding, options, scene), "vector": torch.cat([task.sin(), task.cos()], dim=1)}


__all__ = ["ANSWER", "TASK", "LotusFamily"]
