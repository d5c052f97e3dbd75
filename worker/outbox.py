"""Outbox: frames on their way to the server, in order, with progress and previews thinned to the newest.

Any thread may put frames in; one task writes them. What happens in a run waits for a moment for what follows it, so
that fast nodes do not wake the two processes for each of their events; everything else leaves at once, with what waits
before it. Progress of a node that has not been sent yet is replaced by the newer, and is held back for longer so that
a fast loop does not flood the socket; every other event sends what was held back before itself, so the order of events
is never disturbed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from graph_runtime.frames import BadFrame, encode, encode_together

__all__ = ["Outbox"]

_log = logging.getLogger(__name__)

Item = tuple[dict[str, Any], bytes]

TOGETHER = 0.002
"""Seconds that progress waits for what belongs to it, such as the picture of the same step."""
COMPANY = 0.001
"""Seconds that an event waits for those which follow it."""


class Outbox:
    """Frames from any thread to one writer.

    Args:
        interval: seconds between two sendings of progress or previews of a job.
        clock: seconds that never go back.
    """

    def __init__(self, *, interval: float = 0.05, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._ready: list[Item] = []
        self._held: dict[tuple[Any, ...], Item] = {}
        self._due = 0.0
        self._leaving = 0.0
        self._leaves_anyway = False
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._called = False

    def put(self, header: dict[str, Any], blob: bytes = b"", *, at_once: bool = True) -> None:
        """Send a frame after everything put before it, held progress included.

        Args:
            at_once: do not wait for company.
        """
        with self._lock:
            first = not self._ready
            self._release()
            self._ready.append((header, blob))
            if at_once:
                self._leaving = 0.0
            elif first:
                self._leaving = self._clock() + COMPANY
        if at_once or (first and not self._leaves_anyway):
            self._notify()

    def gather(self) -> None:
        """Send what comes in the next moment together; called by the loop before others begin to put frames in."""
        if self._loop is not None and self._wake is not None and not self._leaves_anyway:
            self._leaves_anyway = True
            self._loop.call_later(COMPANY, self._wake.set)

    def put_newest(self, key: tuple[Any, ...], header: dict[str, Any], blob: bytes = b"") -> None:
        """Send a frame soon, unless a newer one with the same key comes first."""
        with self._lock:
            first = not self._held
            if first:
                self._due = max(self._due, self._clock() + TOGETHER)
            self._held.pop(key, None)
            self._held[key] = (header, blob)
        if first:
            self._notify()

    def forget(self, matches: Callable[[tuple[Any, ...]], bool]) -> None:
        """Drop held frames whose key matches."""
        with self._lock:
            for key in [key for key in self._held if matches(key)]:
                del self._held[key]

    def close(self) -> None:
        """Let `pump` end once everything is written."""
        with self._lock:
            self._release()
            self._closed = True
        self._notify()

    async def pump(self, writer: asyncio.StreamWriter, stamp: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Write frames until the outbox is closed and empty.

        Args:
            writer: where frames go.
            stamp: completes a header at the moment it is written, such as with its sequence number.
        Raises:
            ConnectionError: when the other side is gone.
        """
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        while True:
            items, wait, closed = self._take()
            if items:
                writer.write(_packed([(stamp(header), blob) for header, blob in items]))
                await writer.drain()
                continue
            if closed:
                return
            alarm = None if wait is None else self._loop.call_later(wait, self._wake.set)
            await self._wake.wait()
            if alarm is not None:
                alarm.cancel()
            self._wake.clear()
            self._called = self._leaves_anyway = False

    def _take(self) -> tuple[list[Item], float | None, bool]:
        with self._lock:
            wait: float | None = None
            now = self._clock()
            if self._held:
                if now >= self._due:
                    self._release()
                else:
                    wait = self._due - now
            if self._ready and now < self._leaving and not self._closed:
                return [], self._leaving - now, False
            items, self._ready = self._ready, []
            return items, wait, self._closed

    def _release(self) -> None:
        if self._held:
            self._ready.extend(self._held.values())
            self._held.clear()
            self._due = self._clock() + self._interval

    def _notify(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is None or wake is None or self._called:
            return
        self._called = True
        try:
            loop.call_soon_threadsafe(wake.set)
        except RuntimeError:  # the loop has ended; nothing can be sent any more
            pass


def _packed(items: list[Item]) -> bytes:
    """Frames one after the other; neighbours without a blob share one."""
    parts: list[bytes] = []
    for has_blob, group in itertools.groupby(items, key=lambda item: bool(item[1])):
        together = list(group)
        try:
            if has_blob:
                parts += [encode(header, blob) for header, blob in together]
            else:
                parts.append(encode_together([header for header, _ in together]))
        except BadFrame:
            parts += [_encode(header, blob) for header, blob in together]
    return b"".join(parts)


def _encode(header: dict[str, Any], blob: bytes) -> bytes:
    """A frame; what a node put into its result that JSON cannot say is written as text, so that the job still ends."""
    try:
        return encode(header, blob)
    except BadFrame as error:
        _log.warning("%s It is sent as text instead.", error)
        try:
            return encode(json.loads(json.dumps(header, default=_describe, skipkeys=True)), blob)
        except (RecursionError, ValueError):  # nested too deeply, or holding itself
            kept = {key: value for key, value in header.items() if not isinstance(value, dict | list)}
            return encode({**kept, "dropped": "a value was nested too deeply to be sent"}, blob)


def _describe(value: Any) -> Any:
    """A number for one-element arrays and tensors, else a short text; objects of packs may fail at every question."""
    try:
        if hasattr(value, "item") and getattr(value, "size", None) == 1:
            return value.item()
        return repr(value)[:2000]
    except Exception as error:
        return f"<{type(value).__name__}, whose text cannot be made: {type(error).__name__}>"
