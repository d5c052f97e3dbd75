"""Pictures as conditioning: encoders of pictures, and models that read what they say."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import Choice, Context, FileIn, HeddleError, Range, node
from nodes.loaders import checkpoint_state, loaded_checkpoint
from nodes.model_files import file_state, model_file
from nodes.sockets import Clip, ClipVision, ClipVisionOutput, Conditioning, Image, Model, Vae

__all__ = [
    "PictureCheckpoint",
    "clip_vision_encode",
    "clip_vision_loader",
    "unclip_checkpoint_loader",
    "unclip_conditioning",
]


def vision_state(clip_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen encoder in cache keys."""
    return file_state(ctx, "clip_vision", clip_name)


@node("CLIPVisionLoader", title="Load CLIP Vision", category="loaders", fingerprint=vision_state)
def clip_vision_loader(*, clip_name: Annotated[str, FileIn("clip_vision")], ctx: Context) -> ClipVision:
    """Load an encoder of pictures: CLIP L, H or G, or SigLIP.

    Args:
        clip_name: the file, in one of the CLIP vision folders.
    """
    from diffusion.vision.encoder import load_picture_encoder

    return load_picture_encoder(model_file(ctx, "clip_vision", clip_name))


@node("CLIPVisionEncode", title="CLIP Vision Encode", category="conditioning")
def clip_vision_encode(
    *, clip_vision: ClipVision, image: Image, crop: Annotated[str, Choice("center", "none")]
) -> ClipVisionOutput:
    """Say what pictures show, in the encoder's numbers.

    Args:
        clip_vision: the encoder.
        image: pictures of any size.
        crop: "center" cuts the middle out of the longer side, "none" squeezes the picture into a square.
    """
    return clip_vision.encode_image(image, crop=crop == "center")


class PictureCheckpoint(NamedTuple):
    """The parts of a checkpoint, with its encoder of pictures."""

    MODEL: Model
    CLIP: Clip
    VAE: Vae
    CLIP_VISION: ClipVision


@node("unCLIPCheckpointLoader", title="Load unCLIP Checkpoint", category="loaders", fingerprint=checkpoint_state)
def unclip_checkpoint_loader(*, ckpt_name: Annotated[str, FileIn("checkpoints")], ctx: Context) -> PictureCheckpoint:
    """Load a checkpoint that paints by text and by pictures, with its encoder of pictures.

    Args:
        ckpt_name: the file, in one of the checkpoint folders.
    """
    checkpoint = loaded_checkpoint(ctx, "checkpoints", ckpt_name)
    if checkpoint.vision is None:
        raise HeddleError(
            f"'{ckpt_name}' has no encoder of pictures.",
            where=f"node {ctx.node_id}",
            fix="Choose an unCLIP checkpoint, or load this one with CheckpointLoaderSimple.",
        )
    return PictureCheckpoint(checkpoint.model, checkpoint.clip, checkpoint.vae, checkpoint.vision)


@node("unCLIPConditioning", title="unCLIP Conditioning", category="conditioning")
def unclip_conditioning(
    *,
    conditioning: Conditioning,
    clip_vision_output: ClipVisionOutput,
    strength: Annotated[float, Range(-10.0, 10.0, step=0.01)] = 1.0,
    noise_augmentation: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.0,
) -> Conditioning:
    """Let an unCLIP model, or SDXL, paint what an encoded picture shows; several pictures are added up.

    Args:
        conditioning: the text beside it.
        clip_vision_output: the encoded picture.
        strength: how much it counts; 0 not at all.
        noise_augmentation: how far the painting may stray from it; 0 stays close.
    """
    if strength == 0:
        return conditioning
    added = {"clip_vision_output": clip_vision_output, "strength": strength, "noise_augmentation": noise_augmentation}
    return [
        [embedding, {**options, "unclip_conditioning": [*options.get("unclip_conditioning", ()), added]}]
        for embedding, options in conditioning
    ]
