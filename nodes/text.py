"""Text becomes conditioning."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Range, Text, node
from nodes.sockets import Clip, Conditioning

__all__ = ["clip_set_last_layer", "clip_text_encode"]


@node("CLIPTextEncode", title="CLIP Text Encode (Prompt)", category="conditioning")
def clip_text_encode(
    *,
    text: Annotated[str, Text(multiline=True, dynamic_prompts=True)],
    clip: Clip,
) -> Conditioning:
    """Encode a prompt with a text encoder, so that it can guide a model.

    Args:
        text: what to paint, or to avoid; `(words:1.3)` weighs words, `embedding:name` inserts a learned one.
        clip: the text encoder.
    """
    if clip is None:
        raise ValueError(
            "This checkpoint contains no text encoder, so the text cannot be encoded. "
            "Load one with a CLIP loader node and connect it here."
        )
    return clip.encode(text)


@node("CLIPSetLastLayer", title="CLIP Set Last Layer", category="conditioning")
def clip_set_last_layer(
    *,
    clip: Clip,
    stop_at_clip_layer: Annotated[int, Range(-24, -1, step=1)] = -1,
) -> Clip:
    """Take a text encoder's output from an earlier layer ("clip skip").

    Args:
        clip: the text encoder.
        stop_at_clip_layer: the layer counted from the end; -1 is the last.
    """
    return clip.clip_layer(stop_at_clip_layer)
