"""The same network under other number formats: another module over the same mapped weights.

A variant costs nothing until it is used; the pool decides which of the two stays in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from diffusion.errors import SamplingError
from diffusion.float8 import float8_linears, require_float8
from diffusion.model import Model
from diffusion.network import EIGHT_BITS, Network, empty
from diffusion.placement import place

COMPUTE: Mapping[str, torch.dtype | None] = {
    "default": None, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16,
}  # fmt: skip


def with_compute_dtype(model: Model, name: str, *, apart: bool = False) -> Model:
    """The model with arithmetic in another format.

    Args:
        name: a key of `COMPUTE`; `default` is what the device and the file suggest.
        apart: make a network of its own even where the format is the same already.
    Raises:
        SamplingError: for another name.
    """
    if name not in COMPUTE:
        raise SamplingError(f"There is no format '{name}'. Known: {', '.join(COMPUTE)}.")
    network = model.network
    kept = network.storage if network.storage in EIGHT_BITS else None
    where = place(network.weights, network.device, COMPUTE[name], kept)
    if not apart and (where.storage, where.compute) == (network.storage, network.compute):
        return model
    return replace(model, network=_twin(network, storage=where.storage, compute=where.compute))


def with_channels_last(model: Model) -> Model:
    """The model with convolutions whose channels lie next to each other in memory; the numbers are the same.

    Raises:
        SamplingError: for a network without convolutions, which would gain nothing.
    """
    if not any(len(weight.shape) == 4 and weight.shape[-1] > 1 for weight in model.network.weights.values()):
        raise SamplingError(
            f"A {type(model.network.module).__name__} has no convolutions, so that their layout in memory does not "
            "matter. Remove the node."
        )
    return replace(model, network=_twin(model.network, channels_last=True))


def with_float8(model: Model) -> Model:
    """The model with linear layers that multiply in eight bits (`diffusion.float8`).

    Raises:
        SamplingError: if the device has no such arithmetic.
    """
    require_float8(model.network.device)
    return replace(model, network=_twin(model.network, encoding=float8_linears))


def _twin(network: Network, **changes: Any) -> Network:
    own: Any = network.module
    settings = {
        "device": network.device, "storage": network.storage, "compute": network.compute, "source": network.source,
        "names": network.names, "pieces": network.pieces, "channels_last": network.channels_last,
        "encoding": network.encoding, **changes,
    }  # fmt: skip
    return Network(empty(lambda: type(own).from_config(own.config), network.source), network.weights, **settings)


__all__ = ["COMPUTE", "with_channels_last", "with_compute_dtype", "with_float8"]
