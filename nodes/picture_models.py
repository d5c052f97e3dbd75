"""Models that are conditioned on pictures alone: videos that start from one, and other views of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from graph_runtime.api import Context, FileIn, HeddleError, Range, node
from nodes.image_io import PROVENANCE
from nodes.loaders import checkpoint_state, loaded_checkpoint
from nodes.saving import CATEGORY, write_model
from nodes.sockets import MAX_RESOLUTION, ClipVision, Conditioning, Image, Latent, Model, Vae

if TYPE_CHECKING:
    from diffusion.vision.start import Pair

__all__ = [
    "ImageOnlyCheckpoint",
    "StartedConditionings",
    "image_only_checkpoint_loader",
    "image_only_checkpoint_save",
    "stable_zero123_conditioning",
    "stable_zero123_conditioning_batched",
    "sv3d_conditioning",
    "svd_img2vid_conditioning",
]

VIDEO, VIEWS = "conditioning/video_models", "conditioning/3d_models"
Side = Annotated[int, Range(16, MAX_RESOLUTION, step=8)]
Count = Annotated[int, Range(1, 4096)]
Angle = Annotated[float, Range(-180.0, 180.0, step=0.1, round=False)]


class ImageOnlyCheckpoint(NamedTuple):
    """The parts of a checkpoint that is conditioned on pictures."""

    MODEL: Model
    CLIP_VISION: ClipVision
    VAE: Vae


class StartedConditionings(NamedTuple):
    """What is shown of a picture, what is shown in its place, and the latent to sample."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent


@node(
    "ImageOnlyCheckpointLoader",
    title="Image Only Checkpoint Loader (img2vid model)",
    category="loaders/video_models",
    fingerprint=checkpoint_state,
)
def image_only_checkpoint_loader(
    *, ckpt_name: Annotated[str, FileIn("checkpoints")], ctx: Context
) -> ImageOnlyCheckpoint:  # fmt: skip
    """Load a checkpoint that is conditioned on pictures: Stable Video Diffusion, SV3D or Stable Zero123.

    Args:
        ckpt_name: the file, in one of the checkpoint folders.
    """
    checkpoint = loaded_checkpoint(ctx, "checkpoints", ckpt_name)
    if checkpoint.vision is None:
        raise HeddleError(
            f"'{ckpt_name}' has no encoder of pictures.",
            where=f"node {ctx.node_id}",
            fix="Choose a checkpoint that is conditioned on pictures, such as Stable Video Diffusion, or load this "
            "one with CheckpointLoaderSimple.",
        )
    return ImageOnlyCheckpoint(checkpoint.model, checkpoint.vision, checkpoint.vae)


@node(
    "ImageOnlyCheckpointSave", title="ImageOnlyCheckpointSave", category=CATEGORY, terminal=True, hidden=PROVENANCE
)  # fmt: skip
def image_only_checkpoint_save(
    *, model: Model, clip_vision: ClipVision, vae: Vae, filename_prefix: str = "checkpoints/ComfyUI", ctx: Context
) -> None:
    """Write a checkpoint that is conditioned on pictures into the output folder, with what merges made of it.

    Args:
        model: the diffusion model.
        clip_vision: its encoder of pictures.
        vae: its autoencoder.
        filename_prefix: begins the name; may name a subfolder.
    """
    from diffusion import saving

    tensors = saving.checkpoint_tensors(model, None, vae, clip_vision)
    write_model(ctx, filename_prefix, tensors, saving.described(model))


@node("SVD_img2vid_Conditioning", title="SVD_img2vid_Conditioning", category=VIDEO)
def svd_img2vid_conditioning(
    *,
    clip_vision: ClipVision,
    init_image: Image,
    vae: Vae,
    width: Side = 1024,
    height: Side = 576,
    video_frames: Count = 14,
    motion_bucket_id: Annotated[int, Range(1, 1023)] = 127,
    fps: Annotated[int, Range(1, 1024)] = 6,
    augmentation_level: Annotated[float, Range(0.0, 10.0, step=0.01)] = 0.0,
) -> StartedConditionings:
    """Let a video start from a picture.

    Args:
        clip_vision: the encoder of pictures that came with the model.
        init_image: the picture.
        vae: the autoencoder that came with the model.
        width: of the video in pixels.
        height: of the video in pixels.
        video_frames: how many pictures the video has.
        motion_bucket_id: how much moves; 127 is the middle of what was seen in training.
        fps: pictures a second.
        augmentation_level: noise on the picture; more lets the video stray further from it.
    """
    from diffusion.vision.start import start_of

    start = start_of(clip_vision, vae, init_image, width, height, augmentation_level)
    told = {"motion_bucket_id": motion_bucket_id, "fps": fps, "augmentation_level": augmentation_level}
    return _started(start.conditioning(told), video_frames, width, height)


