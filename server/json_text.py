"""JSON for clients: compact, and without the numbers that JSON does not have."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_text"]

_write = json.JSONEncoder(separators=(",", ":"), default=str, allow_nan=False).encode


def json_text(value: Any) -> str:
    """Write ASCII JSON; NaN and infinities, which nodes may show, become null, and what JSON does not know a text."""
    try:
        return _write(value)
    except ValueError:
        return _write(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
