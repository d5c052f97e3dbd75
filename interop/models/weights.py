"""Weights of a model for packs: read by their published names, and changed by sums, values and LoRA parts.

Source: protocol §5.8 (`add_patches`, `get_key_patches`); pack_surface, tier 2 (`comfy.lora.calculate_weight`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.model import Model
from diffusion.network import WeightPatch
from interop.errors import NotSupported
from interop.models.lora import LoraPart, add_to_model
from interop.models.names import original_names

__all__ = ["add_weights", "calculate_weight", "key_patches", "state_dict"]


def state_dict(model: Model, prefix: str = "") -> dict[str, Tensor]:
    """The weights by their published names, patches not applied."""
    network = model.network
    named = original_names(network).items()
    return {name: network.weights[own] for own, name in named if name.startswith(prefix)}


def key_patches(model: Model, prefix: str = "") -> dict[str, list[Any]]:
    """The weights as they are now: name → [(weight, function that brings it to float)]."""
    network, patches = model.network, model.patches
    result: dict[str, list[Any]] = {}
    for own, name in original_names(network).items():
        if name.startswith(prefix):
            changed = own in patches.by_name
            weight = network.patched_weight(own, patches) if changed else network.weights[own]
            result[name] = [(weight, _same)]
    return result


def _same(weight: Tensor, **rest: Any) -> Tensor:
    return weight


def add_weights(model: Model, patches: Mapping[Any, Any], strength: float, kept: float) -> tuple[Model, list[str]]:
    """A model with weights changed, and the names of the changed ones; names of other models are left out.

    Args:
        patches: name → change, or (name, offset, function) → change.
        strength: factor of the change.
        kept: factor of the weight that it is added to.
    Raises:
        NotSupported: for a form of change that this engine does not know.
        ModelFileError: if a change does not fit its weight.
    """
    parts = {name: change for name, change in patches.items() if isinstance(change, LoraPart)}
    names: list[str] = []
    if parts:
        model, names = add_to_model(model, parts, strength)
    own = {name: parameter for parameter, name in original_names(model.network).items()}
    changes: dict[str, WeightPatch] = {}
    for key, change in patches.items():
        name, offset, function = (key, None, None) if isinstance(key, str) else (*key, None, None)[:3]
        if name in own and not isinstance(change, LoraPart):
            entry = (strength, change, kept, offset, function)
            _check(entry, model.network.weights[own[name]].shape, name)
            changes[own[name]] = partial(_patched, [entry], name)
            names.append(name)
    return model.with_weights(changes), names


def _patched(patches: list[Any], name: str, weight: Tensor) -> Tensor:
    return calculate_weight(patches, weight, name)


def _check(entry: tuple[Any, ...], shape: torch.Size, name: str) -> None:
    try:
        calculate_weight([entry], torch.empty(shape, device="meta"), name)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelFileError(f"A pack's change of '{name}' does not fit its shape {tuple(shape)}: {error}") from error


def calculate_weight(patches: list[Any], weight: Tensor, key: str, *rest: Any, **more: Any) -> Tensor:
    """A weight with changes applied in order.

    Args:
        patches: (strength, change, factor of the weight, offset, function) each.
        key: what to call the weight in messages.
    """
    for strength, change, kept, offset, function in patches:
        target = weight if offset is None else weight.narrow(*offset)
        scaled = target if kept == 1.0 else target * kept
        changed = _changed(change, scaled, strength, function or _same, key)
        if offset is None:
            weight = changed
        else:
            weight = weight.clone()
            weight.narrow(*offset).copy_(changed)
    return weight


def _changed(change: Any, weight: Tensor, strength: float, function: Callable[[Tensor], Tensor], key: str) -> Tensor:
    if isinstance(change, list):  # a weight with changes of its own, as `key_patches` gives it
        (value, convert), *more = change
        value = calculate_weight(more, convert(value.to(weight.device, torch.float32)), key)
        return weight + function(strength * _fitted(value, weight))
    kind, values = ("diff", change) if len(change) == 1 else (change[0], change[1])
    if kind == "diff":
        if len(values) > 1 and values[1].get("pad_weight"):
            weight = _padded(weight, values[0].shape)
        return weight + function(strength * _fitted(values[0], weight)) if strength else weight
    if kind == "set":
        return _fitted(values[0], weight)
    if kind == "lora":
        up, down, alpha = (values[0].to(weight.device).float(), values[1].to(weight.device).float(), values[2])
        scale = 1.0 if alpha is None else float(alpha) / down.shape[0]
        return weight + function(strength * scale * (up.flatten(1) @ down.flatten(1)).reshape(weight.shape))
    raise NotSupported(f"a weight patch of the kind {kind!r} for {key}", "added", "Use diff, set or a LoRA file.")


def _padded(weight: Tensor, shape: torch.Size) -> Tensor:
    """A weight with zeros after its own values, up to a shape: a network that is told more than it was trained for."""
    if len(shape) != weight.ndim or any(new < old for new, old in zip(shape, weight.shape, strict=True)):
        raise ValueError(f"the change has the shape {tuple(shape)}, which is not larger")
    result = weight.new_zeros(shape)
    result[tuple(slice(size) for size in weight.shape)] = weight
    return result


def _fitted(value: Tensor, weight: Tensor) -> Tensor:
    if value.device.type != "meta" and weight.device.type == "meta":
        value = value.to("meta")
    if value.shape != weight.shape:
        raise ValueError(f"the change has the shape {tuple(value.shape)}")
    return value.to(weight.device, weight.dtype)
