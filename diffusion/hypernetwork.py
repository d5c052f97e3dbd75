"""Hypernetworks: small networks that change what keys and values of a U-Net's attention are made of.

Source: AUTOMATIC1111/stable-diffusion-webui, the file format (facts only).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from diffusion.errors import ModelFileError
from diffusion.model import Model
from diffusion.network import check_finite
from diffusion.patching.record import Site
from diffusion.pickled import read_pickled

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "linear": nn.Identity, "relu": nn.ReLU, "leakyrelu": nn.LeakyReLU, "elu": nn.ELU, "swish": nn.Hardswish,
    "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "softsign": nn.Softsign, "mish": nn.Mish,
}  # fmt: skip

Pair = tuple[nn.Sequential, nn.Sequential]  # for keys and for values


@dataclass(frozen=True, slots=True, eq=False)
class Hypernetwork:
    """A patch of what attention reads.

    Attributes:
        pairs: networks by the width of what is read.
        strength: factor of what they add.
    """

    pairs: Mapping[int, Pair]
    strength: float
    _placed: dict[tuple[Any, ...], Pair] = field(default_factory=dict)

    def __call__(
        self, x: Tensor, keys: Tensor, values: Tensor | None, site: Site
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Queries as they are, keys and values changed."""
        values = keys if values is None else values
        width = keys.shape[-1]
        if width not in self.pairs:
            return x, keys, values
        place = (width, keys.device, keys.dtype)
        if place not in self._placed:
            first, second = (copy.deepcopy(one).to(keys) for one in self.pairs[width])
            self._placed[place] = (first, second)
        for_keys, for_values = self._placed[place]
        return x, keys + for_keys(keys) * self.strength, values + for_values(values) * self.strength


def load_hypernetwork(path: str | Path, strength: float = 1.0) -> Hypernetwork:
    """Load a hypernetwork.

    Raises:
        ModelFileError: if pickle files are not permitted, or the file is damaged or of another kind.
    """
    path = Path(path)
    data = read_pickled(path)
    widths = [key for key in data if isinstance(key, int)] if isinstance(data, Mapping) else []
    if not widths:
        raise ModelFileError(f"'{path}' is no hypernetwork: it has no networks by width. Choose another file.")
    kind = data.get("activation_func") or "linear"
    if kind not in ACTIVATIONS:
        raise ModelFileError(
            f"'{path}' uses the activation '{kind}', which is not known here. Known: {', '.join(ACTIVATIONS)}."
        )
    style = (str(kind), bool(data.get("is_layer_norm")), bool(data.get("activate_output")))
    pairs: dict[int, Pair] = {}
    for width in widths:
        try:
            first, second = data[width][:2]
            pairs[width] = (_network(first, style, path), _network(second, style, path))
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise ModelFileError(f"'{path}': its networks of width {width} cannot be made out: {error}.") from error
    return Hypernetwork(pairs, strength)


def _network(tensors: Mapping[str, Tensor], style: tuple[str, bool, bool], path: Path) -> nn.Sequential:
    check_finite(tensors, str(path))
    kind, normed, activated = style
    names = [name.removesuffix(".weight") for name in tensors if name.endswith(".weight")]
    layers: list[nn.Module] = []
    index = 0
    while index < len(names):
        last = index == len(names) - 1  # never so with norms: established tools activate their last layer too
        layers.append(_filled(nn.Linear, tensors, names[index]))
        if kind != "linear" and (not last or activated):
            layers.append(ACTIVATIONS[kind]())
        if normed:
            index += 1
            layers.append(_filled(nn.LayerNorm, tensors, names[index]))
        index += 1
    return nn.Sequential(*layers).requires_grad_(False).eval()


def _filled(kind: type[nn.Linear] | type[nn.LayerNorm], tensors: Mapping[str, Tensor], name: str) -> nn.Module:
    weight, bias = tensors[f"{name}.weight"].float(), tensors[f"{name}.bias"].float()
    layer = kind(*reversed(weight.shape), device="meta")
    layer.weight, layer.bias = (nn.Parameter(one, requires_grad=False) for one in (weight, bias))
    if weight.shape[0] != bias.shape[0]:
        raise ValueError(f"weight and bias of '{name}' do not fit: {tuple(weight.shape)}, {tuple(bias.shape)}")
    return layer


def with_hypernetwork(model: Model, network: Hypernetwork) -> Model:
    """A model whose attention, to itself and to the text, reads through a hypernetwork."""
    return model.with_network_patches(self_attention_input=(network,), cross_attention_input=(network,))


__all__ = ["ACTIVATIONS", "Hypernetwork", "load_hypernetwork", "with_hypernetwork"]
