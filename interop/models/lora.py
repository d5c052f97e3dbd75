"""LoRA files that packs read themselves: found by layer, handed to `add_patches`, applied by `diffusion.lora`.

Source: protocol §6.10; pack_surface, tier 2 (`comfy.lora`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from diffusion.lora import LoraFile, apply_lora
from diffusion.lora_names import model_names, text_names
from diffusion.model import Model
from diffusion.text.encoder import TextEncoder
from interop.models.names import NETWORK, original_names, tower_names

__all__ = ["LoraPart", "LoraPatches", "add_to_clip", "add_to_model", "clip_keys", "model_keys", "read_patches"]

_SOURCE = Path("a LoRA that a pack loaded")


@dataclass(frozen=True, slots=True, eq=False)
class LoraPart:
    """What a LoRA says about one weight: its tensors by their names in the file."""

    tensors: dict[str, Tensor]


class LoraPatches(dict[str, LoraPart]):
    """What a LoRA says about each weight, by the weight's name."""


def read_patches(tensors: Mapping[str, Tensor], keys: Mapping[str, Any]) -> LoraPatches:
    """Sort the tensors of a LoRA file by the weights that they change.

    Args:
        keys: name of a layer in LoRA files → name of its weight, from `model_keys` and `clip_keys`.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        layer = _layer(name, keys)
        if layer is not None:
            target = keys[layer]
            parts.setdefault(target if isinstance(target, str) else target[0], {})[name] = tensor
    return LoraPatches({weight: LoraPart(found) for weight, found in parts.items()})


def _layer(name: str, keys: Mapping[str, Any]) -> str | None:
    """The longest known layer that a tensor's name begins with."""
    end = len(name)
    while end > 0:
        for known in (name[:end], name[:end].removesuffix("_lora")):
            if known in keys:
                return known
        end = name.rfind(".", 0, end)
    return None


def model_keys(model: Model) -> dict[str, str]:
    """Every name under which LoRA files know a layer of the network → the name of its weight."""
    originals = original_names(model.network)
    return {layer: originals[parameter] for layer, parameter in model_names(model.network).items()}


def clip_keys(clip: TextEncoder) -> dict[str, str]:
    """Every name under which LoRA files know a layer of the text encoders → the name of its weight."""
    keys: dict[str, str] = {}
    for tower in clip.towers:
        names = tower_names(tower.name, tower.network)
        keys |= {layer: names[parameter] for layer, parameter in text_names(tower.name, tower.network, clip).items()}
    return keys


def _chosen(patches: Mapping[str, LoraPart], inside: bool) -> tuple[LoraFile | None, list[str]]:
    """The part of a LoRA that belongs to the network, or to the text encoders."""
    names = [name for name in patches if name.startswith(NETWORK) == inside]
    tensors = {key: tensor for name in names for key, tensor in patches[name].tensors.items()}
    return (LoraFile(_SOURCE, tensors) if tensors else None), names


def add_to_model(model: Model, patches: Mapping[str, LoraPart], strength: float) -> tuple[Model, list[str]]:
    """The model with its part of a LoRA, and the names of the weights that it changes."""
    file, names = _chosen(patches, inside=True)
    if file is None or not strength:
        return model, names
    changed, _ = apply_lora(file, model, None, strength, 0.0)
    assert changed is not None
    return changed, names


def add_to_clip(clip: TextEncoder, patches: Mapping[str, LoraPart], strength: float) -> tuple[TextEncoder, list[str]]:
    """The text encoder with its part of a LoRA, and the names of the weights that it changes."""
    file, names = _chosen(patches, inside=False)
    if file is None or not strength:
        return clip, names
    _, changed = apply_lora(file, None, clip, 0.0, strength)
    assert changed is not None
    return changed, names
