"""Style models: an encoded picture says how to paint."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Choice, Context, FileIn, Range, node
from nodes.model_files import file_state, model_file
from nodes.sockets import ClipVisionOutput, Conditioning, StyleModel

__all__ = ["style_model_apply", "style_model_loader"]


def style_state(style_model_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen style model in cache keys."""
    return file_state(ctx, "style_models", style_model_name)


@node("StyleModelLoader", title="Load Style Model", category="loaders", fingerprint=style_state)
def style_model_loader(*, style_model_name: Annotated[str, FileIn("style_models")], ctx: Context) -> StyleModel:
    """Load Flux Redux, or a T2I style adapter.

    Args:
        style_model_name: the file, in one of the style model folders.
    """
    from diffusion.vision.style import load_style_model

    return load_style_model(model_file(ctx, "style_models", style_model_name))


@node("StyleModelApply", title="Apply Style Model", category="conditioning/style_model")
def style_model_apply(
    *,
    conditioning: Conditioning,
    style_model: StyleModel,
    clip_vision_output: ClipVisionOutput,
    strength: Annotated[float, Range(0.0, 10.0, step=0.001)] = 1.0,
    strength_type: Annotated[str, Choice("multiply", "attn_bias")],
) -> Conditioning:
    """Add a picture's style to a text, as tokens after those of the text.

    Args:
        conditioning: the text.
        style_model: what makes tokens of the picture.
        clip_vision_output: the picture, encoded by the CLIP vision model that belongs to the style model.
        strength: 1 as the model was trained; 0 without the style.
        strength_type: "multiply" multiplies the tokens; "attn_bias" the attention that Flux pays to them.
    """
    from diffusion.vision.style import with_style

    tokens = style_model.tokens(clip_vision_output)
    return with_style(conditioning, tokens, strength, bias=strength_type == "attn_bias")
