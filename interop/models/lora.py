"""LoRA files that packs read themselves.

What packs pass from `comfy.lora.load_lora` to `add_patches` is the file itself; the layers it fits are found when it is
applied.
Source: protocol §6.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusion.lora import LoraFile, apply_lora
from diffusion.model import Model
from diffusion.text.encoder import TextEncoder
from interop.errors import NotSupported

__all__ = ["LoraPatches", "add_to_clip", "add_to_model", "read_patches"]


class LoraPatches(dict[str, Any]):
    """The tensors of a LoRA file, on their way to a model."""


def read_patches(tensors: Mapping[str, Any]) -> LoraPatches:
    """Keep tensors for `add_patches`."""
    return LoraPatches(tensors)


def _file(patches: Any) -> LoraFile:
    if not isinstance(patches, LoraPatches):
        raise NotSupported("add_patches", "called with patches made by hand", "Use comfy.lora.load_lora.")
    return LoraFile(Path("a LoRA that a pack loaded"), dict(patches))


def add_to_model(model: Model, patches: Any, strength: float) -> tuple[Model, list[str]]:
    """The model with a LoRA, and the names of the weights it changes."""
    changed, _ = apply_lora(_file(patches), model, None, strength, 0.0)
    assert changed is not None
    return changed, sorted(changed.patches.by_name)


def add_to_clip(clip: TextEncoder, patches: Any, strength: float) -> tuple[TextEncoder, list[str]]:
    """The text encoder with a LoRA, and the names of the weights it changes."""
    _, changed = apply_lora(_file(patches), None, clip, 0.0, strength)
    assert changed is not None
    return changed, sorted(name for own in changed.patches.values() for name in own.by_name)
