"""Sizes and places: scaling, cropping, turning, padding and stitching images."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

from graph_runtime.api import Choice, Range, node
from nodes.sockets import MAX_RESOLUTION, Image, Mask

__all__ = [
    "flux_kontext_image_scale",
    "image_crop",
    "image_flip",
    "image_pad_for_outpaint",
    "image_rotate",
    "image_scale",
    "image_scale_by",
    "image_scale_to_max_dimension",
    "image_scale_to_total_pixels",
    "image_stitch",
    "resize_and_pad_image",
]

METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
CROPS = ("disabled", "center")
FLIPS = ("x-axis: vertically", "y-axis: horizontally")
ROTATIONS = ("none", "90 degrees", "180 degrees", "270 degrees")
Pixels = Annotated[int, Range(0, MAX_RESOLUTION, step=1)]
SomePixels = Annotated[int, Range(1, MAX_RESOLUTION, step=1)]
Border = Annotated[int, Range(0, MAX_RESOLUTION, step=8)]
Colour = tuple[float, float, float]

_STITCH_COLORS: dict[str, Colour] = {
    "white": (1, 1, 1),
    "black": (0, 0, 0),
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
}
_KONTEXT_SIZES = (
    (672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104),
    (1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688),
    (1568, 672),
)  # fmt: skip


class Padded(NamedTuple):
    """Images with a border, and where it is."""

    IMAGE: Image
    MASK: Mask


@node("ImageScale", title="Upscale Image", category="image/upscaling", device=False)
def image_scale(
    *,
    image: Image,
    upscale_method: Annotated[str, Choice(METHODS)],
    width: Pixels = 512,
    height: Pixels = 512,
    crop: Annotated[str, Choice(CROPS)],
) -> Image:
    """Resize images to a width and a height.

    Args:
        image: the images.
        upscale_method: how pixels are made from others.
        width: in pixels; 0 keeps the proportions.
        height: in pixels; 0 keeps the proportions; both 0 change nothing.
        crop: trim the longer side around the middle rather than distort.
    """
    if width == 0 and height == 0:
        return image
    from diffusion.pixels.planes import resize_image

    if width == 0:
        width = max(1, round(image.shape[2] * height / image.shape[1]))
    elif height == 0:
        height = max(1, round(image.shape[1] * width / image.shape[2]))
    return resize_image(image, width, height, upscale_method, crop)


@node("ImageScaleBy", title="Upscale Image By", category="image/upscaling", device=False)
def image_scale_by(
    *,
    image: Image,
    upscale_method: Annotated[str, Choice(METHODS)],
    scale_by: Annotated[float, Range(0.01, 8.0, step=0.01)] = 1.0,
) -> Image:
    """Resize images by a factor.

    Args:
        image: the images.
        upscale_method: how pixels are made from others.
        scale_by: 2 doubles width and height.
    """
    from diffusion.pixels.planes import resize_image

    width, height = round(image.shape[2] * scale_by), round(image.shape[1] * scale_by)
    return resize_image(image, max(1, width), max(1, height), upscale_method)


@node("ImageScaleToTotalPixels", title="Scale Image to Total Pixels", category="image/upscaling", device=False)
def image_scale_to_total_pixels(
    *,
    image: Image,
    upscale_method: Annotated[str, Choice(METHODS, form="new")],
    megapixels: Annotated[float, Range(0.01, 16.0, step=0.01)] = 1.0,
) -> Image:
    """Resize images so that they have a number of pixels, keeping their proportions.

    Args:
        image: the images.
        upscale_method: how pixels are made from others.
        megapixels: in units of 1024 · 1024 pixels.
    """
    from diffusion.pixels.planes import resize_image

    height, width = image.shape[1:3]
    factor = math.sqrt(int(megapixels * 1024 * 1024) / (width * height))
    return resize_image(image, max(1, round(width * factor)), max(1, round(height * factor)), upscale_method)


@node("ImageScaleToMaxDimension", title="ImageScaleToMaxDimension", category="image/upscaling", device=False)
def image_scale_to_max_dimension(
    *,
    image: Image,
    upscale_method: Annotated[str, Choice("area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic")],
    largest_size: Pixels = 512,
) -> Image:
    """Resize images so that their longer side has a length.

    Args:
        image: the images.
        upscale_method: how pixels are made from others.
        largest_size: of the longer side, in pixels.
    """
    from diffusion.pixels.planes import resize_image

    height, width = image.shape[1:3]
    if height > width:
        width, height = round(width / height * largest_size), largest_size
    elif width > height:
        width, height = largest_size, round(height / width * largest_size)
    else:
        width = height = largest_size
    return resize_image(image, max(1, width), max(1, height), upscale_method)


@node("ResizeAndPadImage", title="ResizeAndPadImage", category="image/transform", device=False)
def resize_and_pad_image(
    *,
    image: Image,
    target_width: SomePixels = 512,
    target_height: SomePixels = 512,
    padding_color: Annotated[str, Choice("white", "black")],
    interpolation: Annotated[str, Choice("area", "bicubic", "nearest-exact", "bilinear", "lanczos")],
) -> Image:
    """Fit images into a frame without distorting them; what is left of the frame is filled.

    Args:
        image: the images.
        target_width: of the frame, in pixels.
        target_height: of the frame, in pixels.
        padding_color: fills what is left.
        interpolation: how pixels are made from others.
    """
    from diffusion.pixels.planes import resize_image

    batch, height, width, channels = image.shape
    factor = min(target_width / width, target_height / height)
    new_width, new_height = max(1, int(width * factor)), max(1, int(height * factor))
    frame = image.new_full((batch, target_height, target_width, channels), 1.0 if padding_color == "white" else 0.0)
    top, left = (target_height - new_height) // 2, (target_width - new_width) // 2
    fitted = resize_image(image, new_width, new_height, interpolation)
    frame[:, top : top + new_height, left : left + new_width] = fitted
    return frame


@node("ImageCrop", title="Image Crop", category="image/transform", device=False)
def image_crop(
    *, image: Image, width: SomePixels = 512, height: SomePixels = 512, x: Pixels = 0, y: Pixels = 0
) -> Image:
    """Cut a rectangle out of images.

    Args:
        image: the images.
        width: of the rectangle; what reaches beyond the picture is left out.
        height: of the rectangle.
        x: its left side, in pixels.
        y: its upper side, in pixels.
    """
    x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    return image[:, y : y + height, x : x + width, :]


@node("ImageFlip", title="ImageFlip", category="image/transform", device=False)
def image_flip(*, image: Image, flip_method: Annotated[str, Choice(FLIPS)]) -> Image:
    """Mirror images.

    Args:
        image: the images.
        flip_method: upside down, or left and right.
    """
    return image.flip(1 if flip_method.startswith("x") else 2)


@node("ImageRotate", title="ImageRotate", category="image/transform", device=False)
def image_rotate(*, image: Image, rotation: Annotated[str, Choice(ROTATIONS)]) -> Image:
    """Turn images clockwise.

    Args:
        image: the images.
        rotation: by how much.
    """
    return image.rot90(ROTATIONS.index(rotation), dims=(2, 1))


@node("ImagePadForOutpaint", title="Pad Image for Outpainting", category="image", device=False)
def image_pad_for_outpaint(
    *,
    image: Image,
    left: Border = 0,
    top: Border = 0,
    right: Border = 0,
    bottom: Border = 0,
    feathering: Pixels = 40,
) -> Padded:
    """Surround images with a grey border, and mark it for painting.

    Args:
        image: the images.
        left: width of the border on this side, in pixels.
        top: width of the border on this side, in pixels.
        right: width of the border on this side, in pixels.
        bottom: width of the border on this side, in pixels.
        feathering: how far the mask fades into the picture, in pixels.
    """
    from diffusion.pixels.compositing import pad_for_outpainting

    return Padded(*pad_for_outpainting(image, left, top, right, bottom, feathering))


@node("ImageStitch", title="Image Stitch", category="image/transform", device=False)
def image_stitch(
    *,
    image1: Image,
    direction: Annotated[str, Choice("right", "down", "left", "up")] = "right",
    match_image_size: bool = True,
    spacing_width: Annotated[int, Range(0, 1024, step=2)] = 0,
    spacing_color: Annotated[str, Choice("white", "black", "red", "green", "blue")] = "white",
    image2: Image | None = None,
) -> Image:
    """Put images side by side.

    Args:
        image1: the images that stay where they are.
        direction: where the second images go.
        match_image_size: resize the second images to the shared side's length; else the shorter are padded.
        spacing_width: of the gap between them, in pixels; odd widths get one more.
        spacing_color: of the gap and, where it is white or black, of the padding.
        image2: the images beside them; without any, the first are passed on.
    """
    if image2 is None:
        return image1
    from diffusion.pixels.compositing import stitch

    return stitch(
        image1, image2, direction, match_image_size, spacing_width + spacing_width % 2, _STITCH_COLORS[spacing_color]
    )


@node("FluxKontextImageScale", title="FluxKontextImageScale", category="advanced/conditioning/flux", device=False)
def flux_kontext_image_scale(*, image: Image) -> Image:
    """Resize images to whichever of the sizes that Flux Kontext was trained on is nearest in proportion.

    Args:
        image: the images.
    """
    from diffusion.pixels.planes import resize_image

    aspect = image.shape[2] / image.shape[1]
    width, height = min(_KONTEXT_SIZES, key=lambda size: abs(aspect - size[0] / size[1]))
    return resize_image(image, width, height, "lanczos", "center")
