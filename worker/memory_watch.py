"""Watching memory while jobs run: what can be given back is given back before the kernel ends the process.

Left of the tightest limit        what is done
- under a fifth                   half of the kept results go
- under a tenth                   all kept results go, and models are unloaded before the next node that uses the device
- under a fortieth, hard limits   the nodes that run get a `MemoryError` that says how much is used
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable

from worker import memory
from worker.memory_limits import Limit, tightest

__all__ = ["MemoryLimitReached", "MemoryWatch", "NodeCalls"]

_log = logging.getLogger(__name__)

INTERVAL, NEAR_INTERVAL = 0.2, 0.02
"""Seconds between two looks, usually and when little is left."""
LOW, VERY_LOW, GONE = 0.20, 0.10, 0.025
"""Shares of the limit that are left when something is done."""


class MemoryLimitReached(MemoryError):
    """A node took more memory than this process may use."""

    latest = "Memory ran out."

    def __init__(self) -> None:
        super().__init__(MemoryLimitReached.latest)


class NodeCalls:
    """Knows which threads run node code, so that they can be interrupted, and models unloaded beside none of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, bool] = {}
        self._device: int | None = None
        self.unload_wanted = False

    def enter(self, device: bool = True) -> None:
        """This thread is about to run a node; one that uses the device unloads models first if that was wanted."""
        if device and self.unload_wanted:
            self.unload_wanted = False
            released = memory.release_models()
            _log.info("Little memory is left; models of %.2f GB were unloaded.", released / 1e9)
        with self._lock:
            self._running[threading.get_ident()] = False
            if device:
                self._device = threading.get_ident()

    def leave(self) -> None:
        """The node has returned; an interruption that has not arrived yet is taken back."""
        thread = threading.get_ident()
        with self._lock:
            if self._running.pop(thread, False):
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
            if self._device == thread:
                self._device = None

    @property
    def elsewhere(self) -> bool:
        """Another thread than this one runs a node on the device, perhaps with the models that are loaded."""
        return self._device not in (None, threading.get_ident())

    @property
    def any(self) -> bool:
        """Some thread runs a node."""
        return bool(self._running)

    def interrupt(self, kind: type[BaseException]) -> bool:
        """Raise an error in every node that runs, once in each; False if there is none that was not interrupted."""
        with self._lock:
            threads = [thread for thread, interrupted in self._running.items() if not interrupted]
            for thread in threads:
                self._running[thread] = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
            return bool(threads)


class MemoryWatch:
    """Looks again and again, in a thread of its own.

    Args:
        calls: the nodes that run.
        held: bytes of all kept results.
        shrink: drops kept results down to so many bytes; returns the bytes dropped.
        look: the tightest limit.
    """

    def __init__(
        self,
        calls: NodeCalls,
        held: Callable[[], int],
        shrink: Callable[[int], int],
        look: Callable[[], Limit] = tightest,
    ) -> None:
        self._calls = calls
        self._held = held
        self._shrink = shrink
        self._look = look
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> float:
        """Look once, and give back what has to be given back; returns the share that was left."""
        limit = self._look()
        share = limit.left / limit.total
        if share >= LOW:
            return share
        held = self._held()
        if held:
            dropped = self._shrink(held // 2 if share >= VERY_LOW else 0)
            _log.warning("%s: %s left; kept results of %s were dropped.", limit.name, _size(limit.left), _size(dropped))
        if share < VERY_LOW:
            self._calls.unload_wanted = True
        if share < GONE and limit.hard:
            MemoryLimitReached.latest = (
                f"Memory ran out: {_size(limit.used)} of the {_size(limit.total)} that {limit.name} allows are used, "
                f"and no more can be given back."
            )
            if self._calls.interrupt(MemoryLimitReached):
                _log.warning("%s", MemoryLimitReached.latest)
        return share

    def _watch(self) -> None:
        share = 1.0
        while not self._ended.wait(NEAR_INTERVAL if share < 2 * LOW and self._calls.any else INTERVAL):
            try:
                share = self.look()
            except OSError as error:
                _log.error("Memory cannot be watched any more: %s.", error)
                return


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB"
