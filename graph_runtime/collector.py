"""Holding the garbage collector back while very many small objects are made at once.

Keys and plans of a graph of 100,000 nodes are objects that live as long as the run and form no reference cycles; the
collector would walk all of them again and again while they are being made, which more than doubles the cost.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused_collection"]

_lock = threading.Lock()
_holders = 0
_was_enabled = False


@contextmanager
def paused_collection() -> Iterator[None]:
    """Pause the cycle collector of this process for a short while; nests, and leaves it as it was."""
    global _holders, _was_enabled
    with _lock:
        if _holders == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0 and _was_enabled:
                gc.enable()
