"""Empty latents of models that divide pictures otherwise than Stable Diffusion 1."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Range, node
from nodes.sockets import MAX_RESOLUTION, Latent

__all__ = ["empty_hunyuan_image_latent", "empty_sd3_latent_image"]

BatchSize = Annotated[int, Range(1, 4096)]


@node("EmptySD3LatentImage", title="EmptySD3LatentImage", category="latent/sd3")
def empty_sd3_latent_image(
    *,
    width: Annotated[int, Range(16, MAX_RESOLUTION, step=16)] = 1024,
    height: Annotated[int, Range(16, MAX_RESOLUTION, step=16)] = 1024,
    batch_size: BatchSize = 1,
) -> Latent:
    """Make empty latents with sixteen channels, as SD3, Flux and their relatives take them.

    Args:
        width: of the picture in pixels; a latent is an eighth of it.
        height: of the picture in pixels.
        batch_size: how many pictures to make at once.
    """
    import torch

    return {"samples": torch.zeros(batch_size, 16, height // 8, width // 8)}


@node("EmptyHunyuanImageLatent", title="EmptyHunyuanImageLatent", category="latent")
def empty_hunyuan_image_latent(
    *,
    width: Annotated[int, Range(64, MAX_RESOLUTION, step=32)] = 2048,
    height: Annotated[int, Range(64, MAX_RESOLUTION, step=32)] = 2048,
    batch_size: BatchSize = 1,
) -> Latent:
    """Make empty latents as HunyuanImage takes them.

    Args:
        width: of the picture in pixels; a latent is a thirty-second of it.
        height: of the picture in pixels.
        batch_size: how many pictures to make at once.
    """
    import torch

    return {"samples": torch.zeros(batch_size, 64, height // 32, width // 32)}
