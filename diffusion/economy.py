"""Computing with less memory: slower, and in pieces. Asked for when a first try ran out of memory.

In an economy, autoencoders work in tiles and guidance evaluates one conditioning after the other. Tiles change a
picture slightly where they overlap; one conditioning at a time changes nothing but rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["economy", "is_economical"]

_economical: ContextVar[bool] = ContextVar("diffusion_economy", default=False)


@contextmanager
def economy() -> Iterator[None]:
    """Whatever runs inside, in this thread or task, saves memory."""
    token = _economical.set(True)
    try:
        yield
    finally:
        _economical.reset(token)


def is_economical() -> bool:
    """Whether memory is to be saved here."""
    return _economical.get()
