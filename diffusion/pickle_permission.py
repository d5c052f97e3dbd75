"""Whether this process may open pickle files: decided once, where the process is put together."""

from __future__ import annotations

__all__ = ["is_permitted", "permit"]

_permitted = False


def permit(yes: bool) -> None:
    """Allow or forbid pickle files from now on; they are forbidden at first."""
    global _permitted
    _permitted = yes


def is_permitted() -> bool:
    """Whether pickle files may be opened."""
    return _permitted
