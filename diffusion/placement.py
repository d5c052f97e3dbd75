"""Where a network computes, and in which number formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diffusion.layouts.transformers import Piece
from diffusion.network import CAST_ABOVE, EIGHT_BITS, Network, empty


@dataclass(frozen=True, slots=True)
class Placement:
    """Device, dtype of the kept weights, dtype of the arithmetic."""

    device: torch.device
    storage: torch.dtype
    compute: torch.dtype

    def network(
        self, build: Callable[[], nn.Module], weights: Mapping[str, Tensor], source: str, *,
        names: Mapping[str, str] | None = None, pieces: Mapping[str, tuple[Piece, ...]] | None = None,
    ) -> Network:  # fmt: skip
        """A network in this place.

        Args:
            build: makes the module, without memory for its weights.
            weights: under the module's names.
            source: what to call the file in messages.
            names, pieces: see `Network`.
        Raises:
            ModelFileError: if sizes, names or shapes do not fit.
        """
        return Network(
            empty(build, source), weights, device=self.device, storage=self.storage, compute=self.compute,
            source=source, names=names, pieces=pieces,
        )  # fmt: skip


def default_device() -> torch.device:
    """The accelerator there is, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def place(
    weights: Mapping[str, Tensor],
    device: torch.device,
    dtype: torch.dtype | None = None,
    storage: torch.dtype | None = None,
) -> Placement:
    """Choose formats for a denoising network.

    On the CPU arithmetic is float32; weights are widened too unless that takes too much memory. On an accelerator
    both are the file's half format.

    Args:
        dtype: wanted arithmetic, or None to choose.
        storage: wanted dtype of the kept weights, or None to choose.
    """
    held = common_dtype(weights)
    if device.type == "cpu":
        compute = dtype or torch.float32
        if storage is not None:
            return Placement(device, storage, compute)
        widened = sum(tensor.numel() for tensor in weights.values()) * compute.itemsize
        return Placement(device, compute if widened <= CAST_ABOVE else held, compute)
    half = held if held in (torch.float16, torch.bfloat16) else torch.float16
    compute = dtype or half
    return Placement(device, storage or (held if held in EIGHT_BITS else compute), compute)


def place_text(device: torch.device) -> Placement:
    """Text encoders keep float16 weights everywhere; arithmetic is float32 on the CPU."""
    return Placement(device, torch.float16, torch.float32 if device.type == "cpu" else torch.float16)


def place_autoencoder(device: torch.device) -> Placement:
    """Autoencoders overflow in float16: float32 on the CPU, bfloat16 where an accelerator has it."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return Placement(device, torch.bfloat16, torch.bfloat16)
    return Placement(device, torch.float32, torch.float32)


def common_dtype(weights: Mapping[str, Tensor]) -> torch.dtype:
    """The floating dtype most of the numbers have."""
    counts: dict[torch.dtype, int] = {}
    for tensor in weights.values():
        if tensor.is_floating_point():
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.numel()
    return max(counts, key=lambda kind: counts[kind]) if counts else torch.float32


__all__ = ["Placement", "common_dtype", "default_device", "place", "place_autoencoder", "place_text"]
