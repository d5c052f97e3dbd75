"""Memory around runs: room is made before one, garbage is collected after some, and a failed call gets another try."""

from __future__ import annotations

import asyncio
import time

from graph_runtime.engine import Engine
from worker import memory
from worker.memory_limits import tightest
from worker.memory_watch import MemoryWatch
from worker.runner import DeviceRunner

__all__ = ["Upkeep"]

_TRIM_INTERVAL = 10.0
"""Seconds between two collections of garbage after jobs."""
_LOOK_INTERVAL = 0.2
"""Seconds between two looks at the memory that is left, before jobs."""


class Upkeep:
    """Keeps memory free for the jobs of one engine.

    Args:
        engine: its kept results go first; failed calls are reported here from now on.
        runner: runs its nodes.
        limit: bytes that this process may use, or 0.
    """

    def __init__(self, engine: Engine, runner: DeviceRunner, limit: int) -> None:
        self._engine = engine
        self._runner = runner
        self._limit = limit
        self._trimmed = time.monotonic()
        self._looked = float("-inf")
        self._watch = MemoryWatch(runner.calls, lambda: engine.cache.nbytes, engine.shrink, lambda: tightest(limit))
        engine.recover = self._recover

    async def before_job(self) -> None:
        """Watch the memory, and look whether there is room for what comes, unless that was seen a moment ago."""
        self._watch.start()
        if time.monotonic() - self._looked >= _LOOK_INTERVAL:
            await asyncio.to_thread(memory.make_room, self._limit)
            self._looked = time.monotonic()

    async def after_job(self) -> None:
        """Collect garbage, now and then."""
        if time.monotonic() - self._trimmed >= _TRIM_INTERVAL:
            await asyncio.to_thread(memory.trim)
            self._trimmed = time.monotonic()

    def close(self) -> None:
        """End the watch; waits for it."""
        self._watch.close()

    def _recover(self, error: BaseException) -> bool:
        """Make room after memory ran out, and have the next try on the device save memory."""
        on_device = not self._runner.calls.elsewhere
        if not memory.recover(error, release=on_device):
            return False
        self._engine.shrink(0)
        self._runner.save_memory = on_device
        return True
