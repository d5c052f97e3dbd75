"""Previews: small pictures of what a node has so far."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["encode_preview"]


def encode_preview(picture: Any, size: int | None = 512, format: str = "JPEG") -> bytes:
    """Scale a picture, up or down, to fit a square and encode it.

    Args:
        picture: a Pillow image.
        size: the square's side in pixels; None keeps the size.
        format: "JPEG" or "PNG".
    Source:
        protocol §2.5: bilinear, aspect kept, quality 95.
    """
    from PIL import Image as Pillow

    if size is not None:
        factor = size / max(picture.size)
        scaled = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        if scaled != picture.size:
            picture = picture.resize(scaled, Pillow.Resampling.BILINEAR)
    if format == "JPEG" and picture.mode not in ("RGB", "L"):
        picture = picture.convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, format, quality=95, compress_level=1)
    return stream.getvalue()
