"""Saying what went wrong inside a node."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from typing import Any

from graph_runtime.errors import DependencyCycleError, HeddleError

__all__ = [
    "RAISED",
    "current_inputs",
    "exception_type",
    "fix_for",
    "is_out_of_memory",
    "message_of",
    "traceback_lines",
]

RAISED = (Exception, SystemExit, KeyboardInterrupt, GeneratorExit)
"""What the code of a node's author may raise; only `asyncio.CancelledError` belongs to the loop that raised it."""

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MEMORY_NAMES = {"OutOfMemoryError", "MemoryError"}


def exception_type(error: BaseException) -> str:
    """Return the bare name of a builtin exception, else `module.Class`.

    Errors of ours that are also builtin ones go by the builtin's name, which clients know.
    """
    if isinstance(error, DependencyCycleError):
        return "graph.DependencyCycleError"  # the name that clients know
    kind = type(error)
    if isinstance(error, HeddleError):
        builtin = (base for base in kind.__mro__ if base.__module__ == "builtins")
        kind = next((base for base in builtin if base not in (Exception, BaseException, object)), kind)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message_of(error: BaseException) -> str:
    """Return what happened, without the advice."""
    if isinstance(error, HeddleError):
        return f"{error.where}: {error.what}" if error.where else error.what
    return _text(error) or type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether the device or the machine ran out of memory."""
    return isinstance(error, MemoryError) or type(error).__name__ in _MEMORY_NAMES


def fix_for(error: BaseException) -> str:
    """Return advice for an error; empty if there is none."""
    if isinstance(error, HeddleError):
        return error.fix
    if is_out_of_memory(error):
        return "Use a smaller picture or a smaller batch, or close other programs that use this device."
    return ""


def traceback_lines(error: BaseException) -> tuple[str, ...]:
    """Return the formatted frames of an error, the engine's own in front left out."""
    frames = traceback.extract_tb(error.__traceback__)
    start = next((i for i, frame in enumerate(frames) if not os.path.abspath(frame.filename).startswith(_HERE)), 0)
    return tuple(traceback.StackSummary.from_list(frames[start:]).format())


def current_inputs(lists: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values a node had, in a form that travels: numbers and texts as they are, others described."""
    return {name: [_describe(value) for value in values] for name, values in lists.items()}


def _describe(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    text = _text(value)
    return text if len(text) <= 2000 else f"{text[:2000]}…"


def _text(value: Any) -> str:
    """A short text of anything; objects of packs may fail at every question."""
    try:
        shape = getattr(value, "shape", None)
        if shape is not None and hasattr(value, "dtype"):
            where = f" on {value.device}" if hasattr(value, "device") else ""
            return f"<{type(value).__name__} {list(shape)} {value.dtype}{where}>"
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__}, whose text cannot be made: {type(error).__name__}>"
