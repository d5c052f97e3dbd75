"""Effects on images: blending, blur, sharpening, fewer colours, edges, morphology."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Choice, Range, node
from nodes.sockets import Image

__all__ = [
    "canny",
    "image_blend",
    "image_blur",
    "image_quantize",
    "image_sharpen",
    "morphology",
]

_CATEGORY = "image/postprocessing"
Radius = Annotated[int, Range(1, 31, step=1)]
Share = Annotated[float, Range(0, 1, step=0.01)]


@node("ImageBlend", title="Image Blend", category=_CATEGORY, device=False)
def image_blend(
    *,
    image1: Image,
    image2: Image,
    blend_factor: Share = 0.5,
    blend_mode: Annotated[
        str, Choice("normal", "multiply", "screen", "overlay", "soft_light", "difference", form="new")
    ],
) -> Image:
    """Mix two images.

    Args:
        image1: the lower images; they set the size.
        image2: the upper images, brought to that size and trimmed around the middle.
        blend_factor: 0 shows the lower image, 1 the mixture.
        blend_mode: how they mix.
    """
    from diffusion.pixels.compositing import blend

    return blend(image1, image2, blend_factor, blend_mode)


@node("ImageBlur", title="Image Blur", category=_CATEGORY, device=False)
def image_blur(
    *, image: Image, blur_radius: Radius = 1, sigma: Annotated[float, Range(0.1, 10, step=0.1)] = 1.0
) -> Image:
    """Blur images.

    Args:
        image: the images.
        blur_radius: how far it reaches, in pixels.
        sigma: how flat the bell is; small values blur less than the radius allows.
    """
    from diffusion.pixels.filters import blur

    return blur(image, blur_radius, sigma)


@node("ImageSharpen", title="Image Sharpen", category=_CATEGORY, device=False)
def image_sharpen(
    *,
    image: Image,
    sharpen_radius: Radius = 1,
    sigma: Annotated[float, Range(0.1, 10, step=0.01)] = 1.0,
    alpha: Annotated[float, Range(0, 5, step=0.01)] = 1.0,
) -> Image:
    """Sharpen images.

    Args:
        image: the images.
        sharpen_radius: size of the details, in pixels.
        sigma: how flat the bell is that details are measured with.
        alpha: how strongly they are raised.
    """
    from diffusion.pixels.filters import sharpen

    return sharpen(image, sharpen_radius, sigma, alpha)


@node("ImageQuantize", title="Image Quantize", category=_CATEGORY, device=False)
def image_quantize(
    *,
    image: Image,
    colors: Annotated[int, Range(1, 256, step=1)] = 256,
    dither: Annotated[str, Choice("none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16", form="new")],
) -> Image:
    """Reduce images to few colours.

    Args:
        image: the images; each gets a palette of its own.
        colors: size of the palette.
        dither: how colours in between are imitated.
    """
    from diffusion.pixels.quantizing import quantize

    return quantize(image, colors, dither)


@node("Morphology", title="ImageMorphology", category=_CATEGORY, device=False)
def morphology(
    *,
    image: Image,
    operation: Annotated[
        str, Choice("erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat", form="new")
    ],
    kernel_size: Annotated[int, Range(3, 999, step=1)] = 3,
) -> Image:
    """Grow or shrink bright areas.

    Args:
        image: the images.
        operation: shrink, grow, both in one order or the other, or the difference that they make.
        kernel_size: side of the square that they are measured with, in pixels.
    """
    from diffusion.pixels.filters import morphology as apply

    return apply(image, operation, kernel_size)


@node("Canny", title="Canny", category="image/preprocessors", device=False)
def canny(
    *,
    image: Image,
    low_threshold: Annotated[float, Range(0.01, 0.99, step=0.01)] = 0.4,
    high_threshold: Annotated[float, Range(0.01, 0.99, step=0.01)] = 0.8,
) -> Image:
    """Draw the edges of images as white lines on black.

    Args:
        image: the images.
        low_threshold: weaker edges are left out.
        high_threshold: stronger edges are drawn, and those between if they touch one.
    """
    from diffusion.pixels.edges import canny as edges

    return edges(image, low_threshold, high_threshold)
