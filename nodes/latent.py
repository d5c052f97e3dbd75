"""Latents: empty ones, and the way between them and images."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Range, node
from nodes.sockets import MAX_RESOLUTION, Image, Latent, Vae

__all__ = ["empty_latent_image", "vae_decode", "vae_decode_tiled", "vae_encode", "vae_encode_tiled"]


@node("EmptyLatentImage", title="Empty Latent Image", category="latent")
def empty_latent_image(
    *,
    width: Annotated[int, Range(16, MAX_RESOLUTION, step=8)] = 512,
    height: Annotated[int, Range(16, MAX_RESOLUTION, step=8)] = 512,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
) -> Latent:
    """Make empty latents of a size, for sampling from noise alone.

    Args:
        width: of the picture in pixels; a latent is an eighth of it.
        height: of the picture in pixels.
        batch_size: how many pictures to make at once.
    """
    import torch

    return {"samples": torch.zeros(batch_size, 4, height // 8, width // 8)}


@node("VAEDecode", title="VAE Decode", category="latent")
def vae_decode(*, samples: Latent, vae: Vae) -> Image:
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
def vae_encode(*, pixels: Image, vae: Vae) -> Latent:
    """Encode images into latents, for sampling that starts from them.

    Args:
        pixels: the images.
        vae: the autoencoder that belongs to the model.
    """
    return {"samples": vae.encode(pixels[..., :3])}


Overlap = Annotated[int, Range(0, 4096, step=32)]
TemporalSize = Annotated[int, Range(8, 4096, step=4)]
TemporalOverlap = Annotated[int, Range(4, 4096, step=4)]


@node("VAEDecodeTiled", title="VAE Decode (Tiled)", category="_for_testing")
def vae_decode_tiled(
    *,
    samples: Latent,
    vae: Vae,
    tile_size: Annotated[int, Range(64, 4096, step=32)] = 512,
    overlap: Overlap = 64,
    temporal_size: TemporalSize = 64,
    temporal_overlap: TemporalOverlap = 8,
) -> Image:
    """Decode latents tile by tile, which needs less memory.

    Args:
        samples: the latents.
        vae: the autoencoder that belongs to the model.
        tile_size: side of a tile in pixels.
        overlap: how far neighbouring tiles overlap, in pixels; at most a quarter of a tile.
        temporal_size: frames of a tile; only autoencoders of videos have any.
        temporal_overlap: frames that neighbouring tiles share; only autoencoders of videos have any.
    """
    overlap = min(overlap, tile_size // 4)
    ratio = vae.ratio
    return vae.decode_tiled(samples["samples"], (tile_size // ratio, tile_size // ratio), overlap // ratio)


@node("VAEEncodeTiled", title="VAE Encode (Tiled)", category="_for_testing")
def vae_encode_tiled(
    *,
    pixels: Image,
    vae: Vae,
    tile_size: Annotated[int, Range(64, 4096, step=64)] = 512,
    overlap: Overlap = 64,
    temporal_size: TemporalSize = 64,
    temporal_overlap: TemporalOverlap = 8,
) -> Latent:
    """Encode images tile by tile, which needs less memory.

    Args:
        pixels: the images.
        vae: the autoencoder that belongs to the model.
        tile_size: side of a tile in pixels.
        overlap: how far neighbouring tiles overlap, in pixels.
        temporal_size: frames of a tile; only autoencoders of videos have any.
        temporal_overlap: frames that neighbouring tiles share; only autoencoders of videos have any.
    """
    return {"samples": vae.encode_tiled(pixels[..., :3], (tile_size, tile_size), overlap)}
