"""The one way to ask a run to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from graph_runtime.errors import Cancelled

__all__ = ["CancelToken"]


class CancelToken:
    """Asked by running nodes, set from any thread; never un-set: each run has a token of its own."""

    __slots__ = ("_callbacks", "_lock", "cancelled")

    def __init__(self) -> None:
        self.cancelled = False
        self._callbacks: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Ask the run to stop. Calling it again does nothing."""
        with self._lock:
            if self.cancelled:
                return
            self.cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call this once when the run is cancelled; at once if it is already."""
        with self._lock:
            if not self.cancelled:
                self._callbacks.append(callback)
                return
        callback()

    def raise_if_cancelled(self) -> None:
        """Raise `Cancelled` if the run was asked to stop."""
        if self.cancelled:
            raise Cancelled
