"""Previews: small pictures of what a node has so far."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["encode_preview"]


def encode_preview(picture: Any, size: int = 512) -> tuple[str, bytes]:
    """Scale a picture, up or down, to fit a square and encode it.

    Args:
        picture: a Pillow image; or, as packs give it, `(format, image, largest side)`, where no side keeps the size.
        size: the square's side in pixels.
    Returns:
        "JPEG" or "PNG", and the encoded picture.
    Source:
        protocol §2.5: bilinear, aspect kept, quality 95.
    """
    from PIL import Image as Pillow

    format, limit = "JPEG", size
    if isinstance(picture, tuple | list):
        format, picture, limit = picture
        if format not in ("JPEG", "PNG"):
            raise ValueError(f"A preview of format {format!r} cannot be sent. Use JPEG or PNG.")
    if limit:
        factor = limit / max(picture.size)
        scaled = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        if scaled != picture.size:
            picture = picture.resize(scaled, Pillow.Resampling.BILINEAR)
    if format == "JPEG" and picture.mode not in ("RGB", "L"):
        picture = picture.convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, format, quality=95, compress_level=1)
    return format, stream.getvalue()
