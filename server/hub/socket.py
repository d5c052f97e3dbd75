"""One websocket: a bounded queue and the only task that writes to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Hashable

from aiohttp import WSMsgType
from aiohttp.web import WebSocketResponse

from server.hub.messages import Message

__all__ = ["Socket"]

log = logging.getLogger("heddle.hub")

MAX_MESSAGES = 4096
"""Messages that may wait for one client."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes that may wait for one client."""
MAX_TOGETHER = 64 * 1024
"""Most bytes that are written in one piece."""
STALLED_SECONDS = 60.0
"""How long one message may take to be accepted by the network."""
TRY_AGAIN_LATER = 1013
GOING_AWAY = 1001


class Socket:
    """A client's connection.

    Progress that has not been sent is replaced by newer progress; a client that falls behind all the same is dropped
    and can come back under its id.

    Args:
        response: the prepared websocket.
        client_id: the id under which the client is known.
        transport: cut when a dropped client does not take the goodbye either.
    """

    def __init__(
        self, response: WebSocketResponse, client_id: str, transport: asyncio.BaseTransport | None = None
    ) -> None:
        self.client_id = client_id
        self.wants_metadata = False
        self.wants_logs = False
        self._response = response
        self._transport = transport
        self._waiting: dict[int, Message] = {}
        self._places: dict[Hashable, int] = {}
        self._next = 0
        self._bytes = 0
        self._wake = asyncio.Event()
        self._dropped = False

    def put(self, message: Message) -> None:
        """Queue a message; never waits."""
        if self._dropped:
            return
        if message.only != "all" and (message.only == "metadata") is not self.wants_metadata:
            return
        place = None if message.key is None else self._places.get(message.key)
        if place is not None and place in self._waiting:
            self._bytes += len(message.payload) - len(self._waiting[place].payload)
            self._waiting[place] = message
            return
        if message.key is None:
            self._places.clear()  # nothing newer may overtake this message
        else:
            self._places[message.key] = self._next
        self._waiting[self._next] = message
        self._next += 1
        self._bytes += len(message.payload)
        if len(self._waiting) > MAX_MESSAGES or self._bytes > MAX_BYTES:
            self._drop(f"{len(self._waiting)} messages ({self._bytes} bytes) wait for it")
        self._wake.set()

    async def write(self) -> None:
        """Send what is queued until the client is gone or dropped. Run this as the socket's one writer task."""
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while not self._dropped:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting and not self._dropped:
                    batch = list(self._waiting.values())
                    self._waiting.clear()
                    self._places.clear()
                    self._bytes = 0
                    await self._send(batch)
        if self._dropped:
            await self._close()

    async def say_goodbye(self) -> None:
        """Close the connection because the server is going away."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._response.close(code=GOING_AWAY, message=b"the server is stopping")

    async def _send(self, batch: list[Message]) -> None:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                self._write_together(batch)
                for message in batch:
                    kind = WSMsgType.TEXT if message.is_text else WSMsgType.BINARY
                    await self._response.send_frame(message.payload, kind)
        except TimeoutError:
            self._drop(f"it accepted nothing for {STALLED_SECONDS:g} s")

    def _write_together(self, batch: list[Message]) -> None:
        """Write all but the last message in one piece, and take them out of the batch, where that is safe.

        A run says a dozen small things in a millisecond, and each write by itself costs more than the rest of what is
        done for it. The last one goes the ordinary way, which waits for a client that cannot keep up; one that has
        not taken what was sent before gets everything that way.
        """
        way = self._transport
        if len(batch) < 2 or not isinstance(way, asyncio.WriteTransport) or self._response.closed or way.is_closing():
            return
        size = sum(len(message.payload) for message in batch)
        if size > MAX_TOGETHER or way.get_write_buffer_size():
            return
        way.write(b"".join(_frame(message) for message in batch[:-1]))
        del batch[:-1]

    def _drop(self, why: str) -> None:
        self._dropped = True
        self._waiting.clear()
        log.warning("client %s is too slow and is disconnected: %s", self.client_id, why)

    async def _close(self) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._response.close(code=TRY_AGAIN_LATER, message=b"too slow")
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()


def _frame(message: Message) -> bytes:
    """A whole message as an unmasked websocket frame (RFC 6455, section 5.2)."""
    first = 0x80 | (WSMsgType.TEXT if message.is_text else WSMsgType.BINARY)
    length = len(message.payload)
    if length < 126:
        return bytes((first, length)) + message.payload
    if length < 65536:
        return struct.pack("!BBH", first, 126, length) + message.payload
    return struct.pack("!BBQ", first, 127, length) + message.payload
