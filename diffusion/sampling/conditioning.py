"""Conditioning as the sampler sees it: where, when and how strongly each entry counts.

Nodes pass lists of `[embedding, options]`; a run turns each into `Entry` objects once, before its first step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.families.family import Family, Scene, to_batch
from diffusion.network import Network
from diffusion.sampling.prediction import Prediction

FEATHER = 8  # latent pixels over which the inner edges of an area fade
SMALLEST = 8  # latent pixels: smallest side of an area found from a mask

Conditioning = Sequence[Sequence[Any]]  # [[embedding, {…}], …]
Area = tuple[int, int, int, int]  # height, width, y, x in latent pixels


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One conditioning, ready to be evaluated.

    Attributes:
        inputs: what the network is given.
        weight: how much it counts at each point of its area; None means 1 everywhere.
        area: the part of the latent it sees, or None for all.
        start, end: it is active while end ≤ sigma ≤ start.
        control: a control network chain, or None.
        default: counts only where no other entry does.
        grounding: phrases in boxes, see `diffusion.grounding`, or None.
        hooks: changes of the network's weights while it is evaluated, see `diffusion.weight_hooks`.
    """

    inputs: dict[str, Tensor]
    weight: Tensor | None
    area: Area | None
    start: float | None
    end: float | None
    control: Any = None
    control_for_negative: bool = False
    default: bool = False
    hooks: Any = None
    grounding: Any = None

    def active(self, sigma: float) -> bool:
        """Whether it counts at this noise level."""
        return within(sigma, self.start, self.end)


def within(sigma: float, start: float | None, end: float | None) -> bool:
    """Whether a noise level lies between two others, all as float32, so that levels of a schedule meet their bounds."""
    level, first, last = torch.tensor([sigma, math.inf if start is None else start, 0.0 if end is None else end])
    return bool(last <= level <= first)


def prepare(
    lists: Mapping[str, Conditioning], family: Family, prediction: Prediction, noise: Tensor, latent: Tensor | None,
    mask: Tensor | None, seed: int = 0,
    network: Network | None = None,
) -> dict[str, tuple[Entry, ...]]:  # fmt: skip
    """Turn the conditioning lists of a run into entries.

    Args:
        lists: by role; `positive` is the side whose control networks may be lent to the others.
        latent: network-space latent the run starts from.
        seed: of the run.
        network: that is sampled from; control networks may be made of its weights.
    Raises:
        SamplingError: if a list is malformed.
    """
    result: dict[str, list[Entry]] = {}
    controls: dict[int, Any] = {}  # one preparation for each control network, so that batches can be joined
    for role, conditioning in lists.items():
        scene = Scene(noise, latent, mask, negative=role != "positive", seed=seed, network=network)
        result[role] = [_entry(item, family, prediction, scene, controls) for item in conditioning]
    for role, entries in list(result.items()):
        for entry in list(entries):
            for other, others in result.items():
                if other != role:
                    _add_same_area(others, entry)
    for role, entries in result.items():
        if role != "positive":
            _lend(result.get("positive", []), entries)
    return {role: tuple(entries) for role, entries in result.items()}


def _entry(
    item: Sequence[Any], family: Family, prediction: Prediction, scene: Scene, controls: dict[int, Any]
) -> Entry:
    if len(item) != 2 or not isinstance(item[1], Mapping):
        raise SamplingError("A conditioning must be a list of [embedding, options] pairs.")
    embedding, options = item
    noise = scene.noise
    height, width = noise.shape[-2:]
    area = _resolved_area(options.get("area"), height, width)
    mask = options.get("mask")
    if mask is not None:
        mask = _latent_mask(mask.to(noise.device, torch.float32), height, width)
        if options.get("set_area_to_bounds"):
            area, mask = _bounds(mask)
    inputs = {name: value.to(noise.device) for name, value in family.inputs(embedding, options, scene).items()}
    control = options.get("control")
    if control is not None and id(control) not in controls:
        beside = control if scene.network is None else control.on(scene.network)
        controls[id(control)] = beside.prepared(prediction, noise)
    return Entry(
        inputs=inputs,
        weight=_weight(options, area, mask, noise),
        area=area,
        start=min(_levels(options, "start_percent", prediction), default=None),
        end=max(_levels(options, "end_percent", prediction), default=None),
        control=None if control is None else controls[id(control)],
        control_for_negative=bool(options.get("control_apply_to_uncond")),
        default=bool(options.get("default")),
        hooks=options.get("hooks"),
        grounding=_grounding(options.get("gligen"), controls),
    )


def _grounding(gligen: Any, prepared: dict[int, Any]) -> Any:
    if gligen is None:
        return None
    if gligen[0] != "position":
        raise SamplingError(f"GLIGEN conditioning of kind '{gligen[0]}' is not known; 'position' is.")
    if id(gligen) not in prepared:
        prepared[id(gligen)] = gligen[1].prepared(gligen[2])
    return prepared[id(gligen)]


