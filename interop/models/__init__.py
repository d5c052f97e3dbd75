"""Models between our nodes and packs.

Our nodes put objects of `diffusion` on wires; packs expect objects with the established methods. So a pack's function
is lent a handle for each, and what it returns is taken back as an object of `diffusion`. Handles give cloning, patches,
wrappers, encoding, decoding and sampling; the layers of a network stay closed.
Source: protocol §5.8.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["lend", "lend_one", "preview", "sample_latent", "take_back"]

_HANDLES = {
    ("diffusion.model", "Model"): ("interop.models.model", "ModelHandle"),
    ("diffusion.text.encoder", "TextEncoder"): ("interop.models.text", "ClipHandle"),
    ("diffusion.autoencoder", "Autoencoder"): ("interop.models.autoencoder", "VaeHandle"),
    ("diffusion.control", "ControlNet"): ("interop.models.control", "ControlHandle"),
    ("diffusion.upscaling", "UpscaleModel"): ("interop.models.upscaling", "UpscaleHandle"),
    ("nodes.guiders", "GuidedModel"): ("interop.models.guiding", "GuiderHandle"),
    ("nodes.samplers", "ChosenSampler"): ("interop.models.k_samplers", "OurSampler"),
}
"""Class of ours → its handle, by names: nothing is imported for a value that is none of them."""


def lend(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a pack's function."""
    return {name: lend_one(value) for name, value in arguments.items()}


def lend_one(value: Any) -> Any:
    """A value as packs know it; objects of `diffusion` become handles, also in conditioning and lists."""
    if type(value) is list and len(value) < 1000:
        lent = [_lend_entry(item) for item in value]
        return lent if any(new is not old for new, old in zip(lent, value, strict=True)) else value
    return _handle(value)


def take_back(value: Any) -> Any:
    """What a pack's function returned; handles become objects of `diffusion`, also in conditioning and lists."""
    if type(value) is list and len(value) < 1000:
        taken = [_take_entry(item) for item in value]
        return taken if any(new is not old for new, old in zip(taken, value, strict=True)) else value
    return _take_one(value)


def _take_one(value: Any) -> Any:
    return value.heddle_object if hasattr(type(value), "heddle_object") else value


def _has_control(item: Any) -> bool:
    """Whether an item is [embedding, options] with a control network among the options."""
    return type(item) in (list, tuple) and len(item) == 2 and isinstance(item[1], dict) and "control" in item[1]


def _take_entry(item: Any) -> Any:
    if _has_control(item):
        control = _take_one(item[1]["control"])
        return item if control is item[1]["control"] else [item[0], {**item[1], "control": control}]
    return _take_one(item)


def _lend_entry(item: Any) -> Any:
    if _has_control(item):
        control = _handle(item[1]["control"])
        return item if control is item[1]["control"] else [item[0], {**item[1], "control": control}]
    return _handle(item)


def _handle(value: Any) -> Any:
    if "heddle_handle" in getattr(value, "__dict__", ()):
        return value.heddle_handle
    for kind in type(value).__mro__[:-1]:
        found = _HANDLES.get((kind.__module__, kind.__name__))
        if found is not None:
            return getattr(importlib.import_module(found[0]), found[1])(value)
    return value


def preview(x0: Any, model: Any) -> Any:
    """A small picture of an unfinished latent."""
    from diffusion import latents

    return latents.preview(x0, take_back(model))


def sample_latent(model: Any, latent: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Sample a latent dictionary with the settings of `diffusion.sampling.sample`; other keys are kept."""
    from interop.models.sampling import sample_dictionary

    return sample_dictionary(take_back(model), latent, **settings)
