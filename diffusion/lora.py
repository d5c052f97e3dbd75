"""LoRA files: small changes of weights, in every common naming and in several algebras.

Source: Hu et al. 2021, arXiv:2106.09685 (LoRA); Hyeon-Woo et al. 2021, arXiv:2108.06098 (LoHa); Yeh et al. 2023,
arXiv:2309.14859 (LoCon, LoKr); Liu et al. 2024, arXiv:2402.09353 (DoRA); KohakuBlueleaf/LyCORIS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.layouts.transformers import Piece
from diffusion.lora_names import fused_names, model_names, text_names
from diffusion.model import Model
from diffusion.network import Network, WeightPatch, check_finite, grouped
from diffusion.tensor_file import open_tensors
from diffusion.text.encoder import TextEncoder

log = logging.getLogger(__name__)

MOST_MISFITS = 0.1  # changes that may be left out because their shape does not fit, as a share of those that do

Delta = Callable[[Tensor], Tensor]  # weight → change at strength 1, shaped like the weight


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


@dataclass(frozen=True, slots=True)
class Change:
    """One weight's change.

    Attributes:
        delta: the change at strength 1.
        strength: factor of it.
        magnitude: DoRA's length of each row (or column), or None.
    """

    delta: Delta
    strength: float
    magnitude: Tensor | None = None

    def __call__(self, weight: Tensor) -> Tensor:
        change = self.delta(weight).to(weight)
        if self.magnitude is None:
            return weight + self.strength * change
        return _rescaled(weight, change, self.magnitude.to(weight), self.strength)


@dataclass(frozen=True, slots=True)
class FusedChange:
    """The part of an original layer's change that falls on one parameter.

    Attributes:
        change: of the whole layer.
        shape: of the whole layer's weight.
        pieces: which of its rows are this parameter's, and where.
    """

    change: Change
    shape: torch.Size
    pieces: tuple[Piece, ...]

    def __call__(self, weight: Tensor) -> Tensor:
        whole = self.change.delta(weight.new_zeros(()).expand(self.shape)).to(weight)
        magnitude = self.change.magnitude
        result = weight.clone()
        for piece in self.pieces:
            rows, target = slice(piece.start, piece.start + piece.rows), slice(piece.target, piece.target + piece.rows)
            own = None if magnitude is None else (magnitude[rows] if len(magnitude) == self.shape[0] else magnitude)
            result[target] = Change(lambda _, rows=rows: whole[rows], self.change.strength, own)(weight[target])
        return result


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
    if model is not None:
        changes = _changes(lora, model_names(model.network), model.network, strength_model, used)
        model = model.with_weights(changes).with_weights(_fused_changes(lora, model.network, strength_model, used))
    if clip is not None:
        for tower in clip.towers:
            changes = _changes(lora, text_names(tower.name, tower.network, clip), tower.network, strength_clip, used)
            clip = clip.with_weights(tower.name, changes) if changes else clip
    return Applied(model, clip, frozenset(used))


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
        for target, change in changes_of_layer(parts, parameter, strength):
            if target not in network.weights:
                continue
            try:
                _check_fit(change, network.weights[target].shape, layer, lora)
                result[target] = change
            except ModelFileError as error:
                misfits.append(error)
        used.update(suffixes.values())
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
        if "glora_a1" in parts or "set" in parts or "oft" in parts:
            raise ModelFileError(
                f"'{lora.path}': the change for '{layer}' needs the whole weight of a layer that is kept in pieces "
                "here. Use a LoRA, LoHa or LoKr."
            )
        pieces = network.pieces[names[layer]]
        for target, change in changes_of_layer(parts, f"{names[layer]}.weight", strength):
            kind = target.rpartition(".")[2]
            shape = torch.Size((sum(piece.rows for piece in pieces), *_columns(network, f"{pieces[0].layer}.{kind}")))
            _check_fit(change, shape, layer, lora)
            for name in dict.fromkeys(f"{piece.layer}.{kind}" for piece in pieces):
                own = tuple(piece for piece in pieces if f"{piece.layer}.{kind}" == name)
                result[name] = FusedChange(change, shape, own)
        used.update(suffixes.values())
    return result


def _columns(network: Network, parameter: str) -> tuple[int, ...]:
    return tuple(network.weights[parameter].shape[1:])


def _check_fit(change: Change, shape: torch.Size, layer: str, lora: LoraFile) -> None:
    """Try the change on shapes alone."""
    try:
        with torch.device("meta"):
            change.delta(torch.empty(shape, device="meta"))
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
    (".lora_mid.weight", "mid"), (".alpha", "alpha"), (".dora_scale", "dora"), (".diff_b", "diff_b"),
    (".diff", "diff"), (".w_norm", "diff"), (".b_norm", "diff_b"), (".set_weight", "set"),
    *((f".hada_{part}", f"hada_{part}") for part in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")),
    *((f".lokr_{part}", f"lokr_{part}") for part in ("w1", "w2", "w1_a", "w1_b", "w2_a", "w2_b", "t2")),
    *((f".{part}.weight", f"glora_{part}") for part in ("a1", "a2", "b1", "b2")),
    (".oft_blocks", "oft"), (".rescale", "rescale"),
)  # fmt: skip


def _layers(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, str]]:
    """layer name → role → tensor name."""
    result: dict[str, dict[str, str]] = {}
    for name in tensors:
        for ending, role in _ENDINGS:
            if name.endswith(ending):
                result.setdefault(name[: -len(ending)], {})[role] = name
                break
    return result


def changes_of_layer(parts: Mapping[str, Tensor], parameter: str, strength: float) -> Iterator[tuple[str, Change]]:
    """The changes one layer's tensors ask for, by parameter."""
    alpha = float(parts["alpha"]) if "alpha" in parts else None
    magnitude = parts.get("dora")
    if "up" in parts and "down" in parts:
        yield parameter, Change(_low_rank(parts["up"], parts["down"], parts.get("mid"), alpha), strength, magnitude)
    elif "hada_w1_a" in parts:
        yield parameter, Change(_hadamard(parts, alpha), strength, magnitude)
    elif "lokr_w1" in parts or "lokr_w1_a" in parts:
        yield parameter, Change(_kronecker(parts, alpha), strength, magnitude)
    elif "glora_a1" in parts:
        yield parameter, Change(_glora(parts, alpha), strength, magnitude)
    elif "oft" in parts:
        yield parameter, Change(_orthogonal(parts["oft"], parts.get("rescale"), alpha), strength)
    if "diff" in parts:
        yield parameter, Change(lambda weight: parts["diff"].float().to(weight.device).reshape(weight.shape), strength)
    if "set" in parts:
        yield parameter, Change(lambda weight: parts["set"].float().to(weight.device) - weight, 1.0)
    if "diff_b" in parts:
        bias = parameter.removesuffix(".weight") + ".bias"
        yield bias, Change(lambda weight: parts["diff_b"].float().to(weight.device), strength)


