"""Linear layers with weights of eight bits: one scale for each output, plain integers between.

Half the memory of float16 at an error of about half a percent of a weight's row maximum; meant for large text encoders.
It is never chosen silently. Weights are rounded whenever they are brought to the device, after LoRAs have changed them.

Source: Dettmers et al. 2022, arXiv:2208.07339 (vector-wise quantisation, without its outlier columns).
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.errors import SamplingError
from diffusion.network import Network
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import T5Tower

LARGEST = 127


class EightBitLinear(nn.Linear):
    """A linear layer that keeps its weight as integers and widens it while it computes."""

    scale: Tensor | None = None

    def take_weight(self, weight: Tensor) -> None:
        """Keep a weight, rounded."""
        rounded, self.scale = quantized(weight)
        self._parameters["weight"] = nn.Parameter(rounded, requires_grad=False)

    def forward(self, input: Tensor) -> Tensor:
        assert self.scale is not None, "the network was prepared"
        weight = self.weight.to(input.device, input.dtype) * self.scale.to(input)
        return F.linear(input, weight, None if self.bias is None else self.bias.to(input))


def quantized(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight [outputs, inputs] as int8, and its scale [outputs, 1]: weight ≈ int8 · scale."""
    wide = weight.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / LARGEST
    return (wide / scale).round().to(torch.int8), scale


def eight_bit_linears(module: nn.Module) -> frozenset[str]:
    """Let every linear layer of a network keep eight bits.

    Returns:
        Names of the weights that are kept so.
    """
    found = {name: layer for name, layer in module.named_modules() if type(layer) is nn.Linear}
    for layer in found.values():
        layer.__class__ = EightBitLinear
    return frozenset(f"{name}.weight" for name in found)


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
    return replace(clip, towers=towers)


def _small(tower: T5Tower) -> T5Tower:
    from transformers import T5EncoderModel

    from diffusion.text.t5_casting import keep_precision

    with torch.device("meta"):
        like = T5EncoderModel(tower.network.module.config)  # type: ignore[arg-type]
    own = tower.network
    network = Network(
        like, own.weights, device=own.device, storage=own.storage, compute=own.compute, source=own.source,
        names=own.names, pieces=own.pieces, encoding=eight_bit_linears,
    )  # fmt: skip
    keep_precision(network.module)
    return replace(tower, network=network)


__all__ = ["EightBitLinear", "eight_bit_linears", "quantized", "with_small_t5"]
