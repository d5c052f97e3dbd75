"""MODEL, CLIP and VAE between our nodes and packs.

Our nodes put objects of `diffusion` on wires; packs expect objects with the established methods. So a pack's function
is lent a handle for each, and what it returns is taken back as an object of `diffusion`. Handles give cloning, hooks
around guidance, encoding, decoding and sampling; the inside of a network stays closed.
Source: protocol §5.8.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["lend", "lend_one", "preview", "sample_latent", "take_back"]


def lend(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a pack's function."""
    return {name: lend_one(value) for name, value in arguments.items()}


def lend_one(value: Any) -> Any:
    """A value as packs know it; objects of `diffusion` become handles, also in a list."""
    if "diffusion.model" not in sys.modules:  # nobody has loaded a model yet
        return value
    if type(value) is list and len(value) < 1000:
        lent = [_handle(item) for item in value]
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


def _take_entry(item: Any) -> Any:
    """An item of a list: a handle, or [embedding, options] with a handle among the options."""
    if type(item) in (list, tuple) and len(item) == 2 and isinstance(item[1], dict) and "control" in item[1]:
        control = _take_one(item[1]["control"])
        return item if control is item[1]["control"] else [item[0], {**item[1], "control": control}]
    return _take_one(item)


def _handle(value: Any) -> Any:
    from diffusion.autoencoder import Autoencoder
    from diffusion.model import Model
    from diffusion.text.encoder import TextEncoder

    if isinstance(value, Model):
        from interop.models.model import ModelHandle

        return ModelHandle(value)
    if isinstance(value, TextEncoder):
        from interop.models.text import ClipHandle

        return ClipHandle(value)
    if isinstance(value, Autoencoder):
        from interop.models.autoencoder import VaeHandle

        return VaeHandle(value)
    return _rarer_handle(value)


def _rarer_handle(value: Any) -> Any:
    """Handles of objects whose modules may not have been imported; nothing is imported for a value that is none."""
    control, guiders = sys.modules.get("diffusion.control"), sys.modules.get("nodes.guiders")
    if control is not None and isinstance(value, control.ControlNet):
        from interop.models.control import ControlHandle

        return ControlHandle(value)
    if guiders is not None and isinstance(value, guiders.GuidedModel):
        from interop.models.guiding import GuiderHandle

        return GuiderHandle(value)
    return value


def preview(x0: Any, model: Any) -> Any:
    """A small picture of an unfinished latent."""
    from diffusion import latents

    return latents.preview(x0, take_back(model))


def sample_latent(model: Any, latent: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Sample a latent dictionary with the settings of `diffusion.sampling.sample`; other keys are kept."""
    from interop.models.sampling import sample_dictionary

    return sample_dictionary(take_back(model), latent, **settings)
