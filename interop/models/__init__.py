"""Models between our nodes and packs.

Our nodes put objects of `diffusion` on wires; packs expect objects with the established methods. So a pack's function
is lent a handle for each, and what it returns is taken back as an object of `diffusion`. Handles give cloning, patches,
wrappers, encoding, decoding and sampling; the layers of a network stay closed.
Source: protocol §5.8.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

__all__ = ["lend", "lend_one", "preview", "take_back", "take_back_all", "take_back_as"]

_HANDLES = {
    ("diffusion.model", "Model"): ("interop.models.model", "ModelHandle"),
    ("diffusion.text.encoder", "TextEncoder"): ("interop.models.text", "ClipHandle"),
    ("diffusion.autoencoder", "Autoencoder"): ("interop.models.autoencoder", "VaeHandle"),
    ("diffusion.control", "ControlNet"): ("interop.models.control", "ControlHandle"),
    ("diffusion.weight_hooks", "WeightHooks"): ("interop.models.weight_hooks", "HookGroup"),
    ("diffusion.weight_hooks", "Keyframes"): ("interop.models.weight_hooks", "HookKeyframeGroup"),
    ("diffusion.vision.encoder", "PictureEncoder"): ("interop.models.vision", "VisionHandle"),
    ("diffusion.vision.style", "StyleModel"): ("interop.models.vision", "StyleHandle"),
    ("diffusion.upscaling", "UpscaleModel"): ("interop.models.upscaling", "UpscaleHandle"),
    ("nodes.guiders", "GuidedModel"): ("interop.models.guiding", "GuiderHandle"),
    ("nodes.samplers", "ChosenSampler"): ("interop.models.k_samplers", "OurSampler"),
}
"""Class of ours → its handle, by names: nothing is imported for a value that is none of them."""
_BY_METHODS = {
    "SAMPLER": ("interop.models.k_samplers", "TakenSampler", "Sampler"),
    "GUIDER": ("interop.models.guider", "TakenGuider", "TakenGuider"),
}
"""Kind of wire → (module, what makes an object of a pack one of ours, what is one already)."""
_OBJECTS = ("control", "hooks")
"""Options of a conditioning that hold objects."""


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


def take_back_as(kind: Any, value: Any) -> Any:
    """What a pack put on a wire of a kind: packs write samplers and guiders that are no subclasses of the host's."""
    own = take_back(value)
    known = _BY_METHODS.get(str.__str__(kind)) if isinstance(kind, str) else None
    if known is None or own is not value or _handle(own) is not own or callable(own) or not hasattr(own, "sample"):
        return own
    place, name, base = known
    module = importlib.import_module(place)
    return own if isinstance(own, getattr(module, base)) else getattr(module, name)(own)


def take_back_all(kinds: Iterable[Any], values: Sequence[Any]) -> list[Any]:
    """What a pack's function returned, by the declared kinds of its outputs."""
    declared = list(kinds)
    return [
        take_back_as(declared[index] if index < len(declared) else None, values[index]) for index in range(len(values))
    ]


def _take_one(value: Any) -> Any:
    return value.heddle_object if hasattr(type(value), "heddle_object") else value


def _take_entry(item: Any) -> Any:
    return _with_options(item, _take_one)


def _lend_entry(item: Any) -> Any:
    return _with_options(item, _handle)


def _with_options(item: Any, change: Callable[[Any], Any]) -> Any:
    """A list's item; of an entry of a conditioning, [embedding, options], the objects among the options."""
    if not (type(item) in (list, tuple) and len(item) == 2 and isinstance(item[1], dict)):
        return change(item)
    options = item[1]
    changed = {key: change(options[key]) for key in _OBJECTS if key in options}
    if all(value is options[key] for key, value in changed.items()):
        return item
    return [item[0], {**options, **changed}]


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