def _low_rank(up: Tensor, down: Tensor, mid: Tensor | None, alpha: float | None) -> Delta:
    scale = 1.0 if alpha is None else alpha / down.shape[0]

    def delta(weight: Tensor) -> Tensor:
        a, b = up.float().to(weight.device), down.float().to(weight.device)
        if mid is not None:
            core = mid.float().to(weight.device)
            shape = (b.shape[1], b.shape[0], core.shape[2], core.shape[3])
            joined = b.transpose(0, 1).flatten(1) @ core.transpose(0, 1).flatten(1)
            b = joined.reshape(b.shape[1], core.shape[0], *shape[2:]).transpose(0, 1)
        return scale * (a.flatten(1) @ b.flatten(1)).reshape(weight.shape)

    return delta


def _tucker(core: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("ijkl,jr,ip->prkl", core.float(), b.float(), a.float())


def _hadamard(parts: Mapping[str, Tensor], alpha: float | None) -> Delta:
    scale = 1.0 if alpha is None else alpha / parts["hada_w1_b"].shape[0]

    def delta(weight: Tensor) -> Tensor:
        p = {name: tensor.float().to(weight.device) for name, tensor in parts.items()}
        if "hada_t1" in p:
            first = _tucker(p["hada_t1"], p["hada_w1_a"], p["hada_w1_b"])
            second = _tucker(p["hada_t2"], p["hada_w2_a"], p["hada_w2_b"])
        else:
            first, second = p["hada_w1_a"] @ p["hada_w1_b"], p["hada_w2_a"] @ p["hada_w2_b"]
        return scale * (first * second).reshape(weight.shape)

    return delta


def _kronecker(parts: Mapping[str, Tensor], alpha: float | None) -> Delta:
    rank = next((parts[n].shape[0] for n in ("lokr_w2_b", "lokr_w1_b") if n in parts), None)
    scale = alpha / rank if alpha is not None and rank is not None else 1.0

    def delta(weight: Tensor) -> Tensor:
        p = {name: tensor.float().to(weight.device) for name, tensor in parts.items()}
        first = p["lokr_w1"] if "lokr_w1" in p else p["lokr_w1_a"] @ p["lokr_w1_b"]
        if "lokr_w2" in p:
            second = p["lokr_w2"]
        elif "lokr_t2" in p:
            second = _tucker(p["lokr_t2"], p["lokr_w2_a"], p["lokr_w2_b"])
        else:
            second = p["lokr_w2_a"] @ p["lokr_w2_b"]
        if second.ndim == 4:
            first = first[:, :, None, None]
        return scale * torch.kron(first, second).reshape(weight.shape)

    return delta


def _glora(parts: Mapping[str, Tensor], alpha: float | None) -> Delta:
    old = (
        parts["glora_b2"].shape[1]
        == parts["glora_b1"].shape[0]
        == parts["glora_a1"].shape[0]
        == parts["glora_a2"].shape[1]
    )
    rank = parts["glora_a1"].shape[0] if old else parts["glora_a2"].shape[0]
    scale = 1.0 if alpha is None else alpha / rank

    def delta(weight: Tensor) -> Tensor:
        p = {name: tensor.float().to(weight.device).flatten(1) for name, tensor in parts.items() if name != "alpha"}
        if old:
            change = p["glora_b2"] @ p["glora_b1"] + weight.flatten(1) @ p["glora_a2"] @ p["glora_a1"]
            return scale * change.reshape(weight.shape)
        mixed = (weight.movedim(1, -1) @ p["glora_a1"] @ p["glora_a2"]).movedim(-1, 1)
        return scale * (mixed + (p["glora_b1"] @ p["glora_b2"]).reshape(weight.shape))

    return delta


def _orthogonal(blocks: Tensor, rescale: Tensor | None, alpha: float | None) -> Delta:
    """Rotations by blocks of rows, through the Cayley map, at once or butterfly-wise in several stages.

    Args:
        blocks: [blocks, side, side] (OFT) or [stages, blocks, side, side] (BOFT).
        rescale: factor of each row after all stages.
        alpha: longest generator; 0 or None sets no limit.
    Source:
        Qiu et al. 2023, arXiv:2306.07280 (OFT); Liu et al. 2024, arXiv:2311.06243 (BOFT).
    """

    def delta(weight: Tensor) -> Tensor:
        b = blocks.float().to(weight.device)
        skew = b - b.transpose(-1, -2)
        if alpha is not None and alpha > 0:
            skew = skew * (alpha / (skew.norm() + 1e-8)).clamp(max=1.0)
        eye = torch.eye(b.shape[-1], device=b.device)
        rotation = (eye + skew) @ torch.linalg.inv(eye - skew)
        if b.ndim == 3:
            rows = weight.reshape(b.shape[0], b.shape[1], -1)
            return torch.einsum("knm,knl->kml", rotation - eye, rows).reshape(weight.shape)
        turned = weight.flatten(1)
        for stage, turn in enumerate(rotation):
            apart = 2**stage * (b.shape[-1] // 2)  # rows that a butterfly joins
            pairs = turned.unflatten(0, (-1, 2, apart)).transpose(1, 2).reshape(b.shape[1], b.shape[2], -1)
            turned = (turn @ pairs).reshape(-1, apart, 2, turned.shape[-1]).transpose(1, 2).flatten(0, 2)
        if rescale is not None:
            turned = turned * rescale.float().to(weight.device).reshape(-1, 1)
        return turned.reshape(weight.shape) - weight

    return delta


def _rescaled(weight: Tensor, change: Tensor, magnitude: Tensor, strength: float) -> Tensor:
    """DoRA: the changed weight brought to the learned length of each row, or column."""
    changed = weight + change
    if magnitude.shape[0] == weight.shape[0]:
        length = changed.flatten(1).norm(dim=1).reshape(-1, *[1] * (weight.ndim - 1))
    else:
        length = changed.transpose(0, 1).flatten(1).norm(dim=1).reshape(1, -1, *[1] * (weight.ndim - 2))
    target = changed * (magnitude.reshape(length.shape) / (length + torch.finfo(weight.dtype).eps))
    return weight + strength * (target - weight)


__all__ = ["Applied", "Change", "FusedChange", "LoraFile", "apply_lora", "changes_of_layer", "read_lora", "with_lora"]
