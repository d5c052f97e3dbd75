"""Frames: how a worker process and the server speak over one socket.

A frame is a JSON header and an optional blob of bytes (a preview picture, a pack's binary message):

    u32 big-endian  length of the header in bytes
    u32 big-endian  length of the blob in bytes
    header          one JSON object, UTF-8
    blob            raw bytes

The header is written as ASCII-escaped JSON, so any Python string survives, lone surrogates included.
Headers travel between two processes of this project only; numbers that JSON does not have (NaN, infinities) pass.

Headers without a blob that leave together travel as one frame, `{"t": "batch", "frames": [header, …]}`: small facts
about a run come by the dozen. `FrameReader` takes such a frame apart again.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any

from graph_runtime.errors import HeddleError

__all__ = ["MAX_BLOB", "MAX_HEADER", "BadFrame", "CutFrame", "FrameReader", "encode", "encode_together", "read_frames"]

MAX_HEADER = 512 * 1024 * 1024
"""Largest header accepted, in bytes; a prompt of 100 MB must fit with room to spare."""
MAX_BLOB = 512 * 1024 * 1024
"""Largest blob accepted, in bytes."""

_CHUNK = 256 * 1024
"""Most bytes that are read at once."""

_LENGTHS = struct.Struct(">II")

_WRITE = json.JSONEncoder(separators=(",", ":")).encode
Frame = tuple[dict[str, Any], bytes]


class BadFrame(HeddleError):
    """Bytes that are no frame, or a header that cannot become one; the connection cannot be used any longer."""


class CutFrame(BadFrame):
    """The connection ended inside a frame: the process on the other side died while it sent it."""


def encode(header: dict[str, Any], blob: bytes = b"", **texts: str) -> bytes:
    """Write one frame.

    Args:
        header: a JSON object.
        blob: bytes that follow the header.
        texts: further members of the header whose values are ASCII texts of JSON already.
    Raises:
        BadFrame: if the header is not JSON (a value of another type, nesting too deep) or a part is too large.
    """
    try:
        written = _WRITE(header)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadFrame(
            f"A frame of type {header.get('t')!r} cannot be written as JSON: {error}. "
            "Send plain JSON values, and bytes as the blob."
        ) from error
    if texts:
        members = ",".join(f'"{name}":{value}' for name, value in texts.items())
        written = f"{written[:-1]},{members}}}"
    text = written.encode("ascii")
    _check_lengths(len(text), len(blob))
    return _LENGTHS.pack(len(text), len(blob)) + text + blob


def encode_together(headers: Sequence[dict[str, Any]]) -> bytes:
    """Write headers that have no blob as one frame.

    Raises:
        BadFrame: as `encode`, if any of them is not JSON.
    """
    return encode(headers[0] if len(headers) == 1 else {"t": "batch", "frames": list(headers)})


class FrameReader:
    """Cuts a stream of bytes, arriving in pieces of any size, into frames."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that has begun but is not complete; 0 between frames."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes and return every frame that is complete now, oldest first.

        Raises:
            BadFrame: if a length is beyond the limit or a header is not a JSON object.
        """
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        start = 0
        while len(buffer) - start >= _LENGTHS.size:
            header_length, blob_length = _LENGTHS.unpack_from(buffer, start)
            _check_lengths(header_length, blob_length)
            header_end = start + _LENGTHS.size + header_length
            end = header_end + blob_length
            if len(buffer) < end:
                break
            header = _parse(bytes(buffer[start + _LENGTHS.size : header_end]))
            if header.get("t") == "batch":
                frames.extend((single, b"") for single in header["frames"])
            else:
                frames.append((header, bytes(buffer[header_end:end])))
            start = end
        del buffer[:start]
        return frames


async def read_frames(reader: asyncio.StreamReader) -> AsyncIterator[Frame]:
    """Frames as they arrive; ends when the other side has closed the connection between two frames.

    Raises:
        BadFrame: if the bytes are no frames.
        CutFrame: if the connection ended in the middle of one.
        ConnectionError: if the connection broke.
    """
    cutter = FrameReader()
    while data := await reader.read(_CHUNK):
        for frame in cutter.feed(data):
            yield frame
    if cutter.pending:
        raise CutFrame(
            f"The connection ended inside a frame, of which {cutter.pending} bytes had arrived. "
            "The process on the other side has died; start it again."
        )


def _check_lengths(header: int, blob: int) -> None:
    if header > MAX_HEADER:
        raise BadFrame(f"A frame's header has {header} bytes; at most {MAX_HEADER} are allowed. Send less at once.")
    if blob > MAX_BLOB:
        raise BadFrame(f"A frame's blob has {blob} bytes; at most {MAX_BLOB} are allowed. Send less at once.")


def _parse(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"A frame's header is not JSON: {error}. Both sides must run the same version.") from error
    if not isinstance(header, dict):
        raise BadFrame(
            f"A frame's header is a JSON {type(header).__name__}, not an object. Both sides must run the same version."
        )
    return header
