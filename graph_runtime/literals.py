"""Turning a graph's literals into the types that inputs declare, as the established protocol does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["COERCIONS", "coerce"]


def _to_int(value: Any) -> int:
    return int(value)


def _to_float(value: Any) -> float:
    number = float(value)
    if number != number:
        raise ValueError("not a number (NaN) cannot be used as an input")
    return number


COERCIONS: dict[str, Callable[[Any], Any]] = {"INT": _to_int, "FLOAT": _to_float, "STRING": str, "BOOLEAN": bool}
"""INT truncates floats and parses decimal texts; STRING makes None "None"; BOOLEAN makes "false" True."""


def coerce(type_name: str, value: Any) -> Any:
    """Return the value as the type has it; other types pass untouched.

    Raises:
        ValueError, TypeError, OverflowError: with Python's own reason, where it cannot be converted.
    """
    convert = COERCIONS.get(type_name)
    return value if convert is None else convert(value)
