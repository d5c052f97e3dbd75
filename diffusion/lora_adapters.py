"""Small trainable changes of a network's layers, in the algebras of LoRA files.

Each adapter begins as no change at all. Its parameters are the tensors of the file, and what it computes is what
`diffusion.lora_algebra` makes of that file, so that a trained change is the loaded one.

Source: Hu et al. 2021, arXiv:2106.09685 (LoRA); Hyeon-Woo et al. 2021, arXiv:2108.06098 (LoHa); Yeh et al. 2023,
arXiv:2309.14859 (LoKr); Qiu et al. 2023, arXiv:2306.07280 (OFT).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.errors import SamplingError
from diffusion.layouts.renaming import rename, reverse
from diffusion.lora_algebra import Change, changes_of_layer
from diffusion.network import Network

Parts = dict[str, Tensor]  # role in the file → tensor; float32, trainable but for `alpha`

ENDINGS: Mapping[str, str] = {
    "up": "lora_up.weight", "down": "lora_down.weight", "alpha": "alpha", "oft": "oft_blocks",
    **{f"hada_{part}": f"hada_{part}" for part in ("w1_a", "w1_b", "w2_a", "w2_b")},
    **{f"lokr_{part}": f"lokr_{part}" for part in ("w1", "w2_a", "w2_b")},
}  # fmt: skip


def layer_names(network: Network) -> dict[str, str]:
    """Layers that can be adapted → their name in a file."""
    back = reverse(network.names) if network.names else {}
    result: dict[str, str] = {}
    for name, layer in network.module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            native = rename(f"{name}.weight", back) if back else None
            known = f"diffusion_model.{native}" if native else f"transformer.{name}.weight"
            result[name] = known.removesuffix(".weight")
    return result


def new_parts(algorithm: str, shape: torch.Size, rank: int, generator: torch.Generator) -> Parts | None:
    """The tensors of an adapter that changes nothing yet; None where the layer's sizes do not allow one.

    Args:
        algorithm: a key of `ALGORITHMS`.
        shape: of the layer's weight.
        rank: of the change; for OFT the largest size of a block.
    Raises:
        SamplingError: for another algorithm.
    """
    if algorithm not in ALGORITHMS:
        raise SamplingError(f"There is no algorithm '{algorithm}'. Known: {', '.join(ALGORITHMS)}.")
    return ALGORITHMS[algorithm](shape, rank, generator)


def _lora(shape: torch.Size, rank: int, generator: torch.Generator) -> Parts:
    kernel = [1] * (len(shape) - 2)
    down = _spread((rank, *shape[1:]), generator)
    return {"up": torch.zeros(shape[0], rank, *kernel), "down": down, "alpha": torch.tensor(float(rank))}


def _loha(shape: torch.Size, rank: int, generator: torch.Generator) -> Parts:
    inputs = math.prod(shape[1:])

    def normal(*size: int, deviation: float = 1.0) -> Tensor:
        return torch.randn(size, generator=generator) * deviation

    return {
        "hada_w1_a": normal(shape[0], rank, deviation=0.1), "hada_w1_b": normal(rank, inputs),
        "hada_w2_a": torch.zeros(shape[0], rank), "hada_w2_b": normal(rank, inputs),
        "alpha": torch.tensor(float(rank)),
    }  # fmt: skip


def _lokr(shape: torch.Size, rank: int, generator: torch.Generator) -> Parts:
    rows, columns = _factor(shape[0]), _factor(shape[1])
    inputs = math.prod(shape[1:]) // columns
    rank = min(rank, shape[0] // rows, inputs)
    return {
        "lokr_w1": _spread((rows, columns), generator), "lokr_w2_a": torch.zeros(shape[0] // rows, rank),
        "lokr_w2_b": _spread((rank, inputs), generator), "alpha": torch.tensor(float(rank)),
    }  # fmt: skip


def _oft(shape: torch.Size, rank: int, generator: torch.Generator) -> Parts | None:
    size = max(part for part in range(1, rank + 1) if shape[0] % part == 0)
    return {"oft": torch.zeros(shape[0] // size, size, size)} if size > 1 else None


ALGORITHMS: Mapping[str, Callable[[torch.Size, int, torch.Generator], Parts | None]] = {
    "LoRA": _lora, "LoHa": _loha, "LoKr": _lokr, "OFT": _oft,
}  # fmt: skip


def _spread(size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Evenly between ±√(3 / inputs), as layers are initialised. Source: He et al. 2015, arXiv:1502.01852."""
    bound = math.sqrt(3.0 / math.prod(size[1:]))
    return (torch.rand(size, generator=generator) * 2 - 1) * bound


def _factor(number: int) -> int:
    """The largest divisor up to the square root."""
    return max(part for part in range(1, math.isqrt(number) + 1) if number % part == 0)


def parts_of_file(tensors: Mapping[str, Tensor], layer: str) -> Parts:
    """What a file holds for a layer, to go on training."""
    return {role: tensors[f"{layer}.{end}"].float() for role, end in ENDINGS.items() if f"{layer}.{end}" in tensors}


def as_file(parts: Mapping[str, Parts], dtype: torch.dtype) -> dict[str, Tensor]:
    """Adapters by layer name as the tensors of a file."""
    return {
        f"{layer}.{ENDINGS[role]}": tensor.detach().to("cpu", dtype if role != "alpha" else torch.float32).clone()
        for layer, own in parts.items()
        for role, tensor in own.items()
    }


@contextmanager
def adapted(layers: Mapping[str, nn.Module], parts: Mapping[str, Parts]) -> Iterator[None]:
    """Let adapters add to what layers compute, within the body.

    Args:
        layers: by the same names as `parts`.
    """
    try:
        for name, own in parts.items():
            layer: Any = layers[name]
            ((_, change),) = changes_of_layer(own, "weight", 1.0)
            layer.forward = partial(_forward, layer, layer.forward, change)
        yield
    finally:
        for name in parts:
            layers[name].__dict__.pop("forward", None)


def _forward(layer: Any, original: Callable[[Tensor], Tensor], change: Change, x: Tensor) -> Tensor:
    """The layer's result and the change's, added up apart: half formats would swallow a small change of a weight."""
    delta = change.delta(layer.weight.float()).to(x)
    if isinstance(layer, nn.Conv2d):
        return original(x) + F.conv2d(x, delta, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    return original(x) + F.linear(x, delta)


__all__ = ["ALGORITHMS", "ENDINGS", "Parts", "adapted", "as_file", "layer_names", "new_parts", "parts_of_file"]
