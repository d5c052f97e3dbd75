"""What packs batch estimates with that evaluate conditionings by themselves, instead of `calc_cond_batch`.

Source: pack_surface, tier 2 (`comfy.samplers.get_area_and_mult`, `can_concat_cond`, `cond_cat`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from diffusion.families.family import to_batch
from interop.models.live_conditions import ORIGIN

__all__ = ["Part", "can_join", "joined", "part_of"]


class Part(NamedTuple):
    """One conditioning of a run, with the part of the latent that it sees.

    Attributes:
        mult: how much it counts at each point of that part.
        conditioning: the network's inputs for the batch.
        area: (height, width, y, x) of the part, or None.
        patches: kept for the established shape: patches are the model's.
    """

    input_x: Tensor
    mult: Tensor
    conditioning: dict[str, Any]
    area: tuple[int, ...] | None
    control: Any
    patches: Any
    uuid: Any
    hooks: Any


def part_of(cond: Mapping[str, Any], x: Tensor, timestep: Tensor) -> Part | None:
    """A conditioning for a noisy latent; None where it is not active at the noise level."""
    sigma, start, end = float(timestep.flatten()[0]), cond.get("timestep_start"), cond.get("timestep_end")
    if (start is not None and sigma > start) or (end is not None and sigma < end):
        return None
    area = cond.get("area")
    seen = x
    if area is not None:
        height, width, top, left = area
        seen = x[..., top : top + height, left : left + width]
    inputs = {
        name: value.process_cond(batch_size=x.shape[0], device=x.device, area=area)
        for name, value in cond.get("model_conds", {}).items()
    }
    return Part(
        seen, _mult(cond, seen), inputs, area, cond.get("control"), None, cond.get("uuid"), cond.get("hooks"),
    )  # fmt: skip


def _mult(cond: Mapping[str, Any], seen: Tensor) -> Tensor:
    origin = cond.get(ORIGIN)
    weight = None if origin is None else origin.entry.weight
    if weight is None:
        return torch.full_like(seen, float(cond.get("strength", 1.0)))
    return to_batch(weight, seen.shape[0])


def can_join(first: Part, second: Part) -> bool:
    """Whether both can share a call of the network."""
    if first.input_x.shape != second.input_x.shape or first.control is not second.control:
        return False
    mine, theirs = first.conditioning, second.conditioning
    return mine.keys() == theirs.keys() and all(value.can_concat(theirs[name]) for name, value in mine.items())


def joined(conditionings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The inputs of a shared call of the network."""
    first, *others = conditionings
    return {name: value.concat([other[name] for other in others]) for name, value in first.items()}
