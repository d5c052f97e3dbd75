"""Watching memory while jobs run: what can be given back is given back before the kernel ends the process.

Left of the tightest limit        what is done
- under a fifth                   half of the kept results go
- under a tenth                   all kept results go, and models are unloaded before the next node that uses the device
- under a fortieth, hard limits   the node on the device thread gets a `MemoryError` that says how much is held
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable

from worker import memory
from worker.memory_limits import Limit, tightest

__all__ = ["DeviceCalls", "MemoryLimitReached", "MemoryWatch"]

_log = logging.getLogger(__name__)

INTERVAL = 0.2
"""Seconds between two looks."""
LOW, VERY_LOW, GONE = 0.20, 0.10, 0.025
"""Shares of the limit that are left when something is done."""


class MemoryLimitReached(MemoryError):
    """A node took more memory than this process may use."""

    latest = "Memory ran out."

    def __init__(self) -> None:
        super().__init__(MemoryLimitReached.latest)


class DeviceCalls:
    """Knows which thread runs node code on the device, so that it can be interrupted, and models unloaded beside it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._interrupted = False
        self.unload_wanted = False

    def enter(self) -> None:
        """This thread is about to run a node on the device; unloads models first if that was wanted."""
        if self.unload_wanted:
            self.unload_wanted = False
            released = memory.release_models()
            _log.info("Little memory is left; models of %.2f GB were unloaded.", released / 1e9)
        with self._lock:
            self._thread, self._interrupted = threading.get_ident(), False

    def leave(self) -> None:
        """The node has returned; an interruption that has not arrived yet is taken back."""
        with self._lock:
            if self._interrupted and self._thread is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), None)
            self._thread = None

    @property
    def elsewhere(self) -> bool:
        """Another thread than this one runs a node on the device, perhaps with the models that are loaded."""
        thread = self._thread
        return thread is not None and thread != threading.get_ident()

    def interrupt(self, kind: type[BaseException]) -> bool:
        """Raise an error in the node that runs, once; False if none runs or it was interrupted before."""
        with self._lock:
            if self._thread is None or self._interrupted:
                return False
            self._interrupted = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(kind))
            return True


class MemoryWatch:
    """Looks again and again, in a thread of its own.

    Args:
        calls: the node that runs on the device.
        held: bytes of all kept results.
        shrink: drops kept results down to so many bytes; returns the bytes dropped.
        look: the tightest limit.
    """

    def __init__(
        self,
        calls: DeviceCalls,
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

    def look(self) -> None:
        """Look once, and give back what has to be given back."""
        limit = self._look()
        share = limit.left / limit.total
        if share >= LOW:
            return
        held = self._held()
        if held:
            dropped = self._shrink(held // 2 if share >= VERY_LOW else 0)
            _log.warning(
                "%s: %s left; kept results of %s were dropped.", limit.name, _size(limit.left), _size(dropped)
            )
        if share < VERY_LOW:
            self._calls.unload_wanted = True
        if share < GONE and limit.hard:
            MemoryLimitReached.latest = (
                f"Memory ran out: {_size(limit.used)} of the {_size(limit.total)} that {limit.name} allows are used, "
                f"and no more can be given back."
            )
            if self._calls.interrupt(MemoryLimitReached):
                _log.warning("%s", MemoryLimitReached.latest)

    def _watch(self) -> None:
        while not self._ended.wait(INTERVAL):
            try:
                self.look()
            except OSError as error:
                _log.error("Memory cannot be watched any more: %s.", error)
                return


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB"
