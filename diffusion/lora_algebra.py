"""What the tensors of a LoRA file do to a weight: low-rank sums and products, rotations, whole changes.

Source: Hu et al. 2021, arXiv:2106.09685 (LoRA); Hyeon-Woo et al. 2021, arXiv:2108.06098 (LoHa); Yeh et al. 2023,
arXiv:2309.14859 (LoCon, LoKr); Liu et al. 2024, arXiv:2402.09353 (DoRA); KohakuBlueleaf/LyCORIS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.layouts.transformers import Piece

Delta = Callable[[Tensor], Tensor]  # weight → change at strength 1, shaped like the weight


@dataclass(frozen=True, slots=True)
class Change:
    """One weight's change.

    Attributes:
        delta: the change at strength 1.
        strength: factor of it.
        magnitude: DoRA's length of each row (or column), or None.
        shape: of the weight that is changed, where it is larger than the model's; what is missing counts as zeros.
    """

    delta: Delta
    strength: float
    magnitude: Tensor | None = None
    shape: tuple[int, ...] | None = None

    def __call__(self, weight: Tensor) -> Tensor:
        weight = weight if self.shape is None else widened(weight, self.shape)
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
        pieces: all rows of the layer, and where they are kept.
        name: of the parameter.
        beside: all parameters' original weights, for changes that depend on the whole weight; None for others.
    """

    change: Change
    shape: torch.Size
    pieces: tuple[Piece, ...]
    name: str
    beside: Mapping[str, Tensor] | None = None

    def __call__(self, weight: Tensor) -> Tensor:
        layer = self.name.rpartition(".")[0]
        changed = self._added if self.beside is None else self._of_whole(weight, self.beside)
        result = weight.clone()
        for piece in self.pieces:
            if piece.layer == layer:
                rows, target = _rows(piece.start, piece.rows), _rows(piece.target, piece.rows)
                result[target] = changed(weight[target], rows)
        return result

    def _added(self, weight: Tensor, rows: slice) -> Tensor:
        """Some rows of a weight with their part of a change that does not depend on it."""
        whole = self.change.delta(weight.new_zeros(()).expand(self.shape)).to(weight)
        magnitude = None if self.change.magnitude is None else self.change.magnitude[rows]
        return Change(lambda _: whole[rows], self.change.strength, magnitude)(weight)

    def _of_whole(self, weight: Tensor, beside: Mapping[str, Tensor]) -> Callable[[Tensor, slice], Tensor]:
        """Some rows of the whole layer's weight as it is changed; what lies elsewhere counts as it is in the file."""
        kind, whole = self.name.rpartition(".")[2], weight.new_empty(self.shape)
        for piece in self.pieces:
            name = f"{piece.layer}.{kind}"
            source = weight if name == self.name else beside[name].to(weight)
            whole[_rows(piece.start, piece.rows)] = source[_rows(piece.target, piece.rows)]
        changed = self.change(whole)
        return lambda _, rows: changed[rows]


def _rows(start: int, count: int) -> slice:
    return slice(start, start + count)


def widened(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A weight in the corner of a larger one that is zero elsewhere.

    Raises:
        ValueError: if the other is not larger.
    """
    missing = [new - old for new, old in zip(shape, weight.shape, strict=True)]
    if min(missing) < 0:
        raise ValueError(f"a weight of shape {tuple(weight.shape)} does not fit into one of {shape}")
    return F.pad(weight, [side for more in reversed(missing) for side in (0, more)])


def changes_of_layer(parts: Mapping[str, Tensor], parameter: str, strength: float) -> Iterator[tuple[str, Change]]:
    """The changes one layer's tensors ask for, by parameter."""
    shape = tuple(int(side) for side in parts["reshape"]) if "reshape" in parts else None
    alpha = float(parts["alpha"]) if "alpha" in parts else None
    magnitude = parts["lengths"].flatten() if "lengths" in parts else parts.get("dora")  # PEFT: always of rows
    if "up" in parts and "down" in parts:
        yield (
            parameter,
            Change(_low_rank(parts["up"], parts["down"], parts.get("mid"), alpha), strength, magnitude, shape),
        )
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


__all__ = ["Change", "Delta", "FusedChange", "changes_of_layer", "widened"]
