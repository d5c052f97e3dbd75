"""Writing pictures for packs, with the workflow inside, through the engine's files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph_runtime.files import Files, SavedFile
from interop import running
from interop.host import current
from nodes.pictures import embedded_texts, encode_png, to_bytes

__all__ = ["files", "save_pictures", "texts"]


def files() -> Files:
    """The files of the running node, else files in the worker's folders."""
    call = running.last_call()
    return Files(current().folders) if call is None or call.context is None else call.context.files


def texts(prompt: Any, extra_pnginfo: Mapping[str, Any] | None) -> dict[str, str]:
    """What a saved picture carries; nothing where the worker was started without metadata."""
    return {} if current().settings.get("disable_metadata") else embedded_texts(prompt, extra_pnginfo)


def save_pictures(
    images: Any, prefix: str, *, folder: str, chunks: Mapping[str, str], compress_level: int = 4
) -> list[SavedFile]:
    """Write each image of a batch [batch, height, width, channels] as a PNG file.

    Args:
        folder: "output" or "temp".
        chunks: texts to store in each file.
    """
    saved = []
    for index in range(len(images)):
        pixels = to_bytes(images[index])
        data = encode_png(pixels, chunks, compress_level)
        height, width = pixels.shape[:2]
        saved.append(files().write(prefix, ".png", data, folder=folder, width=width, height=height, batch=index))
    return saved
