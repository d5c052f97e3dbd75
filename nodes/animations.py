"""Animated pictures, and pictures from the output folder."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from graph_runtime.api import Choice, Context, Options, Range, Socket, node
from nodes.image_io import PROVENANCE, LoadedImage, load_image, picture_digest, picture_exists
from nodes.pictures import embedded_texts, to_bytes
from nodes.sockets import Image

if TYPE_CHECKING:
    from PIL import Image as Pillow

__all__ = ["load_image_output", "save_animated_png", "save_animated_webp"]

Fps = Annotated[float, Range(0.01, 1000, step=0.01)]
_MODEL_TAG, _MAKE_TAG = 0x0110, 0x010F
_EFFORT = {"default": 4, "fastest": 0, "slowest": 6}


@node(
    "SaveAnimatedWEBP",
    title="SaveAnimatedWEBP",
    category="image/animation",
    terminal=True,
    device=False,
    hidden=PROVENANCE,
)
def save_animated_webp(
    *,
    images: Image,
    filename_prefix: str = "ComfyUI",
    fps: Fps = 6.0,
    lossless: bool = True,
    quality: Annotated[int, Range(0, 100)] = 80,
    method: Annotated[str, Choice("default", "fastest", "slowest")],
    ctx: Context,
) -> None:
    """Save images as the frames of one animated WebP, with its workflow.

    Args:
        images: the frames.
        filename_prefix: begins the name; may name a subfolder.
        fps: frames a second.
        lossless: keep every pixel as it is.
        quality: of the colours where it is not lossless, of the compression where it is.
        method: how long to try for a smaller file.
    """
    frames = _pictures(images)
    exif = frames[0].getexif()
    texts = embedded_texts(ctx.prompt, ctx.extra_pnginfo)
    if "prompt" in texts:
        exif[_MODEL_TAG] = f"prompt:{texts.pop('prompt')}"
    for offset, (key, text) in enumerate(texts.items()):
        exif[_MAKE_TAG - offset] = f"{key}:{text}"
    stream = io.BytesIO()
    frames[0].save(
        stream,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=int(1000.0 / fps),
        exif=exif,
        lossless=lossless,
        quality=quality,
        method=_EFFORT[method],
    )
    _show(ctx, images, filename_prefix, ".webp", stream.getvalue(), animated=len(frames) > 1)


@node(
    "SaveAnimatedPNG",
    title="SaveAnimatedPNG",
    category="image/animation",
    terminal=True,
    device=False,
    hidden=PROVENANCE,
)
def save_animated_png(
    *,
    images: Image,
    filename_prefix: str = "ComfyUI",
    fps: Fps = 6.0,
    compress_level: Annotated[int, Range(0, 9)] = 4,
    ctx: Context,
) -> None:
    """Save images as the frames of one animated PNG, with its workflow.

    Args:
        images: the frames.
        filename_prefix: begins the name; may name a subfolder.
        fps: frames a second.
        compress_level: 0 is fast and large, 9 slow and small.
    """
    frames = _pictures(images)
    stream = io.BytesIO()
    frames[0].save(
        stream,
        "PNG",
        save_all=True,
        append_images=frames[1:],
        duration=int(1000.0 / fps),
        compress_level=compress_level,
        pnginfo=_animated_info(embedded_texts(ctx.prompt, ctx.extra_pnginfo)),
    )
    _show(ctx, images, filename_prefix, ".png", stream.getvalue(), animated=True)


def _animated_info(texts: Mapping[str, str]) -> Any:
    """Texts of an animated PNG: chunks of the type `comf` after the first image data (protocol §3.9)."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, text in texts.items():
        info.add(b"comf", key.encode("latin-1", "replace") + b"\0" + text.encode("latin-1", "replace"), after_idat=True)
    return info


def _pictures(images: Any) -> list[Pillow.Image]:
    from PIL import Image as Pillow

    return [Pillow.fromarray(to_bytes(image)) for image in images]


def _show(ctx: Context, images: Any, prefix: str, suffix: str, data: bytes, *, animated: bool) -> None:
    height, width = images.shape[1:3]
    saved = ctx.files.write(prefix, suffix, data, width=width, height=height)
    ctx.show({"images": [saved.to_data()], "animated": [animated]})


@node(
    "LoadImageOutput",
    title="Load Image (from Outputs)",
    category="image",
    device=False,
    experimental=True,
    fingerprint=picture_digest,
    validate=picture_exists,
)
def load_image_output(
    *,
    image: Annotated[
        str,
        Socket("COMBO"),
        Options(
            image_upload=True,
            remote={
                "route": "/internal/files/output",
                "refresh_button": True,
                "control_after_refresh": "first",
            },
        ),
    ],
    ctx: Context,
) -> LoadedImage:
    """Read a picture that was made here.

    Args:
        image: its name, followed by ` [output]`.
    """
    return load_image(image=image, ctx=ctx)
