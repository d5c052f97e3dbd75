"""Images as batches: making, joining, cutting, measuring and inverting them."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import Context, Many, Range, Seed, node
from nodes.sockets import MAX_RESOLUTION, Image

__all__ = [
    "empty_image",
    "get_image_size",
    "image_add_noise",
    "image_batch",
    "image_from_batch",
    "image_invert",
    "image_rgb_to_yuv",
    "image_yuv_to_rgb",
    "rebatch_images",
    "repeat_image_batch",
]


class Size(NamedTuple):
    """How large images are."""

    width: int
    height: int
    batch_size: int


class Planes(NamedTuple):
    """Brightness and the two colour differences, each as a grey picture."""

    Y: Image
    U: Image
    V: Image


@node("EmptyImage", title="EmptyImage", category="image", device=False)
def empty_image(
    *,
    width: Annotated[int, Range(1, MAX_RESOLUTION, step=1)] = 512,
    height: Annotated[int, Range(1, MAX_RESOLUTION, step=1)] = 512,
    batch_size: Annotated[int, Range(1, 4096)] = 1,
    color: Annotated[int, Range(0, 0xFFFFFF, step=1)] = 0,
) -> Image:
    """Make images of one colour.

    Args:
        width: in pixels.
        height: in pixels.
        batch_size: how many.
        color: red · 65536 + green · 256 + blue, each 0 to 255.
    """
    import torch

    levels = torch.tensor([(color >> shift & 0xFF) / 0xFF for shift in (16, 8, 0)])
    return levels.expand(batch_size, height, width, 3).contiguous()


@node("ImageInvert", title="Invert Image", category="image", device=False)
def image_invert(*, image: Image) -> Image:
    """Turn every colour into its opposite.

    Args:
        image: the images.
    """
    return 1.0 - image


@node("ImageBatch", title="Batch Images", category="image", device=False)
def image_batch(*, image1: Image, image2: Image) -> Image:
    """Put two batches of images into one.

    Args:
        image1: the first images; they set the size.
        image2: the images after them, brought to that size and trimmed around the middle.
    """
    import torch

    from diffusion.pixels import planes

    image1, image2 = planes.match_channels(image1, image2)
    if image1.shape[1:] != image2.shape[1:]:
        image2 = planes.resize_image(image2, image1.shape[2], image1.shape[1], "bilinear", "center")
    return torch.cat([image1, image2])


@node("RebatchImages", title="Rebatch Images", category="image/batch", device=False)
def rebatch_images(*, images: Many[Image], batch_size: Annotated[int, Range(1, 4096)] = 1) -> list[Image]:
    """Deal images out into batches of another size.

    Args:
        images: all images of all lists.
        batch_size: how many a batch holds; the last may hold fewer.
    """
    import torch

    singles = [one for batch in images for one in batch.split(1)]
    return [torch.cat(singles[start : start + batch_size]) for start in range(0, len(singles), batch_size)]


@node("ImageFromBatch", title="ImageFromBatch", category="image/batch", device=False)
def image_from_batch(
    *,
    image: Image,
    batch_index: Annotated[int, Range(0, 4095)] = 0,
    length: Annotated[int, Range(1, 4096)] = 1,
) -> Image:
    """Take some images out of a batch.

    Args:
        image: the batch.
        batch_index: the first to take, counted from 0; beyond the end means the last.
        length: how many; no more than there are.
    """
    start = min(image.shape[0] - 1, batch_index)
    return image[start : start + length].clone()


@node("RepeatImageBatch", title="RepeatImageBatch", category="image/batch", device=False)
def repeat_image_batch(*, image: Image, amount: Annotated[int, Range(1, 4096)] = 1) -> Image:
    """Repeat a whole batch of images.

    Args:
        image: the batch.
        amount: how often it stands in the result.
    """
    return image.repeat(amount, 1, 1, 1)


@node("GetImageSize", title="Get Image Size", category="image", device=False, hidden={"unique_id": "UNIQUE_ID"})
def get_image_size(*, image: Image, ctx: Context) -> Size:
    """Tell the size of images.

    Args:
        image: the images; they go no further.
    """
    batch_size, height, width = image.shape[:3]
    ctx.text(f"width: {width}, height: {height}\n batch size: {batch_size}")
    return Size(width, height, batch_size)


@node("ImageAddNoise", title="ImageAddNoise", category="image", device=False)
def image_add_noise(*, image: Image, seed: Seed = 0, strength: Annotated[float, Range(0, 1, step=0.01)] = 0.5) -> Image:
    """Add grain to images.

    Args:
        image: the images.
        seed: the same seed gives the same grain.
        strength: standard deviation of the grain, where 1 is the way from black to white.
    """
    import torch

    generator = torch.Generator("cpu").manual_seed(seed)
    grain = torch.randn(image.shape, generator=generator)
    return (image + strength * grain.to(image.device)).clamp(0, 1)


@node("ImageRGBToYUV", title="ImageRGBToYUV", category="image/batch", device=False)
def image_rgb_to_yuv(*, image: Image) -> Planes:
    """Split images into brightness and colour differences.

    Args:
        image: the images.
    """
    from diffusion.pixels import colors

    ycc = colors.rgb_to_ycc(image)
    return Planes(*(ycc[..., index : index + 1].expand(*image.shape[:3], 3) for index in range(3)))


@node("ImageYUVToRGB", title="ImageYUVToRGB", category="image/batch", device=False)
def image_yuv_to_rgb(*, Y: Image, U: Image, V: Image) -> Image:
    """Join brightness and colour differences to coloured images.

    Args:
        Y: brightness.
        U: blue difference; a half is none.
        V: red difference; a half is none.
    """
    import torch

    from diffusion.pixels import colors

    return colors.ycc_to_rgb(torch.cat([plane.mean(-1, keepdim=True) for plane in (Y, U, V)], dim=-1))
