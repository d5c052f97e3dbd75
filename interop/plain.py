"""Declarations of packs as data that can travel as JSON."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["DROPPED", "plain"]

DROPPED: Any = object()
"""Stands for a value that has no form in JSON."""


def plain(value: Any) -> Any:
    """A value as JSON has it; `DROPPED` for what JSON cannot say (infinities, functions, tensors, …)."""
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else DROPPED
    if isinstance(value, Mapping):
        items = ((str(key), plain(item)) for key, item in value.items())
        return {key: item for key, item in items if item is not DROPPED}
    if isinstance(value, list | tuple):
        return [item for item in map(plain, value) if item is not DROPPED]
    if isinstance(value, set | frozenset):
        return sorted((item for item in map(plain, value) if item is not DROPPED), key=repr)
    item = getattr(value, "item", None)  # numpy and torch scalars
    if callable(item) and getattr(value, "ndim", None) == 0:
        return plain(item())
    return DROPPED
