"""The x4 upscaler: a diffusion model that enlarges pictures by what a text says of them."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import Range, node
from nodes.conditioning import with_values
from nodes.sockets import Conditioning, Image, Latent

__all__ = ["EnlargingConditionings", "sd_4x_upscale_conditioning"]


class EnlargingConditionings(NamedTuple):
    """Both conditionings with the small picture attached, and the latent to sample."""

    positive: Conditioning
    negative: Conditioning
    latent: Latent


@node("SD_4XUpscale_Conditioning", title="SD_4XUpscale_Conditioning", category="conditioning/upscale_diffusion")
def sd_4x_upscale_conditioning(
    *,
    images: Image,
    positive: Conditioning,
    negative: Conditioning,
    scale_ratio: Annotated[float, Range(0.0, 10.0, step=0.01)] = 4.0,
    noise_augmentation: Annotated[float, Range(0.0, 1.0, step=0.001)] = 0.0,
) -> EnlargingConditionings:
    """Show the x4 upscaler the pictures it is to enlarge.

    Args:
        images: the small pictures.
        positive: what they show.
        negative: what they do not show.
        scale_ratio: how many times larger the result is; other than 4, the pictures are resized before.
        noise_augmentation: how far the result may stray from them: noise that the model is shown on them.
    """
    from diffusion.enlarging import shown_pictures

    shown, latent = shown_pictures(images, scale_ratio)
    attached = {"concat_image": shown, "noise_augmentation": noise_augmentation}
    return EnlargingConditionings(with_values(positive, **attached), with_values(negative, **attached), latent)