def _levels(options: Mapping[str, Any], name: str, prediction: Prediction) -> list[float]:
    """Noise levels of a limit, which the conditioning and its text encoder may both set."""
    shares = (options.get(name), options.get(f"clip_{name}"))
    return [prediction.percent_to_sigma(share) for share in shares if share is not None]


def _resolved_area(area: Any, height: int, width: int) -> Area | None:
    if area is None:
        return None
    if area[0] == "percentage":
        sizes, offsets = area[1 : 1 + len(area) // 2], area[1 + len(area) // 2 :]  # those of videos have a time first
        (h, w), (y, x) = sizes[:2], offsets[:2]
        return (max(1, round(h * height)), max(1, round(w * width)), round(y * height), round(x * width))
    h, w, y, x = (int(value) for value in area)
    return (h, w, y, x)


def _latent_mask(mask: Tensor, height: int, width: int) -> Tensor:
    if mask.ndim == 2:
        mask = mask.unsqueeze(0)
    if mask.shape[-2:] == (height, width):
        return mask
    return F.interpolate(mask.unsqueeze(1), size=(height, width), mode="bilinear", align_corners=False).squeeze(1)


def _bounds(mask: Tensor) -> tuple[Area, Tensor]:
    """The box around a mask's non-zero part, at least 8×8; an empty mask gives a weightless box at the origin.

    A box that has to be made larger grows right and down, and is clipped to the latent when it is used.
    """
    rows, columns = torch.nonzero(mask.amax(dim=0), as_tuple=True)
    if len(rows) == 0:
        return (SMALLEST, SMALLEST, 0, 0), torch.zeros_like(mask)
    top, left = int(rows.min()), int(columns.min())
    h, w = max(SMALLEST, int(rows.max()) - top + 1), max(SMALLEST, int(columns.max()) - left + 1)
    return (h, w, top, left), mask


def clipped(area: Area, height: int, width: int) -> Area:
    """The part of an area that lies in the latent."""
    h, w, y, x = area
    return (min(height - y, h), min(width - x, w), y, x)


def _weight(options: Mapping[str, Any], area: Area | None, mask: Tensor | None, noise: Tensor) -> Tensor | None:
    strength = float(options.get("strength", 1.0))
    height, width = noise.shape[-2:]
    if area is not None:
        area = clipped(area, height, width)
    if mask is not None:
        if area is not None:
            mask = mask[:, area[2] : area[2] + area[0], area[3] : area[3] + area[1]]
        mask = mask[: noise.shape[0]] * float(options.get("mask_strength", 1.0))
        repeated = mask.unsqueeze(1).repeat(noise.shape[0] // mask.shape[0], noise.shape[1], 1, 1)
        return to_batch(repeated, noise.shape[0]) * strength
    if area is None:
        return None if strength == 1.0 else torch.full_like(noise, strength)
    shape = (*noise.shape[:2], area[0], area[1])
    return _feathered(torch.full(shape, strength, device=noise.device, dtype=noise.dtype), area, (height, width))


def _feathered(weight: Tensor, area: Area, size: tuple[int, int]) -> Tensor:
    """Fade the edges that lie inside the latent."""
    for axis in (0, 1):
        count = min(FEATHER, weight.shape[2 + axis] // 4)
        length, offset = area[axis], area[2 + axis]
        for step in range(count):
            share = (1.0 / count) * (step + 1)
            if offset != 0:
                weight.narrow(2 + axis, step, 1).mul_(share)
            if offset + length < size[axis]:
                weight.narrow(2 + axis, length - 1 - step, 1).mul_(share)
    return weight


def _contains(outer: Area, inner: Area) -> bool:
    return all(inner[2 + i] >= outer[2 + i] and inner[i] + inner[2 + i] <= outer[i] + outer[2 + i] for i in (0, 1))


def _add_same_area(entries: list[Entry], entry: Entry) -> None:
    """Give the other side an entry with the same crop, so that guidance compares equal parts of the picture."""
    if entry.area is None:
        return
    best: Entry | None = None
    for other in entries:
        if other.area is None:
            best = best or other
        elif _contains(other.area, entry.area) and (
            best is None or best.area is None or math.prod(best.area[:2]) > math.prod(other.area[:2])
        ):
            best = other
    if best is not None and best.area != entry.area:
        entries.append(replace(entry, inputs=dict(best.inputs)))


def _lend(positive: list[Entry], others: list[Entry]) -> None:
    """Put the positive side's shared control networks, and its boxes, onto the other side, in turn; the last stay."""
    whole = [entry for entry in positive if entry.area is None]
    _lend_each("control", [e.control for e in whole if e.control is not None and e.control_for_negative], others)
    _lend_each("grounding", [e.grounding for e in whole if e.grounding is not None], others)


def _lend_each(name: str, lent: list[Any], others: list[Entry]) -> None:
    free = [index for index, e in enumerate(others) if e.area is None and getattr(e, name) is None]
    if not lent or not free or any(e.area is None and getattr(e, name) is not None for e in others):
        return
    for number, value in enumerate(lent):
        index = free[number % len(free)]
        others[index] = replace(others[index], **{name: value})


__all__ = ["Area", "Conditioning", "Entry", "clipped", "prepare", "within"]
