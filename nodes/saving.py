"""Models written to files that every program of the field reads: adapters over `diffusion.saving`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from graph_runtime.api import Choice, Context, Range, Text, node
from nodes.image_io import PROVENANCE
from nodes.pictures import embedded_texts
from nodes.sockets import Clip, Model, Vae

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["checkpoint_save", "clip_save", "lora_save", "model_save", "vae_save", "write_model"]

CATEGORY = "advanced/model_merging"
Line = Annotated[str, Text(multiline=False)]


@node("CheckpointSave", title="Save Checkpoint", category=CATEGORY, terminal=True, hidden=PROVENANCE)
def checkpoint_save(
    *, model: Model, clip: Clip, vae: Vae, filename_prefix: str = "checkpoints/ComfyUI", ctx: Context
) -> None:
    """Write a whole checkpoint into the output folder, with what LoRAs and merges made of it.

    Args:
        model: the diffusion model.
        clip: its text encoders.
        vae: its autoencoder.
        filename_prefix: begins the name; may name a subfolder.
    """
    from diffusion import saving

    write_model(ctx, filename_prefix, saving.checkpoint_tensors(model, clip, vae), saving.described(model))


@node("ModelSave", title="ModelSave", category=CATEGORY, terminal=True, hidden=PROVENANCE)
def model_save(*, model: Model, filename_prefix: str = "diffusion_models/ComfyUI", ctx: Context) -> None:
    """Write a diffusion model alone into the output folder.

    Args:
        model: the diffusion model.
        filename_prefix: begins the name; may name a subfolder.
    """
    from diffusion import saving

    write_model(ctx, filename_prefix, saving.checkpoint_tensors(model, None, None), saving.described(model))


@node("CLIPSave", title="CLIPSave", category=CATEGORY, terminal=True, hidden=PROVENANCE)
def clip_save(*, clip: Clip, filename_prefix: str = "clip/ComfyUI", ctx: Context) -> None:
    """Write text encoders into the output folder, one file each.

    Args:
        clip: the text encoders.
        filename_prefix: begins the names; may name a subfolder.
    """
    from diffusion import saving

    for name, tensors in saving.text_tensors(clip).items():
        kind = name if name == "t5xxl" else f"clip_{name}"
        write_model(ctx, f"{filename_prefix}_{kind}", tensors, {})


@node("VAESave", title="VAESave", category=CATEGORY, terminal=True, hidden=PROVENANCE)
def vae_save(*, vae: Vae, filename_prefix: str = "vae/ComfyUI_vae", ctx: Context) -> None:
    """Write an autoencoder alone into the output folder.

    Args:
        vae: the autoencoder.
        filename_prefix: begins the name; may name a subfolder.
    """
    from diffusion import saving

    write_model(ctx, filename_prefix, saving.autoencoder_tensors(vae), {})


@node(
    "LoraSave", title="Extract and Save Lora", category="_for_testing", terminal=True, hidden=PROVENANCE,
    experimental=True, convention="v3",
)  # fmt: skip
def lora_save(
    *,
    filename_prefix: Line = "loras/ComfyUI_extracted_lora",
    rank: Annotated[int, Range(1, 4096, step=1)] = 8,
    lora_type: Annotated[str, Choice("standard", "full_diff", form="new")],
    bias_diff: bool = True,
    model_diff: Model | None = None,
    text_encoder_diff: Clip | None = None,
    ctx: Context,
) -> None:
    """Write what a difference of two models (ModelMergeSubtract) changes as a LoRA.

    Args:
        filename_prefix: begins the name; may name a subfolder.
        rank: of the LoRA; higher keeps more of the difference.
        lora_type: a LoRA of this rank, or every change whole.
        bias_diff: also keep changes of biases and norms.
        model_diff: the difference of two diffusion models.
        text_encoder_diff: the difference of two models' text encoders.
    """
    from diffusion import extraction

    whole = lora_type == "full_diff"
    tensors: dict[str, Any] = {}
    if model_diff is not None:
        tensors |= extraction.network_difference(model_diff, rank, whole=whole, biases=bias_diff)
    if text_encoder_diff is not None:
        tensors |= extraction.text_difference(text_encoder_diff, rank, whole=whole, biases=bias_diff)
    write_model(ctx, filename_prefix, tensors, {})


def write_model(ctx: Context, prefix: str, tensors: Mapping[str, Any], description: Mapping[str, str]) -> None:
    """Write a model file into the output folder, with the workflow that made it."""
    from diffusion.saving import write_tensors

    metadata = {**description, **embedded_texts(ctx.prompt, ctx.extra_pnginfo)}
    ctx.files.write(prefix, ".safetensors", lambda file: write_tensors(file, tensors, metadata))
