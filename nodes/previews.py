"""Pictures of a latent while it is being sampled."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graph_runtime.api import Context
from nodes.model_files import path_state

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

__all__ = ["preview_of"]


def preview_of(ctx: Context, model: Any, x0: Tensor) -> Image | None:
    """A picture of the first latent of a batch, by the preview method that the run asks for; None for "none".

    "taesd" decodes with the tiny autoencoder of the model's latent space; where its decoder is not among the
    vae_approx files, and for every other method, the picture is a linear map of the latent.

    Args:
        model: whose latent space it is.
        x0: network-space estimate [batch, channels, h, w].
    """
    from diffusion import latents

    if ctx.extra.preview_method == "none":
        return None
    form = model.latent_format
    decoder: Path | None = None
    if ctx.extra.preview_method == "taesd" and form.taesd is not None:
        decoder = ctx.folders.tiny_half(form.taesd, "decoder")
    if decoder is None:
        return latents.preview(x0, model)
    return _decoded(_tiny(form.taesd, decoder, path_state(decoder)), form.from_network(x0[:1].float()))


def _decoded(autoencoder: Any, latent: Tensor) -> Image:
    import torch
    from PIL import Image

    pixels = autoencoder.decode(latent)[0].clamp(0, 1).mul(255).to(torch.uint8)
    return Image.fromarray(pixels.numpy())


@lru_cache(maxsize=2)
def _tiny(name: str, decoder: Path, state: str) -> Any:
    """The decoder, kept from step to step; `state` tells a replaced file from the one that was loaded."""
    from diffusion.tiny_autoencoder import load_tiny_autoencoder

    return load_tiny_autoencoder(None, decoder, name)
