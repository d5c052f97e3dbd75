"""Control-LoRAs: a control network as a low-rank change of the U-Net it stands beside.

Source: Stability AI, stabilityai/control-lora.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from diffusion.control import ActiveControl, ControlNet
from diffusion.errors import SamplingError, recognising
from diffusion.layouts.control import layout_of
from diffusion.layouts.renaming import rename, reverse
from diffusion.network import Network, Patches
from diffusion.placement import Placement
from diffusion.sampling.prediction import Prediction

MARK = "lora_controlnet"


@dataclass(slots=True)
class _Made:
    """The network made last, and what it was made of."""

    base: Network | None = None
    patches: Patches | None = None
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class ControlLora(ControlNet):
    """A control network that is made of the model's own weights when a run begins.

    Attributes:
        tensors: of the file, under original names: whole ones, and pairs `LAYER.up`, `LAYER.down`.
        source: what to call the file in messages.
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    source: str = ""
    _made: _Made = field(default_factory=_Made)

    def on(self, base: Network) -> ControlNet:
        """The network as it stands beside a U-Net.

        Raises:
            SamplingError: if the model is no U-Net of the size it was made for.
        """
        made = self._made
        if made.network is None or made.base is not base or made.patches != base.applied:
            made.network = _network(self.tensors, self.source, base)
            made.base, made.patches = base, base.applied
        previous = None if self.previous is None else self.previous.on(base)
        whole = {name: getattr(self, name) for name in ("hint", "strength", "start", "end", "ratio")}
        return ControlNet(made.network, previous=previous, **whole)

    def prepared(self, prediction: Prediction, noise: Tensor) -> ActiveControl:
        """Refused: there is no network before the model is known."""
        raise SamplingError(f"The Control-LoRA '{self.source}' needs the model it stands beside.")


def _network(tensors: Mapping[str, Tensor], source: str, base: Network) -> Network:
    from diffusers import ControlNetModel

    if "conv_in" not in base.names.values():
        raise SamplingError(
            f"The Control-LoRA '{source}' is made for a U-Net; this model is a {type(base.module).__name__}. "
            "Choose a control network for this model."
        )
    back = reverse(base.names)
    original = {name: rename(name, back) for name in base.parameter_names()}
    shapes = {old: tuple(base.weights[name].shape) for name, old in original.items() if old is not None}
    shapes |= {name: tuple(tensor.shape) for name, tensor in tensors.items() if name.endswith((".weight", ".bias"))}
    with recognising(source):
        layout = layout_of(shapes, source)
    config: dict[str, Any] = {**layout.config}
    own: Any = getattr(base.module, "config", {})
    config |= {name: own[name] for name in ("attention_head_dim", "norm_num_groups", "norm_eps") if name in own}
    weights: dict[str, Tensor] = {}
    for name, old in original.items():
        if old is not None and rename(old, layout.table) is not None:
            weights[name] = _changed(base.patched_weight(name, base.applied), old, tensors, source)
    for old, tensor in tensors.items():
        name = rename(old, layout.table)
        if name is not None and old.endswith((".weight", ".bias")):
            weights[name] = tensor
    where = Placement(base.device, base.storage, base.compute)
    return where.network(lambda: ControlNetModel(**config), weights, source)


def _changed(weight: Tensor, old: str, tensors: Mapping[str, Tensor], source: str) -> Tensor:
    layer = old.removesuffix(".weight")
    up, down = tensors.get(f"{layer}.up"), tensors.get(f"{layer}.down")
    if layer == old or up is None or down is None:
        return weight
    change = up.float().flatten(1) @ down.float().flatten(1)
    if change.numel() != weight.numel():
        raise SamplingError(
            f"The Control-LoRA '{source}' is made for another model: its change of '{layer}' has "
            f"{change.numel():,} numbers, the model {weight.numel():,}. Use it with the family it was made for."
        )
    return (weight.float() + change.reshape(weight.shape)).to(weight.dtype)


def control_lora(tensors: Mapping[str, Tensor], source: str) -> ControlLora:
    """A Control-LoRA out of a file's tensors."""
    empty_network: Any = None  # there is none before the model is known
    return ControlLora(empty_network, tensors={n: t for n, t in tensors.items() if n != MARK}, source=source)


__all__ = ["MARK", "ControlLora", "control_lora"]
