"""Latents: empty ones, and the way between them and images."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Range, node
from nodes.sockets import IMAGE, LATENT, MAX_RESOLUTION, VAE

__all__ = ["empty_latent_image", "vae_decode", "vae_encode"]


@node("EmptyLatentImage", title="Empty Latent Image", category="latent")
def empty_latent_image(
    *,
    width: Annotated[int, Range(16, MAX_RESOLUTION, step=8)] = 512,
    height: Annotated[int, Range(16, MAX_RESOLUTION, step=8)] = 512,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
) -> LATENT:
    """Make empty latents of a size, for sampling from noise alone.

    Args:
        width: of the picture in pixels; a latent is an eighth of it.
        height: of the picture in pixels.
        batch_size: how many pictures to make at once.
    """
    import torch

    return {"samples": torch.zeros(batch_size, 4, height // 8, width // 8)}


@node("VAEDecode", title="VAE Decode", category="latent")
def vae_decode(*, samples: LATENT, vae: VAE) -> IMAGE:
    """Decode latents into images.

    Args:
        samples: the latents.
        vae: the autoencoder that belongs to the model.
    """
    image = vae.decode(samples["samples"])
    if image.ndim == 5:  # frames of a video are images of one batch
        image = image.flatten(0, 1)
    return image


@node("VAEEncode", title="VAE Encode", category="latent")
def vae_encode(*, pixels: IMAGE, vae: VAE) -> LATENT:
    """Encode images into latents, for sampling that starts from them.

    Args:
        pixels: the images.
        vae: the autoencoder that belongs to the model.
    """
    return {"samples": vae.encode(pixels[..., :3])}
