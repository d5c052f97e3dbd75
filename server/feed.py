"""The feed of our own API: what happened to jobs, numbered, for anybody who listens or comes back later.

Changes of state are stored and have a sequence number; what happens inside a run (nodes, progress) is only passed on,
with the number of the last stored event before it, so that a listener knows where it is. Each item is written as JSON
once, however many listen, and what waits for one listener is bounded in items and in bytes.
"""

from __future__ import annotations

import json
from asyncio import Event
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.store.reads import JobReads
from server.store.writer import StoredEvent

__all__ = ["Feed", "Item"]

MAX_WAITING = 2048
"""Items that may wait for one listener before it is cut off."""
MAX_BYTES = 64 * 1024 * 1024
"""Letters that may wait for one listener before it is cut off."""
PAGE = 500


@dataclass(frozen=True, slots=True)
class Item:
    """Something that happened.

    Attributes:
        seq: its number, or None for what is only passed on.
        text: `{"seq": number or null, "after": number, "job", "attempt", "kind", "data", "at"}` as JSON.
    """

    seq: int | None
    job: str
    kind: str
    text: str


class _Listener:
    """What waits for one listener; too much of it, and the listener is cut off."""

    def __init__(self) -> None:
        self._waiting: deque[Item] = deque()
        self._bytes = 0
        self._wake = Event()
        self._ended = False

    def put(self, item: Item) -> bool:
        """Queue an item; False when the listener has just been cut off."""
        self._waiting.append(item)
        self._bytes += len(item.text)
        self._wake.set()
        if len(self._waiting) > MAX_WAITING or self._bytes > MAX_BYTES:
            self.end()
        return not self._ended

    def end(self) -> None:
        """Drop what waits, and let the listener know that nothing follows."""
        self._ended = True
        self._waiting.clear()
        self._wake.set()

    async def next(self) -> Item | None:
        """The next item, or None after the end."""
        while not self._waiting and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        if self._ended:
            return None
        item = self._waiting.popleft()
        self._bytes -= len(item.text)
        return item


class Feed:
    """Passes events on to listeners; what they missed is read from the table.

    Args:
        reads: where stored events are.
    """

    def __init__(self, reads: JobReads) -> None:
        self._reads = reads
        self._listeners: set[_Listener] = set()
        self._last = 0

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def start_at(self, seq: int) -> None:
        """Say which stored event was the last one before this process."""
        self._last = seq

    def stored(self, events: Sequence[StoredEvent]) -> None:
        """Pass on events that are on disk."""
        self._last = events[-1].seq
        if self._listeners:
            for event in events:
                self._pass_on(_stored(event))

    def passing(self, job: str, attempt: int, event: Mapping[str, Any], at: int) -> None:
        """Pass on something that is not stored."""
        if self._listeners:
            kind = str(event["kind"])
            data = {key: value for key, value in event.items() if key != "kind"}
            self._pass_on(_item(None, self._last, job, attempt, kind, data, at))

    async def listen(self, since: int | None = None, job: str | None = None) -> AsyncGenerator[Item, None]:
        """Events from now on, after those stored since a number if one is given.

        Ends when the listener falls too far behind; it can come back with the last number it saw.
        """
        listener = _Listener()
        self._listeners.add(listener)
        last = self._last if since is None else since
        try:
            while since is not None:
                page = await self._reads.events_since(last, job, PAGE)
                for event in page:
                    last = event.seq
                    yield _stored(event)
                if len(page) < PAGE:
                    break
            while (item := await listener.next()) is not None:
                if job is not None and item.job != job:
                    continue
                if item.seq is not None:
                    if item.seq <= last:
                        continue  # it was read from the table already
                    last = item.seq
                yield item
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every listener."""
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()

    def _pass_on(self, item: Item) -> None:
        fallen = [listener for listener in self._listeners if not listener.put(item)]
        self._listeners.difference_update(fallen)


def _stored(event: StoredEvent) -> Item:
    return _item(event.seq, event.seq - 1, event.job, event.attempt, event.kind, event.data, event.at)


def _item(seq: int | None, after: int, job: str, attempt: int, kind: str, data: Mapping[str, Any], at: int) -> Item:
    whole = {"seq": seq, "after": after, "job": job, "attempt": attempt, "kind": kind, "data": dict(data), "at": at}
    return Item(seq, job, kind, json.dumps(whole))
