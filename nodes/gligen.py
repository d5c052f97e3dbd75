"""GLIGEN: texts in boxes."""

from __future__ import annotations

from typing import Annotated, Any

from graph_runtime.api import Context, FileIn, HeddleError, Range, Socket, Text, node
from nodes.model_files import file_state, model_file
from nodes.sockets import MAX_RESOLUTION, Clip, Conditioning

__all__ = ["gligen_loader", "gligen_text_box_apply"]

Gligen = Annotated[Any, Socket("GLIGEN", "places texts in boxes")]
Side = Annotated[int, Range(8, MAX_RESOLUTION, step=8)]
Offset = Annotated[int, Range(0, MAX_RESOLUTION, step=8)]
CELL = 8  # pixels of a latent cell


def gligen_state(gligen_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen GLIGEN model in cache keys."""
    return file_state(ctx, "gligen", gligen_name)


@node("GLIGENLoader", title="Load GLIGEN Model", category="loaders", fingerprint=gligen_state)
def gligen_loader(*, gligen_name: Annotated[str, FileIn("gligen")], ctx: Context) -> Gligen:
    """Load a GLIGEN model for text boxes.

    Args:
        gligen_name: the file, in one of the GLIGEN folders.
    """
    from diffusion.grounding import load_gligen

    return load_gligen(model_file(ctx, "gligen", gligen_name))


@node("GLIGENTextBoxApply", title="GLIGEN Text Box", category="conditioning/gligen")
def gligen_text_box_apply(
    *,
    conditioning_to: Conditioning,
    clip: Clip,
    gligen_textbox_model: Gligen,
    text: Annotated[str, Text(multiline=True, dynamic_prompts=True)],
    width: Side = 64,
    height: Side = 64,
    x: Offset = 0,
    y: Offset = 0,
) -> Conditioning:
    """Say where in the picture a part of the prompt goes; use it several times for several boxes.

    Args:
        conditioning_to: the whole prompt.
        clip: the text encoder.
        gligen_textbox_model: what places texts.
        text: what the box shows.
        width: of the box, in pixels.
        height: of the box, in pixels.
        x: of its left side, in pixels.
        y: of its upper side, in pixels.
    """
    from diffusion.grounding import phrase_vector

    phrase = phrase_vector(clip, text)
    if phrase is None:
        raise HeddleError(
            "This text encoder has no pooled vector, which GLIGEN reads.",
            fix="Use the CLIP of a Stable Diffusion 1 or 2 checkpoint.",
        )
    box = (phrase, height // CELL, width // CELL, y // CELL, x // CELL)
    return [
        [
            embedding,
            {**options, "gligen": ("position", gligen_textbox_model, [*options.get("gligen", ((),) * 3)[2], box])},
        ]
        for embedding, options in conditioning_to
    ]
