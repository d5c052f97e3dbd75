"""Text conditioning of model families that read more than one prompt, or sizes beside it."""

from __future__ import annotations

from typing import Annotated, Any

from graph_runtime.api import Choice, Range, Text, node
from nodes.conditioning import with_values
from nodes.sockets import MAX_RESOLUTION, Clip, Conditioning

__all__ = [
    "clip_text_encode_flux",
    "clip_text_encode_sd3",
    "clip_text_encode_sdxl",
    "clip_text_encode_sdxl_refiner",
]

Prompt = Annotated[str, Text(multiline=True, dynamic_prompts=True)]
Pixels = Annotated[int, Range(0, MAX_RESOLUTION)]


@node("CLIPTextEncodeSDXL", title="CLIP Text Encode SDXL", category="advanced/conditioning")
def clip_text_encode_sdxl(
    *,
    clip: Clip,
    width: Pixels = 1024,
    height: Pixels = 1024,
    crop_w: Pixels = 0,
    crop_h: Pixels = 0,
    target_width: Pixels = 1024,
    target_height: Pixels = 1024,
    text_g: Prompt,
    text_l: Prompt,
) -> Conditioning:
    """Encode one prompt for each of SDXL's text encoders, with the sizes it was trained on.

    Args:
        clip: SDXL's text encoders.
        width: of the picture this should look taken from, in pixels.
        height: of that picture.
        crop_w: how far its left edge was cut.
        crop_h: how far its upper edge was cut.
        target_width: of the picture to make.
        target_height: of the picture to make.
        text_g: prompt for the large encoder.
        text_l: prompt for the small encoder.
    """
    return with_values(
        clip.encode_parts({"g": text_g, "l": text_l}),
        width=width, height=height, crop_w=crop_w, crop_h=crop_h, target_width=target_width,
        target_height=target_height,
    )  # fmt: skip


@node("CLIPTextEncodeSDXLRefiner", title="CLIP Text Encode SDXL Refiner", category="advanced/conditioning")
def clip_text_encode_sdxl_refiner(
    *,
    ascore: Annotated[float, Range(0.0, 1000.0, step=0.01)] = 6.0,
    width: Pixels = 1024,
    height: Pixels = 1024,
    text: Prompt,
    clip: Clip,
) -> Conditioning:
    """Encode a prompt for SDXL's refiner, with the beauty it should aim at.

    Args:
        ascore: aesthetic score; about 6 for the positive, 2.5 for the negative prompt.
        width: of the picture in pixels.
        height: of the picture in pixels.
        text: the prompt.
        clip: the refiner's text encoder.
    """
    return with_values(clip.encode(text), aesthetic_score=ascore, width=width, height=height)


@node("CLIPTextEncodeSD3", title="CLIP Text Encode SD3", category="advanced/conditioning")
def clip_text_encode_sd3(
    *,
    clip: Clip,
    clip_l: Prompt,
    clip_g: Prompt,
    t5xxl: Prompt,
    empty_padding: Annotated[str, Choice("none", "empty_prompt", form="new")],
) -> Conditioning:
    """Encode one prompt for each of SD3's text encoders.

    Args:
        clip: SD3's text encoders.
        clip_l: prompt for the small CLIP.
        clip_g: prompt for the large CLIP.
        t5xxl: prompt for T5.
        empty_padding: what an empty prompt means: "none" leaves that encoder out, "empty_prompt" lets it read nothing.
    """
    texts = {"l": clip_l, "g": clip_g, "t5xxl": t5xxl}
    encoded: list[Any] = clip.encode_parts(texts, drop_empty=empty_padding == "none")
    return encoded


@node("CLIPTextEncodeFlux", title="CLIP Text Encode Flux", category="advanced/conditioning/flux")
def clip_text_encode_flux(
    *,
    clip: Clip,
    clip_l: Prompt,
    t5xxl: Prompt,
    guidance: Annotated[float, Range(0.0, 100.0, step=0.1)] = 3.5,
) -> Conditioning:
    """Encode one prompt for each of Flux's text encoders.

    Args:
        clip: Flux's text encoders.
        clip_l: prompt for CLIP, which sets the overall look.
        t5xxl: prompt for T5, which says what is where.
        guidance: how strongly the text is followed.
    """
    return with_values(clip.encode_parts({"l": clip_l, "t5xxl": t5xxl}), guidance=guidance)
