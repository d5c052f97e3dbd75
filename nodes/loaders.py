"""Loading models from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from graph_runtime.api import Choice, Context, FileIn, HeddleError, node
from graph_runtime.folders import TINY_AUTOENCODERS
from nodes.model_files import file_state, model_file, path_state, tokenizer_folders
from nodes.sockets import Clip, Model, Vae

if TYPE_CHECKING:
    from diffusion.loading import Checkpoint

__all__ = [
    "LoadedCheckpoint",
    "checkpoint_loader_simple",
    "clip_loader",
    "diffusers_loader",
    "dual_clip_loader",
    "loaded_checkpoint",
    "triple_clip_loader",
    "unet_loader",
    "vae_loader",
]

TextEncoderFile = Annotated[str, FileIn("text_encoders")]
Device = Annotated[str | None, Choice("default", "cpu")]

ENCODER_KINDS = (
    "stable_diffusion", "stable_cascade", "sd3", "stable_audio", "mochi", "ltxv", "pixart", "cosmos", "lumina2", "wan",
    "hidream", "chroma", "ace", "omnigen2", "qwen_image", "hunyuan_image",
)  # fmt: skip
PAIR_KINDS = ("sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image")


def checkpoint_state(ckpt_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen checkpoint in cache keys."""
    return file_state(ctx, "checkpoints", ckpt_name)


class LoadedCheckpoint(NamedTuple):
    """The parts of a checkpoint; a part that the file lacks is None."""

    MODEL: Model
    CLIP: Clip
    VAE: Vae


@node("CheckpointLoaderSimple", title="Load Checkpoint", category="loaders", fingerprint=checkpoint_state)
def checkpoint_loader_simple(*, ckpt_name: Annotated[str, FileIn("checkpoints")], ctx: Context) -> LoadedCheckpoint:
    """Load a diffusion model with its text encoder and autoencoder from one file, or from a folder of diffusers.

    Args:
        ckpt_name: the file, or the folder with a model_index.json, in one of the checkpoint folders.
    """
    return _parts(loaded_checkpoint(ctx, "checkpoints", ckpt_name))


def pipeline_state(model_path: str | None, ctx: Context) -> str | None:
    """Stands for the chosen pipeline folder in cache keys."""
    return file_state(ctx, "diffusers", model_path)


@node(
    "DiffusersLoader", title="Load Diffusers Folder", category="advanced/loaders/deprecated", fingerprint=pipeline_state
)
def diffusers_loader(*, model_path: Annotated[str, FileIn("diffusers")], ctx: Context) -> LoadedCheckpoint:
    """Load a diffusion model with its text encoder and autoencoder from a folder that diffusers saved.

    Args:
        model_path: the folder with a model_index.json, in one of the diffusers folders.
    """
    return _parts(loaded_checkpoint(ctx, "diffusers", model_path))


def loaded_checkpoint(ctx: Context, folder: str, name: str) -> Checkpoint:
    """The checkpoint that a name means in a model folder."""
    from diffusion import loading

    return loading.load_checkpoint(
        model_file(ctx, folder, name),
        tokenizers=tokenizer_folders(ctx),
        embeddings=ctx.folders.model_dirs("embeddings"),
    )


def _parts(checkpoint: Checkpoint) -> LoadedCheckpoint:
    return LoadedCheckpoint(checkpoint.model, checkpoint.clip, checkpoint.vae)


