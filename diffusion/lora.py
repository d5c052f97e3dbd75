"""LoRA files: small changes of weights, in every common naming and in several algebras.

Source: Hu et al. 2021, arXiv:2106.09685 (LoRA); Hyeon-Woo et al. 2021, arXiv:2108.06098 (LoHa); Yeh et al. 2023,
arXiv:2309.14859 (LoCon, LoKr); Liu et al. 2024, arXiv:2402.09353 (DoRA); KohakuBlueleaf/LyCORIS.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.errors import ModelFileError, recognising
from diffusion.lora_algebra import Change, FusedChange, changes_of_layer, widened
from diffusion.lora_names import FIRST_LAYER, fused_names, model_names, projection_names, text_names
from diffusion.model import Model
from diffusion.network import Network, WeightPatch, check_finite, grouped
from diffusion.tensor_file import open_tensors
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import ClipTower, Tower

log = logging.getLogger(__name__)

MOST_MISFITS = 0.1  # changes that may be left out because their shape does not fit, as a share of those that do


@dataclass(frozen=True, slots=True)
class LoraFile:
    """A LoRA as it lies in its file; one that lies in none has words for its path."""

    path: Path | str
    tensors: Mapping[str, Tensor]


class Applied(NamedTuple):
    """What a LoRA made of a model and text encoders, and which of its tensors took part."""

    model: Model | None
    clip: TextEncoder | None
    used: frozenset[str]


def read_lora(path: str | Path) -> LoraFile:
    """Read a LoRA file.

    Raises:
        ModelFileError: if it is damaged.
    """
    file = open_tensors(path)
    check_finite(file, str(file.path))
    return LoraFile(file.path, {name: file[name] for name in file})


def apply_lora(
    lora: LoraFile, model: Model | None, clip: TextEncoder | None, strength_model: float, strength_clip: float
) -> tuple[Model | None, TextEncoder | None]:
    """The model and text encoders with a LoRA added. Keys that fit nothing are logged.

    Raises:
        ModelFileError: if no key fits, or many shapes do not: the LoRA belongs to another family. Where only a few
            do not (the first convolution of a variant for inpainting), they are left out.
    """
    found = with_lora(lora, model, clip, strength_model, strength_clip)
    left = sorted(set(lora.tensors) - found.used)
    if not found.used:
        raise ModelFileError(
            f"'{lora.path}' fits neither model nor text encoder: none of its {len(left)} tensors matches "
            f"(they begin with {grouped(left, 3)}). It was made for another model family."
        )
    if left:
        log.warning(
            "'%s': %d of %d tensors match nothing here: %s", lora.path, len(left), len(lora.tensors), grouped(left)
        )
    return found.model, found.clip


def with_lora(
    lora: LoraFile, model: Model | None, clip: TextEncoder | None, strength_model: float, strength_clip: float
) -> Applied:
    """The same without a word about keys that fit nothing.

    Raises:
        ModelFileError: if more than a few shapes do not fit.
    """
    used: set[str] = set()
    with recognising(lora.path):
        if model is not None:
            changes = _changes(lora, model_names(model.network), model.network, strength_model, used)
            model = model.with_weights(changes).with_weights(_fused_changes(lora, model.network, strength_model, used))
        if clip is not None:
            clip = _with_text(lora, clip, strength_clip, used)
    return Applied(model, clip, frozenset(used))


def _with_text(lora: LoraFile, clip: TextEncoder, strength: float, used: set[str]) -> TextEncoder:
    towers = []
    for tower in clip.towers:
        changes = _changes(lora, text_names(tower.name, tower.network, clip), tower.network, strength, used)
        clip = clip.with_weights(tower.name, changes) if changes else clip
        towers.append(_projecting(lora, tower, projection_names(tower.name, clip), strength, used))
    return replace(clip, towers=tuple(towers))


def _projecting(lora: LoraFile, tower: Tower, names: tuple[str, ...], strength: float, used: set[str]) -> Tower:
    """An encoder whose projection of the pooled vector is changed; one that is not read stays as it is."""
    if not isinstance(tower, ClipTower):
        return tower
    for layer, suffixes in _layers(lora.tensors).items():
        if layer not in names:
            continue
        used.update(suffixes.values())
        parts = {suffix: lora.tensors[key] for suffix, key in suffixes.items()}
        for _, change in changes_of_layer(parts, "text_projection.weight", strength):
            if tower.projection is not None:
                _check_fit(change, tower.projection.T.shape, layer, lora)
                changed = change(tower.projection.float().T).T
                tower = replace(tower, projection=changed.to(tower.projection.dtype).contiguous())
    return tower


def _changes(
    lora: LoraFile, names: Mapping[str, str], network: Network, strength: float, used: set[str]
) -> dict[str, WeightPatch]:
    result: dict[str, WeightPatch] = {}
    misfits: list[ModelFileError] = []
    for layer, suffixes in _layers(lora.tensors).items():
        if layer not in names:
            continue
        parts = {suffix: lora.tensors[key] for suffix, key in suffixes.items()}
        parameter = names[layer]
        if parameter == FIRST_LAYER:
            parts |= _larger(parts, network.weights[parameter].shape)
        used.update(suffixes.values())
        for target, change in changes_of_layer(parts, parameter, strength):
            if target not in network.weights:  # a bias that the layer lacks
                used.discard(suffixes["diff_b"])
                continue
            try:
                _check_fit(change, network.weights[target].shape, layer, lora)
                result[target] = change
            except ModelFileError as error:
                misfits.append(error)
    if len(misfits) > MOST_MISFITS * len(result):
        raise misfits[0]
    for misfit in misfits:
        log.warning("%s It is left out.", misfit)
    return result


def _fused_changes(lora: LoraFile, network: Network, strength: float, used: set[str]) -> dict[str, WeightPatch]:
    """Changes of original layers that the module keeps in pieces."""
    names = fused_names(network)
    result: dict[str, WeightPatch] = {}
    for layer, suffixes in _layers(lora.tensors).items():
        if layer not in names:
            continue
        parts = {suffix: lora.tensors[key] for suffix, key in suffixes.items()}
        pieces = names[layer]
        for target, change in changes_of_layer(parts, "layer.weight", strength):
            kind = target.rpartition(".")[2]
            shape = torch.Size((sum(piece.rows for piece in pieces), *_columns(network, f"{pieces[0].layer}.{kind}")))
            _check_fit(change, shape, layer, lora)
            by_columns = change.magnitude is not None and len(change.magnitude) != shape[0]
            beside = network.weights if by_columns or not parts.keys().isdisjoint(_OF_WHOLE) else None
            for name in dict.fromkeys(f"{piece.layer}.{kind}" for piece in pieces):
                result[name] = FusedChange(change, shape, pieces, name, beside)
        used.update(suffixes.values())
    return result


def _larger(parts: Mapping[str, Tensor], shape: torch.Size) -> dict[str, Tensor]:
    """The shape of a first layer that a LoRA widens, which few files state (`reshape_weight`)."""
    if "reshape" in parts or "up" not in parts or "down" not in parts or parts["down"].shape[1] <= shape[1]:
        return {}
    return {"reshape": torch.tensor([shape[0], parts["down"].shape[1]])}


def _columns(network: Network, parameter: str) -> tuple[int, ...]:
    return tuple(network.weights[parameter].shape[1:])


def _check_fit(change: Change, shape: torch.Size, layer: str, lora: LoraFile) -> None:
    """Try the change on shapes alone."""
    try:
        with torch.device("meta"):
            weight = torch.empty(shape, device="meta")
            weight = weight if change.shape is None else widened(weight, change.shape)
            found = change.delta(weight).shape
            if change.magnitude is not None:
                change(weight)
        if found != weight.shape:
            raise ValueError(f"a change of shape {tuple(found)}")
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelFileError(
            f"'{lora.path}': the change for '{layer}' does not fit the model's weight of shape {tuple(shape)}. "
            "It was made for another model family."
        ) from error


# Endings of tensor names, longest first, and the role they stand for.
_ENDINGS: tuple[tuple[str, str], ...] = (
    (".lora_linear_layer.up.weight", "up"), (".lora_linear_layer.down.weight", "down"),
    (".lora_up.default.weight", "up"), (".lora_down.default.weight", "down"),
    (".lora_B.default.weight", "up"), (".lora_A.default.weight", "down"),
    ("_lora.up.weight", "up"), ("_lora.down.weight", "down"), (".lora.up.weight", "up"),
    (".lora.down.weight", "down"), (".lora_up.weight", "up"), (".lora_down.weight", "down"),
    (".lora_B.weight", "up"), (".lora_A.weight", "down"), (".lora_B", "up"), (".lora_A", "down"),
    (".lora_B.bias", "diff_b"), (".down.weight", "down"), (".up.weight", "up"), (".reshape_weight", "reshape"),
    (".lora_mid.weight", "mid"), (".alpha", "alpha"), (".dora_scale", "dora"),
    *((f".lora_magnitude_vector{end}", "lengths") for end in (".default.weight", ".weight", "")), (".diff_b", "diff_b"),
    (".diff", "diff"), (".w_norm", "diff"), (".b_norm", "diff_b"), (".scale.set_weight", "set"), (".set_weight", "set"),
    (".scale", "set"),
    *((f".hada_{part}", f"hada_{part}") for part in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")),
    *((f".lokr_{part}", f"lokr_{part}") for part in ("w1", "w2", "w1_a", "w1_b", "w2_a", "w2_b", "t2")),
    *((f".{part}.weight", f"glora_{part}") for part in ("a1", "a2", "b1", "b2")),
    (".oft_blocks", "oft"), (".rescale", "rescale"),
)  # fmt: skip


_OF_WHOLE = frozenset({"glora_a1", "set", "oft"})  # roles of changes that depend on the whole weight


def _layers(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, str]]:
    """layer name → role → tensor name."""
    result: dict[str, dict[str, str]] = {}
    for name in tensors:
        for ending, role in _ENDINGS:
            if name.endswith(ending):
                result.setdefault(name[: -len(ending)], {})[role] = name
                break
    return result


__all__ = ["Applied", "LoraFile", "apply_lora", "read_lora", "with_lora"]
