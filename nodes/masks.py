"""Masks: from images and to images, and their shapes."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Choice, Context, FileIn, HeddleError, Range, node
from nodes.image_io import PROVENANCE, picture_digest, picture_exists, preview_image
from nodes.pictures import read_picture
from nodes.sockets import MAX_RESOLUTION, Image, Mask

__all__ = [
    "crop_mask",
    "feather_mask",
    "grow_mask",
    "image_color_to_mask",
    "image_to_mask",
    "invert_mask",
    "load_image_mask",
    "mask_composite",
    "mask_preview",
    "mask_to_image",
    "solid_mask",
    "threshold_mask",
]

Pixels = Annotated[int, Range(0, MAX_RESOLUTION, step=1)]
SomePixels = Annotated[int, Range(1, MAX_RESOLUTION, step=1)]
Share = Annotated[float, Range(0, 1, step=0.01)]
_CHANNELS = ("red", "green", "blue", "alpha")


@node(
    "LoadImageMask",
    title="Load Image (as Mask)",
    category="mask",
    device=False,
    fingerprint=picture_digest,
    validate=picture_exists,
)
def load_image_mask(
    *,
    image: Annotated[str, FileIn("input/image", upload="image")],
    channel: Annotated[str, Choice("alpha", "red", "green", "blue")],
    ctx: Context,
) -> Mask:
    """Read one channel of a picture file as a mask.

    Args:
        image: the file, in the input folder.
        channel: which one; for alpha, transparent is selected.
    """
    import torch

    picture = read_picture(ctx.folders.annotated(image))
    if channel != "alpha":
        return torch.from_numpy(picture.images[:1, :, :, _CHANNELS.index(channel)].copy())
    mask = torch.from_numpy(picture.masks[:1])
    height, width = picture.images.shape[1:3]
    return mask if mask.shape[1:] == (height, width) else torch.zeros(1, height, width)


@node("MaskToImage", title="Convert Mask to Image", category="mask", device=False)
def mask_to_image(*, mask: Mask) -> Image:
    """Show masks as grey images.

    Args:
        mask: the masks.
    """
    from diffusion.pixels.planes import as_masks

    return as_masks(mask).unsqueeze(-1).expand(-1, -1, -1, 3)


@node("ImageToMask", title="Convert Image to Mask", category="mask", device=False)
def image_to_mask(*, image: Image, channel: Annotated[str, Choice(_CHANNELS)]) -> Mask:
    """Take one channel of images as masks.

    Args:
        image: the images.
        channel: which one.
    """
    index = _CHANNELS.index(channel)
    if index >= image.shape[-1]:
        raise HeddleError(
            f"The images have {image.shape[-1]} channels, so there is no {channel}.",
            fix="Choose red, green or blue, or join an alpha channel first.",
        )
    return image[..., index]


@node("ImageColorToMask", title="ImageColorToMask", category="mask", device=False)
def image_color_to_mask(*, image: Image, color: Annotated[int, Range(0, 0xFFFFFF, step=1)] = 0) -> Mask:
    """Select the pixels that have one exact colour.

    Args:
        image: the images.
        color: red · 65536 + green · 256 + blue, each 0 to 255.
    """
    from diffusion.pixels.masks import of_color

    return of_color(image, color)


@node("SolidMask", title="SolidMask", category="mask", device=False)
def solid_mask(*, value: Share = 1.0, width: SomePixels = 512, height: SomePixels = 512) -> Mask:
    """Make a mask with one value everywhere.

    Args:
        value: 1 selects everything, 0 nothing.
        width: in pixels.
        height: in pixels.
    """
    import torch

    return torch.full((1, height, width), value, dtype=torch.float32)


@node("InvertMask", title="InvertMask", category="mask", device=False)
def invert_mask(*, mask: Mask) -> Mask:
    """Select what was not selected.

    Args:
        mask: the masks.
    """
    return 1.0 - mask


@node("CropMask", title="CropMask", category="mask", device=False)
def crop_mask(*, mask: Mask, x: Pixels = 0, y: Pixels = 0, width: SomePixels = 512, height: SomePixels = 512) -> Mask:
    """Cut a rectangle out of masks.

    Args:
        mask: the masks.
        x: left side of the rectangle, in pixels.
        y: upper side of the rectangle, in pixels.
        width: of the rectangle; what reaches beyond the mask is left out.
        height: of the rectangle.
    """
    from diffusion.pixels.planes import as_masks

    return as_masks(mask)[:, y : y + height, x : x + width]


@node("MaskComposite", title="MaskComposite", category="mask", device=False)
def mask_composite(
    *,
    destination: Mask,
    source: Mask,
    x: Pixels = 0,
    y: Pixels = 0,
    operation: Annotated[str, Choice("multiply", "add", "subtract", "and", "or", "xor")],
) -> Mask:
    """Combine masks.

    Args:
        destination: the lower masks; they set the size.
        source: the masks that are laid over them.
        x: where, in pixels.
        y: where, in pixels.
        operation: how values combine; and, or, xor round them to 0 or 1 first.
    """
    from diffusion.pixels.masks import combine

    return combine(destination, source, x, y, operation)


@node("FeatherMask", title="FeatherMask", category="mask", device=False)
def feather_mask(*, mask: Mask, left: Pixels = 0, top: Pixels = 0, right: Pixels = 0, bottom: Pixels = 0) -> Mask:
    """Fade masks out towards their borders.

    Args:
        mask: the masks.
        left: over how many pixels on this side.
        top: over how many pixels on this side.
        right: over how many pixels on this side.
        bottom: over how many pixels on this side.
    """
    from diffusion.pixels.masks import feather

    return feather(mask, left, top, right, bottom)


@node("GrowMask", title="Grow Mask", category="mask", device=False)
def grow_mask(
    *,
    mask: Mask,
    expand: Annotated[int, Range(-MAX_RESOLUTION, MAX_RESOLUTION, step=1)] = 0,
    tapered_corners: bool = True,
) -> Mask:
    """Grow what is selected, or shrink it.

    Args:
        mask: the masks.
        expand: by how many pixels; negative numbers shrink.
        tapered_corners: in diamonds rather than squares.
    """
    from diffusion.pixels.masks import grow

    return grow(mask, expand, tapered=tapered_corners)


@node("ThresholdMask", title="ThresholdMask", category="mask", device=False)
def threshold_mask(*, mask: Mask, value: Share = 0.5) -> Mask:
    """Turn masks into plain yes and no.

    Args:
        mask: the masks.
        value: what is larger becomes 1, the rest 0.
    """
    return (mask > value).float()


@node("MaskPreview", title="Preview Mask", category="mask", terminal=True, device=False, hidden=PROVENANCE)
def mask_preview(*, mask: Mask, ctx: Context) -> None:
    """Show masks as grey images without keeping them.

    Args:
        mask: the masks.
    """
    preview_image(images=mask_to_image(mask=mask), ctx=ctx)
