"""Picture files: what is in them becomes images and masks, and images become PNG files that carry their workflow.

numpy and Pillow are imported inside the functions, so that declaring nodes stays quick.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graph_runtime.json_text import json_text

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image as Pillow

__all__ = [
    "DecodedPicture",
    "UnreadablePicture",
    "embedded_texts",
    "encode_png",
    "file_digest",
    "read_picture",
    "to_bytes",
]

MAX_PIXELS = 250_000_000
"""Most pixels that are decoded of one file, all frames together: as floats they take twelve bytes each."""
_FULL_GREY = 255 * 255
"""The 16-bit grey that counts as white: established workflows divide by 255, and so do 8-bit pictures again."""
_SINGLE_FRAME_FORMATS = {"MPO"}
"""Formats whose further frames are previews or the other eye, not an animation."""


class UnreadablePicture(ValueError):
    """A file that is no picture, is damaged, or is of a kind that cannot be read."""


class DecodedPicture(NamedTuple):
    """The frames of one file.

    Attributes:
        images: float32 [frames, height, width, 3] in 0..1.
        masks: float32 [frames, height, width], 1 where the picture is transparent; [frames, 64, 64] zeros when it
            has no transparency.
    """

    images: np.ndarray
    masks: np.ndarray


def read_picture(path: Path) -> DecodedPicture:
    """Decode a picture file: all frames of the first frame's size, upright, as RGB.

    Turned as its EXIF orientation says. 16-bit greys keep their precision, and are white from 255² on. Palettes and
    colour keys are resolved.

    Raises:
        UnreadablePicture: naming the file and the cause.
    """
    import numpy as np
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    images: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    pixels = 0
    try:
        with Pillow.open(path) as file:
            for frame in _frames(file):
                pixels += frame.width * frame.height
                if pixels > MAX_PIXELS:
                    raise UnreadablePicture(
                        f"{path.name!r} has more than {MAX_PIXELS:,} pixels in all. Make it smaller, or split it."
                    )
                image, mask = _decode_frame(frame)
                if images and image.shape != images[0].shape:
                    continue
                images.append(image)
                masks.append(mask)
    except UnreadablePicture:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture(
            f"{path.name!r} is not a picture that can be read. Choose a PNG, JPEG or WebP."
        ) from error
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise UnreadablePicture(
            f"{path.name!r} cannot be read: {error}. The file may be damaged; save it again and upload it anew."
        ) from error
    height, width = images[0].shape[:2]
    if any(mask.shape == (height, width) for mask in masks) and (height, width) != (64, 64):
        masks = [mask if mask.shape == (height, width) else np.zeros((height, width), np.float32) for mask in masks]
    return DecodedPicture(np.stack(images), np.stack(masks))


def to_bytes(image: Any) -> np.ndarray:
    """A float image in 0..1 as 8-bit values, truncated: 255·x clipped to 0..255 (protocol §5.7).

    Args:
        image: tensor or array [height, width, channels].
    """
    import numpy as np

    array = np.asarray(image.detach().cpu().float().numpy() if hasattr(image, "detach") else image, np.float32)
    return np.clip(np.nan_to_num(255.0 * array), 0, 255).astype(np.uint8)


def encode_png(pixels: np.ndarray, texts: Mapping[str, str], compress_level: int = 4) -> bytes:
    """Encode 8-bit pixels [height, width, 1, 3 or 4] as a PNG file with one tEXt chunk for each text."""
    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    stream = io.BytesIO()
    picture = Pillow.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    picture.save(stream, "PNG", pnginfo=info, compress_level=compress_level)
    return stream.getvalue()


def embedded_texts(prompt: Any, extra_pnginfo: Mapping[str, Any] | None) -> dict[str, str]:
    """The texts that let a saved file be opened again: `prompt`, and one for each key of `extra_pnginfo`.

    ASCII-escaped JSON (protocol §3.9). None for the prompt leaves it out.
    """
    texts: dict[str, str] = {}
    if prompt is not None:
        texts["prompt"] = json_text(prompt, spaced=True)
    for key, value in (extra_pnginfo or {}).items():
        texts[str(key)] = json_text(value, spaced=True)
    return texts


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal; stands for the file in cache keys."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _frames(file: Pillow.Image) -> Iterator[Pillow.Image]:
    from PIL import ImageSequence

    for frame in ImageSequence.Iterator(file):
        yield frame
        if file.format in _SINGLE_FRAME_FORMATS:
            return


def _decode_frame(frame: Pillow.Image) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np
    from PIL import ImageOps

    transparent = "A" in frame.getbands() or "transparency" in frame.info
    upright = ImageOps.exif_transpose(frame)
    if upright.mode.startswith("I"):
        grey = np.asarray(upright).astype(np.float32)
        image = np.clip(grey / _FULL_GREY, 0, 1)
        return np.repeat(image[..., None], 3, axis=-1), np.zeros((64, 64), np.float32)
    if not transparent:
        return _unit(np.asarray(upright.convert("RGB"))), np.zeros((64, 64), np.float32)
    colours = np.asarray(upright.convert("RGBA"))
    return _unit(colours[..., :3]), 1 - _unit(colours[..., 3])


def _unit(pixels: np.ndarray) -> np.ndarray:
    import numpy as np

    return pixels.astype(np.float32) / np.float32(255)
