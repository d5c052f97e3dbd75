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
    """What a pack's function returned; handles become objects of `diffusion`."""
    if type(value) is list and any(hasattr(type(item), "heddle_object") for item in value):
        return [take_back(item) for item in value]
    if hasattr(type(value), "heddle_object"):
        return value.heddle_object
    return value


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
    return value


def preview(x0: Any, model: Any) -> Any:
    """A small picture of an unfinished latent."""
    from diffusion import latents

    return latents.preview(x0, take_back(model))


def sample_latent(model: Any, latent: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Sample a latent dictionary with the settings of `diffusion.sampling.sample`; other keys are kept."""
    from interop.models.sampling import sample_dictionary

    return sample_dictionary(take_back(model), latent, **settings)
