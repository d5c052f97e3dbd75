"""Layers that keep their weights in one dtype, or on another device, and convert them when they compute.

A model whose float32 copy would not fit stays in the dtype of its file; each layer converts its own weights for the
moment of their use. The numbers are those of a float32 copy of the same weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.models.normalization import RMSNorm
from diffusers.models.resnet import AlphaBlender
from torch import Tensor, nn


def _cast(tensor: Tensor | None, x: Tensor) -> Tensor | None:
    return None if tensor is None else tensor.to(x)


class CastLinear(nn.Linear):
    """Linear layer that computes in the dtype of its input."""

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight.to(input), _cast(self.bias, input))


class CastConv2d(nn.Conv2d):
    """Convolution that computes in the dtype of its input."""

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight.to(input), _cast(self.bias, input))


class CastConv3d(nn.Conv3d):
    """Convolution over time and space that computes in the dtype of its input."""

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight.to(input), _cast(self.bias, input))


class CastLayerNorm(nn.LayerNorm):
    """Layer norm that computes in the dtype of its input."""

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, _cast(self.weight, input), _cast(self.bias, input), self.eps)


class CastGroupNorm(nn.GroupNorm):
    """Group norm that computes in the dtype of its input."""

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, _cast(self.weight, input), _cast(self.bias, input), self.eps)


class CastRmsNorm(RMSNorm):
    """Root-mean-square norm that answers in the dtype of its input, and does not round to that of its weight."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        variance = hidden_states.float().pow(2).mean(-1, keepdim=True)
        out = (hidden_states * torch.rsqrt(variance + self.eps)).to(hidden_states.dtype)
        if self.weight is not None:
            out = out * self.weight.to(out)
        return out if self.bias is None else out + self.bias.to(out)


class CastBlender(AlphaBlender):
    """Blend of layers over space and over time that weighs them in the dtype of its input."""

    mix_factor: Tensor

    def get_alpha(self, image_only_indicator: Tensor, ndims: int) -> Tensor:
        alpha = torch.sigmoid(self.mix_factor.to(image_only_indicator))
        if self.merge_strategy != "learned_with_images":
            return alpha
        alpha = torch.where(image_only_indicator.bool(), 1.0, alpha[..., None])
        return alpha[:, None, :, None, None] if ndims == 5 else alpha.reshape(-1)[:, None, None]


class CastEmbedding(nn.Embedding):
    """Embedding that answers in the compute dtype (float32 unless set), where its input lies."""

    compute_dtype: torch.dtype = torch.float32

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.to(self.weight.device)).to(input.device, self.compute_dtype)


_CASTING: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: CastLinear,
    nn.Conv2d: CastConv2d,
    nn.Conv3d: CastConv3d,
    nn.LayerNorm: CastLayerNorm,
    nn.GroupNorm: CastGroupNorm,
    nn.Embedding: CastEmbedding,
    AlphaBlender: CastBlender,
    RMSNorm: CastRmsNorm,
}


def cast_on_use(module: nn.Module, compute_dtype: torch.dtype) -> frozenset[str]:
    """Make every layer of a network convert its weights when it uses them.

    Only layers of exactly the known types change; a network may bring layers of its own that convert already.

    Returns:
        Names of the weights that are converted so.
    """
    converted: set[str] = set()
    for name, layer in module.named_modules():
        if type(layer) in _CASTING:
            layer.__class__ = _CASTING[type(layer)]
        if isinstance(layer, tuple(_CASTING.values())):
            converted.update(f"{name}.{own}".lstrip(".") for own in layer._parameters)
        if isinstance(layer, CastEmbedding):
            layer.compute_dtype = compute_dtype
    return frozenset(converted)


__all__ = ["cast_on_use"]
