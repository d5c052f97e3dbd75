"""Stable Diffusion 3 and 3.5: a transformer over text and image tokens, trained as a rectified flow.

Source: Esser et al. 2024, arXiv:2403.03206.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.families.family import Scene, even_sided
from diffusion.latents import SD3, LatentFormat
from diffusion.patching.record import Patching
from diffusion.patching.transformer import replaced_blocks
from diffusion.residuals import of_transformer
from diffusion.text.towers import Encoded

TEXT_WIDTH, POOLED_WIDTH = 4096, 2048


@dataclass(frozen=True, slots=True)
class Sd3Family:
    """Text as tokens beside the image's, a pooled vector with the time."""

    name: str = "sd3"
    repeats_context: ClassVar[bool] = False
    latent_format: LatentFormat = SD3

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        pooled = options.get("pooled_output")
        return {"context": embedding, "vector": torch.zeros(1, POOLED_WIDTH) if pooled is None else pooled.float()}

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        height, width = x.shape[-2:]
        chain = of_transformer(residuals)
        added = None if chain is None else chain.spread(0, len(module.transformer_blocks))
        with replaced_blocks(module, patching):
            out = module(
                hidden_states=even_sided(x), encoder_hidden_states=inputs["context"].to(x),
                pooled_projections=inputs["vector"].to(x), timestep=timestep, return_dict=False,
                block_controlnet_hidden_states=added,
            )[0]  # fmt: skip
        return out[..., :height, :width]


def join_sd3(encoded: Mapping[str, Encoded]) -> tuple[Tensor, Tensor | None]:
    """Both CLIPs side by side, padded to T5's width, then T5's tokens; missing encoders count as zeros."""
    features: Tensor | None = None
    first, second, t5 = encoded.get("l"), encoded.get("g"), encoded.get("t5xxl")
    if first is not None and second is not None:
        length = min(first.features.shape[1], second.features.shape[1])
        features = torch.cat([first.features[:, :length], second.features[:, :length]], dim=-1)
    elif first is not None:
        features = F.pad(first.features, (0, 1280))
    elif second is not None:
        features = F.pad(second.features, (768, 0))
    if features is not None:
        features = F.pad(features, (0, TEXT_WIDTH - features.shape[-1]))
    if t5 is not None:
        features = t5.features if features is None else torch.cat([features, t5.features], dim=1)
    if features is None:
        features = torch.zeros(1, 77, TEXT_WIDTH)
    pooled = torch.cat([_pooled(first, 768), _pooled(second, 1280)], dim=-1)
    return features, pooled


def _pooled(encoded: Encoded | None, width: int) -> Tensor:
    return torch.zeros(1, width) if encoded is None or encoded.pooled is None else encoded.pooled


__all__ = ["Sd3Family", "join_sd3"]
