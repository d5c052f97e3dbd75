"""LoRA: small files that change what a model has learned."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import Context, FileIn, Range, node
from nodes.model_files import file_state, model_file
from nodes.sockets import Clip, Model

__all__ = ["Changed", "lora_loader", "lora_loader_model_only"]

LoraFile = Annotated[str, FileIn("loras")]
Strength = Annotated[float, Range(-100.0, 100.0, step=0.01)]


class Changed(NamedTuple):
    """The model and its text encoder with the change applied."""

    MODEL: Model
    CLIP: Clip


def lora_state(lora_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen LoRA in cache keys."""
    return file_state(ctx, "loras", lora_name)


@node("LoraLoader", title="Load LoRA", category="loaders", fingerprint=lora_state)
def lora_loader(
    *,
    model: Model,
    clip: Clip,
    lora_name: LoraFile,
    strength_model: Strength = 1.0,
    strength_clip: Strength = 1.0,
    ctx: Context,
) -> Changed:
    """Apply a LoRA to a model and its text encoder; several can be applied one after the other.

    Args:
        model: the diffusion model.
        clip: its text encoder.
        lora_name: the file, in one of the LoRA folders.
        strength_model: how strongly the model changes; negative turns the change around, 0 leaves it.
        strength_clip: how strongly the text encoder changes.
    """
    if strength_model == 0 and strength_clip == 0:
        return Changed(model, clip)
    from diffusion.lora import apply_lora, read_lora

    lora = read_lora(model_file(ctx, "loras", lora_name))
    return Changed(*apply_lora(lora, model, clip, strength_model, strength_clip))


@node("LoraLoaderModelOnly", title="Load LoRA (Model Only)", category="loaders", fingerprint=lora_state)
def lora_loader_model_only(*, model: Model, lora_name: LoraFile, strength_model: Strength = 1.0, ctx: Context) -> Model:
    """Apply a LoRA to a model, but not to its text encoder.

    Args:
        model: the diffusion model.
        lora_name: the file, in one of the LoRA folders.
        strength_model: how strongly the model changes; negative turns the change around, 0 leaves it.
    """
    if strength_model == 0:
        return model
    from diffusion.lora import apply_lora, read_lora

    changed, _ = apply_lora(read_lora(model_file(ctx, "loras", lora_name)), model, None, strength_model, 0.0)
    return changed
