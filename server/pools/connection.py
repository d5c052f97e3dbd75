"""One connection to a worker: frames out, frames in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

from graph_runtime.frames import CutFrame, encode, read_frames

__all__ = ["Connection"]


class Connection:
    """Frames over one end of a socket pair."""

    __slots__ = ("_reader", "_writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Connection:
        """Take over a connected socket."""
        end.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=end, limit=1024 * 1024))

    async def send(self, header: Mapping[str, Any], blob: bytes = b"", **texts: str) -> None:
        """Write a frame and wait until the buffer has room again; `texts` are members that are JSON already.

        Raises:
            ConnectionError: if the other side is gone.
        """
        self._writer.write(encode(dict(header), blob, **texts))
        await self._writer.drain()

    def notify(self, header: Mapping[str, Any]) -> None:
        """Write a small frame without waiting; nobody hears it when the other side is gone."""
        self._writer.write(encode(dict(header)))

    async def frames(self) -> AsyncIterator[tuple[dict[str, Any], bytes]]:
        """Frames as they arrive; ends when the other side is gone.

        Raises:
            BadFrame: if the bytes are no frames.
        """
        with contextlib.suppress(ConnectionError, CutFrame):
            async for frame in read_frames(self._reader):
                yield frame

    async def close(self) -> None:
        """Close this end."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
