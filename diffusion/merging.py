"""Models made of other models' weights: sums, differences and blends, and parts multiplied.

Nothing is computed here: a merge is a set of weight patches that read the other model's weights when the merged model
is used, so merging costs no memory until then and merges of merges work like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.layouts.renaming import rename, reverse
from diffusion.model import Model
from diffusion.network import Network, Patches, WeightPatch, grouped
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import ClipTower, Tower

log = logging.getLogger(__name__)

LEAST_SHARED = 0.9
"""Share of the tensors that two networks must have in common to be variants of each other."""

Ratios = Mapping[str, float]
"""Share of the first model by beginning of a parameter's original name; the longest that fits counts."""


@dataclass(frozen=True, slots=True)
class Blend:
    """own · weight + other · (the same weight of another network, as its patches make it)."""

    own: float
    other: float
    network: Network
    patches: Patches
    name: str

    def __call__(self, weight: Tensor) -> Tensor:
        if self.other == 0.0:
            return weight * self.own
        return weight * self.own + self.network.exact_weight(self.name, self.patches).to(weight) * self.other


@dataclass(frozen=True, slots=True)
class Multiplied:
    """weight · factor."""

    factor: float

    def __call__(self, weight: Tensor) -> Tensor:
        return weight * self.factor


def merged(first: Model, second: Model, ratio: float) -> Model:
    """ratio · first + (1 − ratio) · second, weight by weight.

    Raises:
        ModelFileError: if the two are not of one architecture.
    """
    return merged_by_part(first, second, {}, ratio)


def merged_by_part(first: Model, second: Model, ratios: Ratios, otherwise: float) -> Model:
    """As `merged`, with a ratio for each part of the network.

    Args:
        ratios: by original name (`input_blocks.3.`, `middle_block`, `joint_blocks.7.`, …).
        otherwise: for what no name fits.
    """
    names = _original_names(first.network)
    shares = {name: _share(original, ratios, otherwise) for name, original in names.items()}
    return _blended(first, second, {name: (share, 1.0 - share) for name, share in shares.items()})


def added(first: Model, second: Model) -> Model:
    """first + second, weight by weight."""
    return _blended(first, second, dict.fromkeys(first.network.parameter_names(), (1.0, 1.0)))


def subtracted(first: Model, second: Model, multiplier: float) -> Model:
    """multiplier · (first − second), weight by weight."""
    return _blended(first, second, dict.fromkeys(first.network.parameter_names(), (multiplier, -multiplier)))


def _blended(first: Model, second: Model, factors: Mapping[str, tuple[float, float]]) -> Model:
    """own · first + other · second; a weight that has another shape in the second takes nothing from it.

    Such weights are the first convolutions of a model and of its variant for inpainting.
    """
    own, other = _shapes(first.network), _shapes(second.network)
    shared = own.keys() & other.keys()
    odd = sorted(name for name in shared if own[name] != other[name])
    if len(shared) - len(odd) < LEAST_SHARED * max(len(own), len(other)):
        check_same(first.network, second.network)
    if odd:
        log.warning("'%s' is merged without %s: their shapes differ.", second.network.source, grouped(odd))
    patches: dict[str, WeightPatch] = {}
    for name in own:
        if name in shared:
            share, rest = factors[name]
            fits = own[name] == other[name]
            patches[name] = Blend(share, rest, second.network, second.patches, name) if fits else Multiplied(share)
    return first.with_weights(patches)


def text_merged(first: TextEncoder, second: TextEncoder, own: float, other: float) -> TextEncoder:
    """own · first + other · second for every text encoder; position numbers and scales stay those of the first.

    Raises:
        ModelFileError: if the two do not have the same text encoders.
    """
    others = {tower.name: tower for tower in second.towers}
    for tower in first.towers:
        if tower.name not in others:
            raise ModelFileError(
                f"The text encoders cannot be merged: one has {_list(first)}, the other {_list(second)}. "
                "Choose models of the same family."
            )
        twin = others[tower.name].network
        check_same(tower.network, twin)
        patches = second.patches.get(tower.name, Patches())
        kept = [n for n in tower.network.parameter_names() if not n.endswith(("position_ids", "logit_scale"))]
        first = first.with_weights(tower.name, {n: Blend(own, other, twin, patches, n) for n in kept})
    towers = (_projecting(tower, others[tower.name], own, other) for tower in first.towers)
    return replace(first, towers=tuple(towers))


def _projecting(tower: Tower, twin: Tower, own: float, other: float) -> Tower:
    """An encoder whose projection of the pooled vector is blended as its weights are."""
    if not isinstance(tower, ClipTower) or not isinstance(twin, ClipTower):
        return tower
    if tower.projection is None or twin.projection is None:
        return tower
    blended = tower.projection.float() * own + twin.projection.float() * other
    return replace(tower, projection=blended.to(tower.projection.dtype))


def attention_multiplied(model: Model, layer: str, q: float, k: float, v: float, out: float) -> Model:
    """A U-Net with multiplied attention weights.

    Args:
        layer: "attn1" for self-attention, "attn2" for attention to the prompt.
    """
    factors = {"to_q": q, "to_k": k, "to_v": v, "to_out.0": out}
    return model.with_weights(_multiplied(model.network, {f"{layer}.{part}": f for part, f in factors.items()}))


def text_attention_multiplied(clip: TextEncoder, q: float, k: float, v: float, out: float) -> TextEncoder:
    """Text encoders with multiplied attention weights."""
    factors = {"q_proj": q, "k_proj": k, "v_proj": v, "out_proj": out}
    for tower in clip.towers:
        found = _multiplied(tower.network, {f"self_attn.{part}": f for part, f in factors.items()})
        clip = clip.with_weights(tower.name, found)
    return clip


def _multiplied(network: Network, factors: Mapping[str, float]) -> dict[str, WeightPatch]:
    endings = {f"{part}.{kind}": factor for part, factor in factors.items() for kind in ("weight", "bias")}
    return {
        name: Multiplied(factor)
        for name in network.parameter_names()
        for ending, factor in endings.items()
        if name.endswith(ending)
    }


def _original_names(network: Network) -> dict[str, str]:
    back = reverse(network.names) if network.names else {}
    back |= {piece.layer: layer for layer, pieces in network.pieces.items() for piece in pieces}
    return {name: rename(name, back) or name for name in network.parameter_names()}


def _share(name: str, ratios: Ratios, otherwise: float) -> float:
    fitting = [start for start in ratios if name.startswith(start)]
    return ratios[max(fitting, key=len)] if fitting else otherwise


def check_same(first: Network, second: Network) -> None:
    """Refuse networks of different architectures.

    Raises:
        ModelFileError: with the tensors that differ.
    """
    shapes = _shapes(first), _shapes(second)
    if shapes[0] == shapes[1]:
        return
    odd = sorted({name for name, _ in shapes[0].items() ^ shapes[1].items()})
    raise ModelFileError(
        f"'{first.source}' and '{second.source}' are not of one architecture and cannot be merged: "
        f"{len(odd)} tensors differ in name or shape ({grouped(odd, 3)}). Choose models of the same family."
    )


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
    return {name: tuple(network.weights[name].shape) for name in network.parameter_names()}


def _list(clip: TextEncoder) -> str:
    return ", ".join(tower.name for tower in clip.towers)


__all__ = [
    "Blend", "Multiplied", "added", "attention_multiplied", "check_same", "merged", "merged_by_part", "subtracted",
    "text_attention_multiplied", "text_merged",
]  # fmt: skip
