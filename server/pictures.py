"""The few pictures the server itself makes: smaller previews, single channels, and masks put into originals.

Blocking; call in a thread. A picture with more pixels than `MAX_PIXELS` is refused before it is decoded.
"""

from __future__ import annotations

import functools
import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.errors import Refused

__all__ = ["MAX_PIXELS", "channel", "cover", "preview", "put_mask"]

MAX_PIXELS = 100_000_000
"""Most pixels of a picture that is decoded; a decoded one takes four bytes for each."""
_DECODING = threading.BoundedSemaphore(2)
"""How many pictures are decoded at once: a crowd of large ones would fill the memory all the same."""


def preview(path: Path, wish: str, channels: str) -> tuple[bytes, str]:
    """Encode a picture again, smaller in bytes; returns it with its MIME type.

    Args:
        wish: `FORMAT` or `FORMAT;QUALITY`; jpeg or webp, anything else is webp.
        channels: with `a` in it, webp is used; `rgb` drops the alpha.
    """
    parts = wish.split(";")
    kind = "jpeg" if parts[0] == "jpeg" and "a" not in channels else "webp"
    quality = int(parts[-1]) if len(parts) > 1 and parts[-1].isascii() and parts[-1].isdigit() else 90
    with _open(path) as image:
        if kind == "jpeg" or channels == "rgb":
            image = image.convert("RGB")
        elif image.mode not in ("RGB", "RGBA"):
            image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
        buffer = io.BytesIO()
        image.save(buffer, format=kind, quality=min(quality, 100))
    return buffer.getvalue(), f"image/{kind}"


def channel(path: Path, which: str) -> bytes:
    """A PNG of the colours without alpha, or of the alpha alone on black (opaque when there is none)."""
    from PIL import Image

    with _open(path) as image:
        if which == "rgb":
            result = image.convert("RGB")
        else:
            alpha = image.convert("RGBA").getchannel("A")
            result = Image.new("RGBA", image.size)
            result.putalpha(alpha)
        buffer = io.BytesIO()
        result.save(buffer, format="PNG")
    return buffer.getvalue()


def put_mask(original: Path, mask: bytes) -> bytes:
    """A PNG of the original with the alpha of the mask picture; the original's text chunks are kept."""
    from PIL.PngImagePlugin import PngInfo

    with _open(io.BytesIO(mask)) as painted:
        alpha = painted.convert("RGBA").getchannel("A")
    with _open(original) as image:
        kept = PngInfo()
        for key, value in getattr(image, "text", {}).items():
            kept.add_text(key, value)
        result = image.convert("RGBA")
        if alpha.size != result.size:
            raise Refused(
                400, "mask_size", f"The mask has {alpha.size[0]}×{alpha.size[1]} pixels, the picture {result.size}."
            )
        result.putalpha(alpha)
        buffer = io.BytesIO()
        result.save(buffer, format="PNG", compress_level=4, pnginfo=kept)
    return buffer.getvalue()


def cover(source: Path | bytes) -> bytes:
    """A webp for a listing of models."""
    with _open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
        buffer = io.BytesIO()
        image.convert("RGBA").save(buffer, format="WEBP", quality=90)
    return buffer.getvalue()


@functools.cache
def _bound() -> None:
    """Let Pillow refuse, for every picture inside a file too, what has more pixels than are decoded here."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # an error is raised beyond twice this
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def _too_many(how: str) -> Refused:
    what = f"The picture is too large: {how.rstrip('.')}. At most {MAX_PIXELS:,} pixels are decoded here."
    return Refused(413, "too_many_pixels", what, "Make it smaller.")


@contextmanager
def _open(source: Path | io.BytesIO) -> Iterator[Any]:
    from PIL import Image, UnidentifiedImageError

    _bound()
    try:
        with _DECODING, Image.open(source) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_many(f"It has {image.width}×{image.height} pixels")
            image.load()
            yield image
    except Image.DecompressionBombError as error:
        raise _too_many(str(error)) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        name = source.name if isinstance(source, Path) else "the upload"
        raise Refused(500, "undecodable", f"{name} cannot be read as a picture: {error}.") from error
