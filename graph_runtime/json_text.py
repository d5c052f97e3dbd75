"""JSON that every reader accepts: ASCII, and without the numbers that JSON does not have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["json_text"]

_compact = json.JSONEncoder(separators=(",", ":"), default=str, allow_nan=False).encode
_spaced = json.JSONEncoder(default=str, allow_nan=False).encode


def json_text(value: Any, *, spaced: bool = False) -> str:
    """Write JSON; NaN and infinities, which nodes may show, become null, and what JSON does not know a text.

    Args:
        spaced: with a space after commas and colons, as files are written.
    """
    write = _spaced if spaced else _compact
    try:
        return write(value)
    except ValueError:
        return write(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
