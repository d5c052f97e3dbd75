"""Folders of pictures, with or without captions, as batches to train on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from graph_runtime.api import Choice, Context, FileIn, HeddleError, Range, node
from nodes.pictures import file_digest, read_picture
from nodes.sockets import Clip, Conditioning, Image

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CaptionedImages", "folder_digest", "load_image_set_from_folder", "load_image_text_set_from_folder"]

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
Folder = Annotated[str, FileIn("input/folders")]
Fit = Annotated[str, Choice("None", "Stretch", "Crop", "Pad")]
Side = Annotated[int, Range(-1, 10_000, step=1)]


class CaptionedImages(NamedTuple):
    """Pictures and their captions, in the same order."""

    IMAGE: Image
    CONDITIONING: Conditioning


def folder_digest(folder: str | None, ctx: Context) -> list[str] | None:
    """Stands for the chosen folder in cache keys: the names and contents of what is read from it."""
    if folder is None:
        return None
    pictures = [path for path, _ in _pictures(ctx.folders.annotated(folder))]
    captions = [path for path in map(_caption_of, pictures) if path.is_file()]
    return [f"{path.name}:{file_digest(path)}" for path in [*pictures, *captions]]


@node(
    "LoadImageSetFromFolderNode", title="Load Image Dataset from Folder", category="loaders", device=False,
    experimental=True, fingerprint=folder_digest,
)  # fmt: skip
def load_image_set_from_folder(*, folder: Folder, resize_method: Fit | None = "None", ctx: Context) -> Image:
    """Read every picture of a folder as one batch, in the order of their names.

    Args:
        folder: in the input folder.
        resize_method: how pictures of another size than the first become as large; "None" refuses them.
    """
    pictures = _pictures(ctx.folders.annotated(folder))
    return _batch([path for path, _ in pictures], resize_method or "None", None, ctx)


@node(
    "LoadImageTextSetFromFolderNode", title="Load Image and Text Dataset from Folder", category="loaders",
    experimental=True, fingerprint=folder_digest,
)  # fmt: skip
def load_image_text_set_from_folder(
    *,
    folder: Folder,
    clip: Clip,
    resize_method: Fit | None = "None",
    width: Side | None = -1,
    height: Side | None = -1,
    ctx: Context,
) -> CaptionedImages:
    """Read every picture of a folder as one batch, with the text file of the same name as its caption.

    Pictures in a folder named `3_dogs` are taken three times. A picture without a text file has an empty caption.

    Args:
        folder: in the input folder.
        clip: encodes the captions.
        resize_method: how pictures of another size become as large as wanted; "None" refuses them.
        width: of every picture; -1 is that of the first.
        height: of every picture; -1 is that of the first.
    """
    paths = [path for path, times in _pictures(ctx.folders.annotated(folder)) for _ in range(times)]
    size = (width, height) if width and height and width > 0 and height > 0 else None
    images = _batch(paths, resize_method or "None", size, ctx)
    captions = [_caption_of(path) for path in paths]
    texts = [path.read_text(encoding="utf-8").strip() if path.is_file() else "" for path in captions]
    return CaptionedImages(images, [entry for text in texts for entry in clip.encode(text)])


def _caption_of(picture: Path) -> Path:
    return picture.with_suffix(".txt")


def _pictures(folder: Path) -> list[tuple[Path, int]]:
    """Pictures of a folder and of the folders directly in it, by name, and how often each is taken."""
    found: list[tuple[Path, int]] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir():
            times = path.name.partition("_")[0]
            found += [
                (one, int(times) if times.isdecimal() else 1) for one in sorted(path.iterdir()) if _is_picture(one)
            ]
        elif _is_picture(path):
            found.append((path, 1))
    if not found:
        raise HeddleError(f"The folder {folder.name!r} has no pictures.", fix="Put PNG, JPEG or WebP files in it.")
    return found


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and path.is_file()


def _batch(paths: list[Path], fit: str, size: tuple[int, int] | None, ctx: Context) -> Tensor:
    """Pictures as one batch.

    Args:
        size: width and height of every picture; None takes those of the first.
    Returns:
        float32 [pictures, height, width, 3].
    """
    import torch

    images = []
    for index, path in enumerate(paths):
        ctx.progress(index, len(paths))
        image = torch.from_numpy(read_picture(path).images)[:1]
        size = size or (image.shape[2], image.shape[1])
        if (image.shape[2], image.shape[1]) != size:
            if fit == "None":
                raise HeddleError(
                    f"{path.name!r} has {image.shape[2]}×{image.shape[1]} pixels, not {size[0]}×{size[1]}.",
                    fix="Choose a resize_method, or make all pictures as large.",
                )
            image = _fitted(image, size, fit)
        images.append(image)
    return torch.cat(images)


def _fitted(image: Tensor, size: tuple[int, int], fit: str) -> Tensor:
    """A picture in another size: stretched, or its middle, or all of it on black.

    Args:
        image: float32 [1, height, width, 3].
        size: width and height.
    """
    import numpy as np
    import torch
    from PIL import Image as Pillow
    from PIL import ImageOps

    from nodes.pictures import to_bytes

    picture = Pillow.fromarray(to_bytes(image[0]))
    way = {"Stretch": Pillow.Image.resize, "Crop": ImageOps.fit, "Pad": ImageOps.pad}[fit]
    resized: Any = way(picture, size, Pillow.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(resized).astype(np.float32) / 255)[None]
