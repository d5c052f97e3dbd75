"""Pictures in and out: files of the input folder become images, images become PNG files."""

from __future__ import annotations

import secrets
import string
from typing import Annotated, Any, NamedTuple

from graph_runtime.api import Context, FileIn, node
from graph_runtime.folders import UnsafePath
from nodes.pictures import embedded_texts, encode_png, file_digest, read_picture, to_bytes
from nodes.sockets import Image, Mask

__all__ = [
    "PROVENANCE",
    "LoadedImage",
    "compare_images",
    "load_image",
    "picture_digest",
    "picture_exists",
    "preview_image",
    "save_image",
]


PROVENANCE = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
"""Hidden inputs of nodes that write the workflow into their files."""


class LoadedImage(NamedTuple):
    """A picture and its transparency."""

    IMAGE: Image
    MASK: Mask


def picture_digest(image: str | None, ctx: Context) -> str | None:
    """Stands for the chosen file in cache keys: its content, not its name."""
    return None if image is None else file_digest(ctx.folders.annotated(image))


def picture_exists(image: str | None, ctx: Context) -> str | None:
    """Check the chosen file before anything runs; None when it is there, or comes from another node."""
    if image is None:
        return None
    try:
        found = ctx.folders.annotated(image).is_file()
    except UnsafePath as error:
        return str(error)
    return None if found else f"There is no picture '{image}' in the input folder. Choose another, or upload it again."


@node(
    "LoadImage",
    title="Load Image",
    category="image",
    device=False,
    fingerprint=picture_digest,
    validate=picture_exists,
)
def load_image(*, image: Annotated[str, FileIn("input/image", upload="image")], ctx: Context) -> LoadedImage:
    """Read a picture file; every frame of an animation becomes an image of the batch.

    Args:
        image: the file, in the input folder; a name may end in ` [output]` or ` [temp]` to mean another folder.
    Returns:
        MASK: 1 where the picture is transparent; 64 by 64 zeros when nothing is.
    """
    import torch

    picture = read_picture(ctx.folders.annotated(image))
    return LoadedImage(torch.from_numpy(picture.images), torch.from_numpy(picture.masks))


@node("SaveImage", title="Save Image", category="image", terminal=True, device=False, hidden=PROVENANCE)
def save_image(*, images: Image, filename_prefix: str = "ComfyUI", ctx: Context) -> None:
    """Save images as PNG files in the output folder; each file carries its workflow, so that it can be opened again.

    Args:
        images: what to save.
        filename_prefix: begins the names; may name a subfolder, and contain %width%, %height%, %year%, %month%,
            %day%, %hour%, %minute%, %second% and %batch_num%.
    """
    _write(ctx, images, filename_prefix, "output", compress_level=4)


@node("PreviewImage", title="Preview Image", category="image", terminal=True, device=False, hidden=PROVENANCE)
def preview_image(*, images: Image, ctx: Context) -> None:
    """Show images without keeping them; their files live in the temporary folder.

    Args:
        images: what to show.
    """
    _write(ctx, images, _temporary_prefix(), "temp", compress_level=1)


@node("ImageCompare", title="Compare Images", category="image", terminal=True, device=False, hidden=PROVENANCE)
def compare_images(*, image_a: Image | None = None, image_b: Image | None = None, ctx: Context) -> None:
    """Lay two images over each other, with a border that is dragged between them; nothing is kept.

    Args:
        image_a: shown left of the border.
        image_b: shown right of the border.
    """
    for side, images in (("a_images", image_a), ("b_images", image_b)):
        if images is not None:
            _write(ctx, images, _temporary_prefix(), "temp", compress_level=1, shown_as=side)


def _temporary_prefix() -> str:
    return "ComfyUI_temp_" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(5))


def _write(
    ctx: Context, images: Any, prefix: str, folder: str, *, compress_level: int, shown_as: str = "images"
) -> None:
    height, width = images.shape[1:3]
    texts = embedded_texts(ctx.prompt, ctx.extra_pnginfo)
    for index, image in enumerate(images):
        ctx.check_cancelled()
        data = encode_png(to_bytes(image), texts, compress_level)
        file = ctx.files.write(prefix, ".png", data, folder=folder, width=width, height=height, batch=index)
        ctx.show({shown_as: [file.to_data()]})
