"""The feed of our own API: what happened to jobs, numbered, for anybody who listens or comes back later.

Changes of state are stored and have a sequence number; what happens inside a run (nodes, progress) is only passed on,
with the number of the last stored event before it, so that a listener knows where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from server.store.reads import JobReads
from server.store.writer import StoredEvent

__all__ = ["Feed", "Item"]

Item = dict[str, Any]
"""`{"seq": number or null, "after": number, "job", "attempt", "kind", "data", "at"}`."""

MAX_WAITING = 2048
"""Items that may wait for one listener before it is cut off."""
PAGE = 500


class Feed:
    """Passes events on to listeners; what they missed is read from the table.

    Args:
        reads: where stored events are.
    """

    def __init__(self, reads: JobReads) -> None:
        self._reads = reads
        self._listeners: set[asyncio.Queue[Item | None]] = set()
        self._last = 0

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def start_at(self, seq: int) -> None:
        """Say which stored event was the last one before this process."""
        self._last = seq

    def stored(self, events: Sequence[StoredEvent]) -> None:
        """Pass on events that are on disk."""
        self._last = events[-1].seq
        for event in events:
            self._pass_on(_item(event))

    def passing(self, job: str, attempt: int, event: Mapping[str, Any], at: int) -> None:
        """Pass on something that is not stored."""
        if self._listeners:
            data = {key: value for key, value in event.items() if key != "kind"}
            place = {"seq": None, "after": self._last, "job": job, "attempt": attempt}
            self._pass_on({**place, "kind": event["kind"], "data": data, "at": at})

    async def listen(self, since: int | None = None, job: str | None = None) -> AsyncGenerator[Item, None]:
        """Events from now on, after those stored since a number if one is given.

        Ends when the listener falls too far behind; it can come back with the last number it saw.
        """
        queue: asyncio.Queue[Item | None] = asyncio.Queue(MAX_WAITING)
        self._listeners.add(queue)
        last = self._last if since is None else since
        try:
            while since is not None:
                page = await self._reads.events_since(last, job, PAGE)
                for event in page:
                    last = event.seq
                    yield _item(event)
                if len(page) < PAGE:
                    break
            while (item := await queue.get()) is not None:
                if job is not None and item["job"] != job:
                    continue
                if item["seq"] is not None:
                    if item["seq"] <= last:
                        continue  # it was read from the table already
                    last = item["seq"]
                yield item
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End every listener."""
        for queue in list(self._listeners):
            self._cut_off(queue)

    def _pass_on(self, item: Item) -> None:
        for queue in list(self._listeners):
            try:
                queue.put_nowait(item)
            except asyncio.QueueFull:
                self._cut_off(queue)

    def _cut_off(self, queue: asyncio.Queue[Item | None]) -> None:
        self._listeners.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)


def _item(event: StoredEvent) -> Item:
    return {
        "seq": event.seq,
        "after": event.seq - 1,
        "job": event.job,
        "attempt": event.attempt,
        "kind": event.kind,
        "data": dict(event.data),
        "at": event.at,
    }
