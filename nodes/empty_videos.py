"""Empty latents of video models, and of models whose latents come in two stages or are pixels."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from graph_runtime.api import Range, node
from nodes.empty_latents import BatchSize
from nodes.sockets import MAX_RESOLUTION, Latent

__all__ = [
    "Stages",
    "empty_chroma_radiance_latent_image",
    "empty_cosmos_latent_video",
    "empty_hunyuan_latent_video",
    "empty_ltxv_latent_video",
    "empty_mochi_latent_video",
    "stable_cascade_empty_latent_image",
]

VIDEO = "latent/video"
Side = Annotated[int, Range(16, MAX_RESOLUTION, step=16)]
CascadeSide = Annotated[int, Range(256, MAX_RESOLUTION, step=8)]


class Stages(NamedTuple):
    """The latents of both stages of Stable Cascade."""

    stage_c: Latent
    stage_b: Latent


@node("EmptyHunyuanLatentVideo", title="EmptyHunyuanLatentVideo", category=VIDEO)
def empty_hunyuan_latent_video(
    *,
    width: Side = 848,
    height: Side = 480,
    length: Annotated[int, Range(1, MAX_RESOLUTION, step=4)] = 25,
    batch_size: BatchSize = 1,
) -> Latent:
    """Make empty latents as HunyuanVideo and Wan take them.

    Args:
        width: of the video in pixels; a latent is an eighth of it.
        height: of the video in pixels.
        length: in pictures; four of them share a latent, the first has its own.
        batch_size: how many videos to make at once.
    """
    return _zeros(batch_size, 16, (length - 1) // 4 + 1, height // 8, width // 8)


@node("EmptyCosmosLatentVideo", title="EmptyCosmosLatentVideo", category=VIDEO)
def empty_cosmos_latent_video(
    *,
    width: Side = 1280,
    height: Side = 704,
    length: Annotated[int, Range(1, MAX_RESOLUTION, step=8)] = 121,
    batch_size: BatchSize = 1,
) -> Latent:
    """Make empty latents as the first Cosmos takes them.

    Args:
        width: of the video in pixels; a latent is an eighth of it.
        height: of the video in pixels.
        length: in pictures; eight of them share a latent, the first has its own.
        batch_size: how many videos to make at once.
    """
    return _zeros(batch_size, 16, (length - 1) // 8 + 1, height // 8, width // 8)


@node("EmptyMochiLatentVideo", title="EmptyMochiLatentVideo", category=VIDEO)
def empty_mochi_latent_video(
    *,
    width: Side = 848,
    height: Side = 480,
    length: Annotated[int, Range(7, MAX_RESOLUTION, step=6)] = 25,
    batch_size: BatchSize = 1,
) -> Latent:
    """Make empty latents as Mochi takes them.

    Args:
        width: of the video in pixels; a latent is an eighth of it.
        height: of the video in pixels.
        length: in pictures; six of them share a latent, the first has its own.
        batch_size: how many videos to make at once.
    """
    return _zeros(batch_size, 12, (length - 1) // 6 + 1, height // 8, width // 8)


@node("EmptyLTXVLatentVideo", title="EmptyLTXVLatentVideo", category="latent/video/ltxv")
def empty_ltxv_latent_video(
    *,
    width: Annotated[int, Range(64, MAX_RESOLUTION, step=32)] = 768,
    height: Annotated[int, Range(64, MAX_RESOLUTION, step=32)] = 512,
    length: Annotated[int, Range(1, MAX_RESOLUTION, step=8)] = 97,
    batch_size: BatchSize = 1,
) -> Latent:
    """Make empty latents as LTX-Video takes them.

    Args:
        width: of the video in pixels; a latent is a thirty-second of it.
        height: of the video in pixels.
        length: in pictures; eight of them share a latent, the first has its own.
        batch_size: how many videos to make at once.
    """
    return _zeros(batch_size, 128, (length - 1) // 8 + 1, height // 32, width // 32)


@node("EmptyChromaRadianceLatentImage", title="EmptyChromaRadianceLatentImage", category="latent/chroma_radiance")
def empty_chroma_radiance_latent_image(*, width: Side = 1024, height: Side = 1024, batch_size: BatchSize = 1) -> Latent:
    """Make empty latents as Chroma Radiance takes them: pixels.

    Args:
        width: of the picture in pixels.
        height: of the picture in pixels.
        batch_size: how many pictures to make at once.
    """
    return _zeros(batch_size, 3, height, width)


@node("StableCascade_EmptyLatentImage", title="StableCascade_EmptyLatentImage", category="latent/stable_cascade")
def stable_cascade_empty_latent_image(
    *,
    width: CascadeSide = 1024,
    height: CascadeSide = 1024,
    compression: Annotated[int, Range(4, 128, step=1)] = 42,
    batch_size: BatchSize = 1,
) -> Stages:
    """Make empty latents for both stages of Stable Cascade.

    Args:
        width: of the picture in pixels.
        height: of the picture in pixels.
        compression: how many pixels a value of the first stage stands for, in each direction.
        batch_size: how many pictures to make at once.
    """
    return Stages(
        _zeros(batch_size, 16, height // compression, width // compression),
        _zeros(batch_size, 4, height // 4, width // 4),
    )


def _zeros(*shape: int) -> dict[str, Any]:
    import torch

    return {"samples": torch.zeros(shape)}
