"""Stable Diffusion XL: base and refiner, and the pruned SSD-1B and Segmind-Vega.

Source: Podell et al. 2023, arXiv:2307.01952.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from diffusion.families.family import Scene, sinusoid
from diffusion.families.unet import UNetFamily
from diffusion.latents import LatentFormat
from diffusion.patching.record import Patching
from diffusion.text.towers import Encoded
from diffusion.vision.unclip import NoiseAugmentation


@dataclass(frozen=True, slots=True)
class SdxlFamily:
    """A U-Net that is also told sizes, crops and a pooled text vector.

    Attributes:
        refiner: told an aesthetic score instead of a target size.
        pooled: width of the pooled text vector.
        scales_picture: as of `UNetFamily`; CosXL does, other models that edit do not.
    """

    name: str
    repeats_context: ClassVar[bool] = True
    latent_format: LatentFormat
    channels_in: int
    context: int
    pooled: int
    refiner: bool
    scales_picture: bool = False

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        result = self._unet().inputs(embedding, options, scene)
        result["vector"] = self.vector(options, scene)
        return result

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        return self._unet().call(module, x, timestep, inputs, residuals, patching)

    def vector(self, options: Mapping[str, Any], scene: Scene) -> Tensor:
        """Pooled text, or pictures in its place, then sinusoids of the sizes the picture is said to have."""
        ratio = self.latent_format.ratio
        width = options.get("width", scene.noise.shape[-1] * ratio)
        height = options.get("height", scene.noise.shape[-2] * ratio)
        numbers = [height, width, options.get("crop_h", 0), options.get("crop_w", 0)]
        if self.refiner:
            numbers.append(options.get("aesthetic_score", 2.5 if scene.negative else 6.0))
        else:
            numbers += [options.get("target_height", height), options.get("target_width", width)]
        pooled = options.get("pooled_output")
        if options.get("unclip_conditioning"):
            plain = NoiseAugmentation(torch.zeros(1, self.pooled), torch.ones(1, self.pooled))
            pooled = plain.vector(options["unclip_conditioning"], scene.seed)[:, : self.pooled]
        if pooled is None:
            pooled = torch.zeros(1, self.pooled)
        sizes = sinusoid(torch.tensor([float(number) for number in numbers])).reshape(1, -1)
        return torch.cat([pooled.float().cpu(), sizes.repeat(pooled.shape[0], 1)], dim=1)

    def _unet(self) -> UNetFamily:
        return UNetFamily(self.name, self.latent_format, self.channels_in, self.context, self.scales_picture)


def join_sdxl(encoded: Mapping[str, Encoded]) -> tuple[Tensor, Tensor | None]:
    """Features of both encoders side by side, cut to the shorter; the pooled vector of the second."""
    first, second = encoded["l"], encoded["g"]
    length = min(first.features.shape[1], second.features.shape[1])
    return torch.cat([first.features[:, :length], second.features[:, :length]], dim=-1), second.pooled


__all__ = ["SdxlFamily", "join_sdxl"]
