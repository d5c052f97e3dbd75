"""Values in messages: short, and never the cause of another error."""

from __future__ import annotations

from typing import Any

__all__ = ["is_deep", "shown", "shown_value"]

_LONGEST = 500
_DEEPEST = 100


def is_deep(value: Any, limit: int = _DEEPEST) -> bool:
    """Say whether lists and dictionaries are nested more than `limit` deep, without recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for item in level
            if isinstance(item, list | tuple | dict)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, list | tuple | dict)
        ]
        if not level:
            return False
    return True


def shown(value: Any, longest: int = _LONGEST, form: Any = str) -> str:
    """Return a value's text, cut where it is long; a stand-in where it is nested too deeply to be written."""
    if isinstance(value, list | tuple | dict) and is_deep(value):
        return f"({type(value).__name__} nested more than {_DEEPEST} deep)"
    text: str = form(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def shown_value(value: Any) -> Any:
    """Return a JSON value as it is, or its stand-in where it is nested too deeply to travel."""
    return shown(value) if isinstance(value, list | tuple | dict) and is_deep(value) else value
