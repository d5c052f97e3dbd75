"""ControlNets that know several kinds of pictures and are told which one they see.

Source: xinsir6/ControlNetPlus (Apache-2.0).
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import ControlNetModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.embeddings import TimestepEmbedding
from torch import Tensor, nn

from diffusion.families.family import sinusoid
from diffusion.residual_attention import ResidualAttention

TYPE_WIDTH = 256  # of the sinusoid that says whether a kind is meant


class _TypedPicture(ControlNetConditioningEmbedding):
    """Reads the picture, and shifts what it read by what the kind of picture makes of its mean."""

    types: tuple[int, ...] = ()

    def add_types(self, count: int, width: int) -> None:
        self.task_embedding = nn.Parameter(torch.empty(count, width))
        self.transformer_layes = nn.ModuleList([ResidualAttention(width)])  # spelled so in the files
        self.spatial_ch_projs = nn.Linear(width, width)

    def forward(self, conditioning: Tensor) -> Tensor:
        seen: Tensor = super().forward(conditioning)
        if not self.types:
            return seen
        tokens = seen.mean(dim=(2, 3)) + self.task_embedding[self.types[0]].to(seen)
        tokens = self.transformer_layes[0](tokens[:, None])
        return seen + self.spatial_ch_projs(tokens[:, 0])[..., None, None]


class _TypedTime(TimestepEmbedding):
    """Time, and which kinds of pictures are meant."""

    types: tuple[int, ...] = ()

    def add_types(self, count: int, width: int) -> None:
        self.count = count
        self.control_add_embedding = TimestepEmbedding(TYPE_WIDTH * count, width)

    def forward(self, sample: Tensor, condition: Tensor | None = None) -> Tensor:
        meant = torch.zeros(self.count, device=sample.device)
        meant[list(self.types)] = 1.0
        said = sinusoid(meant, TYPE_WIDTH).reshape(1, -1)
        result: Tensor = super().forward(sample, condition) + self.control_add_embedding(said.to(sample))
        return result


class UnionControlNet(ControlNetModel):
    """A ControlNet with kinds of pictures.

    Args:
        types: how many.
        type_width: of their embeddings.
        config: as of a ControlNetModel.
    """

    def __init__(self, types: int, type_width: int, **config: Any) -> None:
        super().__init__(**config)
        self.controlnet_cond_embedding.__class__ = _TypedPicture
        self.time_embedding.__class__ = _TypedTime
        self.controlnet_cond_embedding.add_types(types, type_width)
        self.time_embedding.add_types(types, 4 * config["block_out_channels"][0])

    def forward(self, *args: Any, control_types: tuple[int, ...] = (), **rest: Any) -> Any:
        """As of a ControlNetModel.

        Args:
            control_types: which kinds the picture is; none leaves it open.
        """
        self.controlnet_cond_embedding.types = self.time_embedding.types = control_types
        return super().forward(*args, **rest)


__all__ = ["UnionControlNet"]
