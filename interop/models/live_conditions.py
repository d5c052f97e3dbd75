"""Conditioning inside of a run, as the dictionaries that packs read, copy and change.

What `diffusion` prepared for a run is an `Entry`; a pack's functions around guidance are given a dictionary for each,
with what the network is told under "model_conds". A dictionary that comes back unchanged is its entry; of a changed
one, or one for another batch, an entry is made for that call.
Source: protocol §5.7; pack_surface, tier 2 (`comfy.samplers.calc_cond_batch`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from diffusion.families.family import to_batch
from diffusion.sampling.conditioning import Entry
from diffusion.sampling.evaluate import Evaluator
from interop.models.inner import BaseModel, input_name, own_input_name

__all__ = ["ORIGIN", "evaluator_for", "lend_for_run", "lent_entries", "taken_entries"]

ORIGIN = "heddle_origin"
"""Key of a dictionary under which it keeps what it was made of."""


@dataclass(frozen=True, slots=True, eq=False)
class _Origin:
    """What a dictionary was made of, and what it held then."""

    entry: Entry
    values: Mapping[str, Any]
    inputs: Mapping[str, Any]

    def is_left(self, given: Mapping[str, Any]) -> bool:
        """Whether a dictionary still says the same."""
        return _same(self.values, {key: given[key] for key in given if key not in ("model_conds", ORIGIN)}) and _same(
            self.inputs, given.get("model_conds", {})
        )


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return first.keys() == second.keys() and all(value is second[key] for key, value in first.items())


def lend_for_run(model: BaseModel, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """What was prepared for a run, as packs see it until the run ends."""
    lent = [_dictionary(entry) for entry in entries]
    model.lent.update({id(one[ORIGIN].entry): one for one in lent})
    return lent


def lent_entries(model: BaseModel, entries: Iterable[Entry] | None) -> list[dict[str, Any]] | None:
    """Prepared conditioning as packs see it.

    Args:
        model: of the run.
    """
    return None if entries is None else [model.lent.get(id(entry)) or _dictionary(entry) for entry in entries]


def _dictionary(entry: Entry) -> dict[str, Any]:
    import comfy.conds as host

    kinds = {"context": host.CONDCrossAttn, "concat": host.CONDNoiseShape}
    inputs = {input_name(name): kinds.get(name, host.CONDRegular)(value) for name, value in entry.inputs.items()}
    values: dict[str, Any] = {"uuid": uuid.uuid4(), "strength": 1.0}
    optional = {
        "cross_attn": entry.inputs.get("context"),
        "mask": None if entry.weight is None else entry.weight[:, 0],
        "area": entry.area,
        "timestep_start": entry.start,
        "timestep_end": entry.end,
        "control": _control(entry.control),
        "hooks": entry.hooks,
        "default": entry.default or None,
    }
    values.update({key: value for key, value in optional.items() if value is not None})
    return {**values, "model_conds": dict(inputs), ORIGIN: _Origin(entry, dict(values), dict(inputs))}


def _control(active: Any) -> Any:
    from interop.models import lend_one

    return lend_one(getattr(active, "control", active))


def taken_entries(model: BaseModel, items: Iterable[Any] | None, x: Tensor) -> tuple[Entry, ...] | None:
    """What packs hand in, ready to be evaluated.

    Args:
        model: of the run.
        x: the noisy latent that it is for.
    """
    return None if items is None else tuple(_entry(model, item, x) for item in items)


def _entry(model: BaseModel, item: Any, x: Tensor) -> Entry:
    if isinstance(item, Entry):
        return item
    origin: _Origin | None = item.get(ORIGIN)
    if origin is not None and origin.is_left(item) and _fits(origin.entry, x):
        return origin.entry
    before = Entry({}, None, None, None, None) if origin is None else origin.entry
    inputs = {own_input_name(name): _tensor(value) for name, value in item.get("model_conds", {}).items()}
    area = item.get("area")
    return replace(
        before,
        inputs=inputs,
        weight=_weight(item, origin, x, area),
        area=None if area is None else (int(area[0]), int(area[1]), int(area[2]), int(area[3])),
        start=item.get("timestep_start"),
        end=item.get("timestep_end"),
        control=_prepared_control(model, item.get("control"), origin, x),
        hooks=item.get("hooks"),
        default=bool(item.get("default")),
    )


def _tensor(value: Any) -> Any:
    return getattr(value, "cond", value)


def _fits(entry: Entry, x: Tensor) -> bool:
    return entry.weight is None or entry.weight.shape[0] == x.shape[0]


def _weight(item: Mapping[str, Any], origin: _Origin | None, x: Tensor, area: Any) -> Tensor | None:
    """How much an entry counts: as prepared, unless mask, strength or area are others now."""
    keys = ("mask", "strength", "area")
    if origin is not None and all(item.get(key) is origin.values.get(key) for key in keys):
        return None if origin.entry.weight is None else to_batch(origin.entry.weight, x.shape[0])
    mask, strength = item.get("mask"), float(item.get("strength", 1.0))
    shape = x.shape if area is None else (*x.shape[:2], int(area[0]), int(area[1]))
    if mask is None:
        return None if strength == 1.0 and area is None else x.new_full(shape, strength)
    if area is not None and mask.shape[-2:] == x.shape[-2:]:
        height, width, top, left = (int(side) for side in area)
        mask = mask[..., top : top + height, left : left + width]
    weight = to_batch(mask.to(x), x.shape[0]).unsqueeze(1).expand(shape)
    return weight * (strength * float(item.get("mask_strength", 1.0)))


def _prepared_control(model: BaseModel, control: Any, origin: _Origin | None, x: Tensor) -> Any:
    from interop.models import take_back

    if control is None or (origin is not None and control is origin.values.get("control")):
        return None if control is None or origin is None else origin.entry.control
    own = take_back(control)
    return own.prepared(model.heddle_model.prediction, x)


def evaluator_for(model: BaseModel, evaluator: Evaluator, lists: Iterable[Iterable[Entry] | None]) -> Evaluator:
    """The evaluator of a call; it keeps nothing of entries that were made for that call alone."""
    foreign = any(id(entry) not in model.lent for entries in lists for entry in entries or ())
    return evaluator.forgetful() if foreign else evaluator
