"""Model patches: small networks beside a diffusion model."""

from __future__ import annotations

from typing import Annotated, Any

from graph_runtime.api import Context, FileIn, Socket, node
from nodes.model_files import file_state, model_file
from nodes.sockets import ClipVisionOutput, Model

__all__ = ["model_patch_loader", "uso_style_reference"]

ModelPatch = Annotated[Any, Socket("MODEL_PATCH", "a small network beside a diffusion model")]


def patch_state(name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen file in cache keys."""
    return file_state(ctx, "model_patches", name)


@node(
    "ModelPatchLoader", title="Load Model Patch", category="advanced/loaders", experimental=True,
    fingerprint=patch_state,
)  # fmt: skip
def model_patch_loader(*, name: Annotated[str, FileIn("model_patches")], ctx: Context) -> ModelPatch:
    """Load the style projector of USO, for Flux.

    Args:
        name: the file, in one of the model patch folders.
    """
    from diffusion.vision.style_projector import load_style_projector

    return load_style_projector(model_file(ctx, "model_patches", name))


@node("USOStyleReference", title="USO Style Reference", category="advanced/model_patches/flux", experimental=True)
def uso_style_reference(*, model: Model, model_patch: ModelPatch, clip_vision_output: ClipVisionOutput) -> Model:
    """Let Flux paint in the style of a picture.

    Args:
        model: Flux dev, as a rule with USO's LoRA.
        model_patch: the style projector.
        clip_vision_output: the picture, encoded by SigLIP.
    """
    return model_patch.applied(model, clip_vision_output)
