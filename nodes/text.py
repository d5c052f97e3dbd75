"""Text becomes conditioning."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Range, Text, node
from nodes.sockets import Clip, Conditioning

__all__ = ["clip_set_last_layer", "clip_text_encode", "t5_tokenizer_options"]


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


@node("T5TokenizerOptions", title="T5TokenizerOptions", category="_for_testing/conditioning", experimental=True)
def t5_tokenizer_options(
    *,
    clip: Clip,
    min_padding: Annotated[int, Range(0, 10_000, step=1)] = 0,
    min_length: Annotated[int, Range(0, 10_000, step=1)] = 0,
) -> Clip:
    """Pad the prompts of T5 text encoders otherwise than the model was trained with.

    Args:
        clip: the text encoders; CLIPs are left as they are.
        min_padding: padding after the prompt in any case, in tokens.
        min_length: what shorter prompts are padded to, in tokens.
    """
    return clip.with_padding(min_padding, min_length)
