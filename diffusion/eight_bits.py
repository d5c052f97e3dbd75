"""Linear layers with weights of eight bits: one scale for each output, plain integers between.

Half the memory of float16 at an error of about half a percent of a weight's row maximum; meant for large text encoders.
It is never chosen silently.

Source: Dettmers et al. 2022, arXiv:2208.07339 (vector-wise quantisation, without its outlier columns).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.errors import SamplingError
from diffusion.network import Network
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import T5Tower

LARGEST = 127


class EightBitLinear(nn.Module):
    """A linear layer that keeps its weight as integers and widens it while it computes."""

    def __init__(self, inputs: int, outputs: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, dtype=torch.int8), requires_grad=False)
        self.scale = nn.Parameter(torch.empty(outputs, 1), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(outputs), requires_grad=False) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.to(x.device, x.dtype) * self.scale.to(x)
        return F.linear(x, weight, None if self.bias is None else self.bias.to(x))


def quantized(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight [outputs, inputs] as int8, and its scale [outputs, 1]: weight ≈ int8 · scale."""
    wide = weight.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / LARGEST
    return (wide / scale).round().to(torch.int8), scale


def in_eight_bits(network: Network, like: nn.Module) -> Network:
    """A network whose linear layers keep eight bits; the original stays as it is.

    Args:
        like: a module of the same shape, built without memory, which the new network takes for its own.
    """
    linear = {name for name, layer in like.named_modules() if isinstance(layer, nn.Linear)}
    weights: dict[str, Tensor] = {}
    for name in network.parameter_names():
        layer, _, kind = name.rpartition(".")
        if layer in linear and kind == "weight":
            weights[name], weights[f"{layer}.scale"] = quantized(network.weights[name])
        else:
            weights[name] = network.weights[name]
    for name in linear:
        old = like.get_submodule(name)
        with torch.device("meta"):
            new = EightBitLinear(old.in_features, old.out_features, old.bias is not None)
        path, _, leaf = name.rpartition(".")
        setattr(like.get_submodule(path), leaf, new)
    return Network(
        like, weights, device=network.device, storage=network.storage, compute=network.compute, source=network.source
    )


def with_small_t5(clip: TextEncoder) -> TextEncoder:
    """Text encoders with their T5 in eight bits.

    Raises:
        SamplingError: if there is no T5.
    """
    towers = tuple(_small(tower) if isinstance(tower, T5Tower) else tower for tower in clip.towers)
    if towers == clip.towers:
        names = ", ".join(tower.name for tower in clip.towers)
        raise SamplingError(
            f"These text encoders ({names}) have no T5. Only T5 is large enough to be kept in eight bits."
        )
    patched: Mapping[str, object] = clip.patches
    if any(isinstance(tower, T5Tower) and tower.name in patched for tower in clip.towers):
        raise SamplingError("The T5 is changed by a LoRA already. Reduce it to eight bits first, then apply the LoRA.")
    return replace(clip, towers=towers)


def _small(tower: T5Tower) -> T5Tower:
    from transformers import T5EncoderModel

    from diffusion.text.t5_casting import keep_precision

    with torch.device("meta"):
        like = T5EncoderModel(tower.network.module.config)  # type: ignore[arg-type]
    network = in_eight_bits(tower.network, like)
    keep_precision(network.module)
    return replace(tower, network=network)


__all__ = ["EightBitLinear", "in_eight_bits", "quantized", "with_small_t5"]
