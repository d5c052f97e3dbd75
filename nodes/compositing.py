"""Putting pictures together, and their alpha channels."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import Choice, Range, node
from nodes.sockets import MAX_RESOLUTION, Image, Mask

__all__ = [
    "image_composite_masked",
    "join_image_with_alpha",
    "porter_duff_image_composite",
    "split_image_with_alpha",
]

Pixels = Annotated[int, Range(0, MAX_RESOLUTION, step=1)]
_MODES = (
    "ADD", "CLEAR", "DARKEN", "DST", "DST_ATOP", "DST_IN", "DST_OUT", "DST_OVER", "LIGHTEN", "MULTIPLY", "OVERLAY",
    "SCREEN", "SRC", "SRC_ATOP", "SRC_IN", "SRC_OUT", "SRC_OVER", "XOR",
)  # fmt: skip


class Cutout(NamedTuple):
    """Images and where they are transparent."""

    IMAGE: Image
    MASK: Mask


@node("ImageCompositeMasked", title="ImageCompositeMasked", category="image", device=False)
def image_composite_masked(
    *,
    destination: Image,
    source: Image,
    x: Pixels = 0,
    y: Pixels = 0,
    resize_source: bool = False,
    mask: Mask | None = None,
) -> Image:
    """Paste images into others through a mask.

    Args:
        destination: the lower images; they set the size.
        source: the images that are pasted.
        x: where their left side goes, in pixels.
        y: where their upper side goes, in pixels.
        resize_source: stretch them over the whole destination first.
        mask: what of them is shown; stretched to their size.
    """
    from diffusion.pixels.compositing import paste_image

    return paste_image(destination, source, x, y, mask, stretch=resize_source)


@node("PorterDuffImageComposite", title="Porter-Duff Image Composite", category="mask/compositing", device=False)
def porter_duff_image_composite(
    *,
    source: Image,
    source_alpha: Mask,
    destination: Image,
    destination_alpha: Mask,
    mode: Annotated[str, Choice(_MODES, form="new")] = "DST",
) -> Cutout:
    """Compose two pictures that are transparent in places.

    Args:
        source: the upper images.
        source_alpha: 1 where they are transparent.
        destination: the lower images; they set the size.
        destination_alpha: 1 where they are transparent.
        mode: which parts show, and how they mix.
    """
    from diffusion.pixels.compositing import porter_duff

    return Cutout(*porter_duff(source, source_alpha, destination, destination_alpha, mode))


@node("SplitImageWithAlpha", title="Split Image with Alpha", category="mask/compositing", device=False)
def split_image_with_alpha(*, image: Image) -> Cutout:
    """Take the alpha channel off images.

    Args:
        image: the images; without an alpha channel nothing is transparent.
    """
    alpha = image[..., 3] if image.shape[-1] > 3 else image.new_ones(image.shape[:3])
    return Cutout(image[..., :3], 1.0 - alpha)


@node("JoinImageWithAlpha", title="Join Image with Alpha", category="mask/compositing", device=False)
def join_image_with_alpha(*, image: Image, alpha: Mask) -> Image:
    """Give images an alpha channel.

    Args:
        image: the images; of a longer batch, those without a mask are left out.
        alpha: 1 where they become transparent; stretched to their size.
    """
    import torch
    import torch.nn.functional as functional

    from diffusion.pixels.planes import mask_planes

    count = min(len(image), len(alpha))
    fitted = functional.interpolate(mask_planes(alpha), size=image.shape[1:3], mode="bilinear")
    return torch.cat([image[:count, ..., :3], 1.0 - fitted[:count].movedim(1, -1)], dim=-1)