@node("SV3D_Conditioning", title="SV3D_Conditioning", category=VIEWS)
def sv3d_conditioning(
    *,
    clip_vision: ClipVision,
    init_image: Image,
    vae: Vae,
    width: Side = 576,
    height: Side = 576,
    video_frames: Count = 21,
    elevation: Annotated[float, Range(-90.0, 90.0, step=0.1, round=False)] = 0.0,
) -> StartedConditionings:
    """Let SV3D turn once around an object.

    Args:
        clip_vision: the encoder of pictures that came with the model.
        init_image: the object, on a plain ground.
        vae: the autoencoder that came with the model.
        width: of the views in pixels.
        height: of the views in pixels.
        video_frames: how many views there are.
        elevation: of the camera in degrees; only models that are told a camera read it.
    """
    from diffusion.vision.start import around, start_of

    start = start_of(clip_vision, vae, init_image, width, height)
    return _started(start.conditioning(around(video_frames, elevation)), video_frames, width, height)


@node("StableZero123_Conditioning", title="StableZero123_Conditioning", category=VIEWS)
def stable_zero123_conditioning(
    *,
    clip_vision: ClipVision,
    init_image: Image,
    vae: Vae,
    width: Side = 256,
    height: Side = 256,
    batch_size: Count = 1,
    elevation: Angle = 0.0,
    azimuth: Angle = 0.0,
) -> StartedConditionings:
    """Show Stable Zero123 an object, and say from where it is to be seen.

    Args:
        clip_vision: the encoder of pictures that came with the model.
        init_image: the object, on a white ground.
        vae: the autoencoder that came with the model.
        width: of the view in pixels.
        height: of the view in pixels.
        batch_size: how many pictures are made.
        elevation: how far the camera goes up, in degrees.
        azimuth: how far the camera goes around, in degrees.
    """
    from diffusion.vision.start import start_of, turned

    start = start_of(clip_vision, vae, init_image, width, height)
    seen = turned(start.seen, [(elevation, azimuth)])
    return _started(start.conditioning({}, seen), batch_size, width, height)


@node("StableZero123_Conditioning_Batched", title="StableZero123_Conditioning_Batched", category=VIEWS)
def stable_zero123_conditioning_batched(
    *,
    clip_vision: ClipVision,
    init_image: Image,
    vae: Vae,
    width: Side = 256,
    height: Side = 256,
    batch_size: Count = 1,
    elevation: Angle = 0.0,
    azimuth: Angle = 0.0,
    elevation_batch_increment: Angle = 0.0,
    azimuth_batch_increment: Angle = 0.0,
) -> StartedConditionings:
    """Show Stable Zero123 an object, and let each picture of the batch see it from another place.

    Args:
        clip_vision: the encoder of pictures that came with the model.
        init_image: the object, on a white ground.
        vae: the autoencoder that came with the model.
        width: of the views in pixels.
        height: of the views in pixels.
        batch_size: how many views there are; all start from the same noise.
        elevation: how far the camera goes up for the first, in degrees.
        azimuth: how far the camera goes around for the first, in degrees.
        elevation_batch_increment: how much further up for each that follows.
        azimuth_batch_increment: how much further around for each that follows.
    """
    from diffusion.vision.start import start_of, turned

    start = start_of(clip_vision, vae, init_image, width, height)
    turns = [(elevation, azimuth)]
    for _ in range(batch_size - 1):
        turns.append((turns[-1][0] + elevation_batch_increment, turns[-1][1] + azimuth_batch_increment))
    found = _started(start.conditioning({}, turned(start.seen, turns)), batch_size, width, height)
    return found._replace(latent={**found.latent, "batch_index": [0] * batch_size})


def _started(pair: Pair, count: int, width: int, height: int) -> StartedConditionings:
    import torch

    return StartedConditionings(*pair, {"samples": torch.zeros(count, 4, height // 8, width // 8)})