def unet_state(unet_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen diffusion model in cache keys."""
    return file_state(ctx, "diffusion_models", unet_name)


@node("UNETLoader", title="Load Diffusion Model", category="advanced/loaders", fingerprint=unet_state)
def unet_loader(
    *,
    unet_name: Annotated[str, FileIn("diffusion_models")],
    weight_dtype: Annotated[str, Choice("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2")],
    ctx: Context,
) -> Model:
    """Load a diffusion model that lies in a file of its own.

    Args:
        unet_name: the file, in one of the diffusion model folders.
        weight_dtype: number format the weights are kept in; "default" keeps the file's. The fp8 formats take half the
            memory and round the weights; layers widen them while they compute, but "fast" multiplies in eight bits
            where the device can (NVIDIA from compute capability 8.9).
    """
    import torch

    from diffusion import loading
    from diffusion.float8 import multiplies_float8
    from diffusion.placement import default_device
    from diffusion.variants import with_float8

    storage = {"fp8_e4m3fn": torch.float8_e4m3fn, "fp8_e4m3fn_fast": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2}
    path = model_file(ctx, "diffusion_models", unet_name)
    fast = weight_dtype == "fp8_e4m3fn_fast" and multiplies_float8(default_device())
    model = loading.load_diffusion_model(path, storage=None if fast else storage.get(weight_dtype))
    return with_float8(model) if fast else model


def vae_state(vae_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen autoencoder in cache keys."""
    halves = None if vae_name not in TINY_AUTOENCODERS else ctx.folders.tiny_halves(vae_name)
    return file_state(ctx, "vae", vae_name) if halves is None else "+".join(map(path_state, halves))


@node("VAELoader", title="Load VAE", category="loaders", fingerprint=vae_state)
def vae_loader(*, vae_name: Annotated[str, FileIn("vae"), Choice("pixel_space")], ctx: Context) -> Vae:
    """Load an autoencoder that lies in a file of its own.

    Args:
        vae_name: the file, in one of the autoencoder folders; or a tiny autoencoder, such as "taesd", whose two files
            are in one of the vae_approx folders.
    """
    from diffusion import loading
    from diffusion.tiny_autoencoder import load_tiny_autoencoder

    if vae_name == "pixel_space":
        raise HeddleError(
            "Models that work on pixels are not supported yet, so there is no 'pixel_space' autoencoder.",
            where=f"node {ctx.node_id}",
            fix="Choose the autoencoder that belongs to the model.",
        )
    if vae_name in TINY_AUTOENCODERS and ctx.folders.find("vae", vae_name) is None:
        halves = ctx.folders.tiny_halves(vae_name)
        if halves is None:
            raise HeddleError(
                f"The tiny autoencoder '{vae_name}' is not complete: it needs '{vae_name}_encoder' and "
                f"'{vae_name}_decoder' in the vae_approx folders.",
                where=f"node {ctx.node_id}",
                fix="Put both files, for example as .safetensors, into one of "
                + ", ".join(f"'{directory}'" for directory in ctx.folders.model_dirs("vae_approx"))
                + ".",
            )
        return load_tiny_autoencoder(*halves, vae_name)
    return loading.load_autoencoder(model_file(ctx, "vae", vae_name))


def clip_state(clip_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen text encoder in cache keys."""
    return file_state(ctx, "text_encoders", clip_name)


@node("CLIPLoader", title="Load CLIP", category="advanced/loaders", fingerprint=clip_state)
def clip_loader(
    *,
    clip_name: TextEncoderFile,
    type: Annotated[str, Choice(ENCODER_KINDS)],
    device: Device = None,
    ctx: Context,
) -> Clip:
    """Load a text encoder that lies in a file of its own.

    Args:
        clip_name: the file, in one of the text encoder folders.
        type: the model family it is for.
        device: "cpu" leaves the accelerator's memory to the model.
    """
    return _text_encoders(ctx, [clip_name], type, device)


def pair_state(clip_name1: str | None, clip_name2: str | None, ctx: Context) -> list[str | None]:
    """Stands for two chosen text encoders in cache keys."""
    return [file_state(ctx, "text_encoders", name) for name in (clip_name1, clip_name2)]


@node("DualCLIPLoader", title="Load Two CLIPs", category="advanced/loaders", fingerprint=pair_state)
def dual_clip_loader(
    *,
    clip_name1: TextEncoderFile,
    clip_name2: TextEncoderFile,
    type: Annotated[str, Choice(PAIR_KINDS)],
    device: Device = None,
    ctx: Context,
) -> Clip:
    """Load the two text encoders of a model family; their order does not matter.

    Args:
        clip_name1: one file, in one of the text encoder folders.
        clip_name2: the other file.
        type: the model family they are for.
        device: "cpu" leaves the accelerator's memory to the model.
    """
    return _text_encoders(ctx, [clip_name1, clip_name2], type, device)


def triple_state(
    clip_name1: str | None, clip_name2: str | None, clip_name3: str | None, ctx: Context
) -> list[str | None]:
    """Stands for three chosen text encoders in cache keys."""
    return [file_state(ctx, "text_encoders", name) for name in (clip_name1, clip_name2, clip_name3)]


@node("TripleCLIPLoader", title="Load Three CLIPs", category="advanced/loaders", fingerprint=triple_state)
def triple_clip_loader(
    *,
    clip_name1: Annotated[str, FileIn("text_encoders", form="new")],
    clip_name2: Annotated[str, FileIn("text_encoders", form="new")],
    clip_name3: Annotated[str, FileIn("text_encoders", form="new")],
    ctx: Context,
) -> Clip:
    """Load the three text encoders of Stable Diffusion 3; their order does not matter.

    Args:
        clip_name1: one file, in one of the text encoder folders.
        clip_name2: another file.
        clip_name3: the third file.
    """
    return _text_encoders(ctx, [clip_name1, clip_name2, clip_name3], "sd3", None)


def _text_encoders(ctx: Context, names: list[str], kind: str, device: str | None) -> Clip:
    from diffusion import loading

    return loading.load_text_encoders(
        [model_file(ctx, "text_encoders", name) for name in names],
        kind,
        device="cpu" if device == "cpu" else None,
        tokenizers=tokenizer_folders(ctx),
        embeddings=ctx.folders.model_dirs("embeddings"),
    )
