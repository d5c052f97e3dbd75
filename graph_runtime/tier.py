"""The tier behind the cache: results that outlive the process, and may be shared by several.

The engine knows only this protocol; what a value looks like outside of memory is its host's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from graph_runtime.cache import Entry

__all__ = ["Tier"]


class Tier(Protocol):
    """Keeps results by key. Called under a run's lock, so nothing here may take long."""

    def has(self, key: bytes) -> bool:
        """Say whether a result is probably there; reading it may still find it damaged."""

    def load(self, key: bytes) -> Entry | None:
        """Return a result, or None if it is not there or damaged."""

    def offer(self, key: bytes, entry: Entry) -> None:
        """A new result that may be kept, if it is worth it."""

    def end_run(self) -> None:
        """The run whose results were offered is over."""

    def clear(self) -> None:
        """Drop everything."""
