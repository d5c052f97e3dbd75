"""Stable Video Diffusion and SV3D: a picture becomes the frames of a video, or views all around an object.

The batch of latents is the video. Each frame is shown the picture, and told numbers about it.

Source: Blattmann et al. 2023, arXiv:2311.15127; Voleti et al. 2024, arXiv:2403.12008; Stability-AI/generative-models
(MIT), `svd.yaml`, `sv3d_u.yaml` and `sv3d_p.yaml`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from diffusion.families.family import Scene, sinusoid
from diffusion.families.unet import spread
from diffusion.families.wrapped import WrappedUNet
from diffusion.patching.record import Patching
from diffusion.patching.video import run_video_unet
from diffusion.residuals import of_unet

Told = Literal["motion", "noise", "camera"]
TOLD: Mapping[int, tuple[str, Told]] = {768: ("svd", "motion"), 256: ("sv3d_u", "noise"), 1280: ("sv3d_p", "camera")}
"""By the width of a frame's vector: name of the family, and what its numbers say."""
FPS, MOTION = 6, 127  # unless a conditioning says otherwise
SIGMA_MIN, SIGMA_MAX = 0.002, 700.0


@dataclass(frozen=True, slots=True)
class VideoFamily(WrappedUNet):
    """A U-Net over the frames of one video.

    Attributes:
        unet: what its latents and text are; the picture is joined as the autoencoder gave it.
        told: `motion`: frames a second, how much moves, and the noise on the picture; `noise`: the last alone;
            `camera`: the noise, elevation and azimuth.
    """

    told: Told

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        frames = scene.noise.shape[0]
        result = self.unet.inputs(embedding, options, scene)
        result["vector"] = self.vector(options, frames)
        result["frames"] = torch.zeros(1, frames)  # its shape alone counts: asking it waits for no device
        return result

    def vector(self, options: Mapping[str, Any], frames: int) -> Tensor:
        """What the network is told about each frame, or about all.

        Args:
            options: `augmentation_level`; `fps` and `motion_bucket_id`, or `elevation` and `azimuth` in degrees, each a
                number or one for each frame.
        Returns:
            float32 [1 or frames, width], on the CPU.
        """
        noise = torch.as_tensor([float(options.get("augmentation_level", 0.0))])
        if self.told == "motion":
            pace = float(options.get("fps", FPS)) - 1.0  # the original was trained so
            motion = float(options.get("motion_bucket_id", MOTION))
            return sinusoid(torch.tensor([pace, motion, float(noise)])).reshape(1, -1)
        if self.told == "noise":
            return sinusoid(noise)
        polar = 90.0 - _numbers(options.get("elevation", 0.0))
        azimuth = _numbers(options.get("azimuth", 0.0))
        views = [sinusoid(torch.fmod(angles, 360.0) * (math.pi / 180.0), 512) for angles in (polar, azimuth)]
        return torch.cat([spread(one, frames) for one in (sinusoid(noise), *views)], dim=1)

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        if "concat" in inputs:
            x = torch.cat([x, inputs["concat"].to(x)], dim=1)
        context, vector, frames = inputs["context"].to(x), inputs["vector"].to(x), inputs["frames"].shape[1]
        added = of_unet(residuals)
        if added is not None or (patching is not None and (patching.patches.in_unet or patching.patches.blocks)):
            return run_video_unet(module, x, timestep, context, vector, frames, added, patching)
        result: Tensor = module(x, timestep, context, vector, frames)
        return result


def _numbers(value: Any) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float32).flatten()


__all__ = ["SIGMA_MAX", "SIGMA_MIN", "TOLD", "VideoFamily"]
