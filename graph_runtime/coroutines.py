"""The part of a run that lives on the event loop: tasks of asynchronous nodes, and awaitables that hooks return."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from graph_runtime.errors import HeddleError

__all__ = ["Coroutines"]


class Coroutines:
    """Starts coroutines from other threads, and cancels all of them when the run stops.

    Args:
        loop: the event loop; its thread is the one that makes this object.
        stopping: set when the run stops; tasks that start later are cancelled at once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, stopping: threading.Event) -> None:
        self.loop = loop
        self._thread = threading.get_ident()
        self._stopping = stopping
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waits: set[Future[Any]] = set()

    def start(self, make: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], None]) -> None:
        """Start a coroutine on the loop, from any thread.

        Args:
            ended: called when it has ended, also if it was cancelled before its first step.
        """
        self.loop.call_soon_threadsafe(self._start, make, ended)

    def _start(self, make: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], None]) -> None:
        if self._stopping.is_set():
            ended()
            return
        task = self.loop.create_task(make())
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            ended()

        task.add_done_callback(done)

    def wait_for(self, value: Awaitable[Any]) -> Any:
        """Wait, in a thread that is not the loop's, for an awaitable; cancelled when the run stops.

        Raises:
            HeddleError: if called on the loop's own thread, which would wait for itself.
        """
        if threading.get_ident() == self._thread:
            raise HeddleError("An awaitable cannot be waited for on the event loop's own thread.")

        async def wait() -> Any:
            return await value

        future = asyncio.run_coroutine_threadsafe(wait(), self.loop)
        with self._lock:
            self._waits.add(future)
        if self._stopping.is_set():
            future.cancel()
        try:
            return future.result()
        finally:
            with self._lock:
                self._waits.discard(future)

    def future(self) -> asyncio.Future[None]:
        """Make a future that `resolve` completes."""
        return self.loop.create_future()

    def resolve(self, future: asyncio.Future[None]) -> None:
        """Complete a future, from any thread."""
        self.loop.call_soon_threadsafe(_resolve, future)

    def cancel(self) -> None:
        """Cancel everything that has not ended, from any thread; may be repeated."""
        with self._lock:
            waits = list(self._waits)
        for wait in waits:
            wait.cancel()
        self.loop.call_soon_threadsafe(self._cancel_tasks)

    def _cancel_tasks(self) -> None:
        for task in list(self._tasks):
            task.cancel()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
