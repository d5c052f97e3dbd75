"""Single values, to feed several inputs from one place, and a look at any value."""

from __future__ import annotations

import json
from typing import Annotated, Any

from graph_runtime.api import Context, Options, Range, Text, node

__all__ = [
    "preview_any",
    "primitive_boolean",
    "primitive_float",
    "primitive_int",
    "primitive_string",
    "primitive_string_multiline",
]

_LARGEST = 2**63 - 1


@node("PrimitiveString", title="String", category="utils/primitive", device=False)
def primitive_string(*, value: Annotated[str, Text(multiline=False)]) -> str:
    """Give a text.

    Args:
        value: the text.
    """
    return value


@node("PrimitiveStringMultiline", title="String (Multiline)", category="utils/primitive", device=False)
def primitive_string_multiline(*, value: Annotated[str, Text(multiline=True)]) -> str:
    """Give a text of several lines.

    Args:
        value: the text.
    """
    return value


@node("PrimitiveInt", title="Int", category="utils/primitive", device=False)
def primitive_int(*, value: Annotated[int, Range(-_LARGEST, _LARGEST), Options(control_after_generate=True)]) -> int:
    """Give a whole number.

    Args:
        value: the number.
    """
    return value


@node("PrimitiveFloat", title="Float", category="utils/primitive", device=False)
def primitive_float(*, value: Annotated[float, Options(min=-_LARGEST, max=_LARGEST)]) -> float:
    """Give a number.

    Args:
        value: the number.
    """
    return value


@node("PrimitiveBoolean", title="Boolean", category="utils/primitive", device=False)
def primitive_boolean(*, value: bool) -> bool:
    """Give yes or no.

    Args:
        value: the answer.
    """
    return value


@node("PreviewAny", title="Preview Any", category="utils", terminal=True, device=False)
def preview_any(*, source: Any, ctx: Context) -> None:
    """Show any value as text.

    Args:
        source: what to show; data is written as JSON, other objects as they describe themselves.
    """
    ctx.show({"text": [described(source)]})


def described(value: object) -> str:
    """A value as text: numbers and texts as they are, data as JSON, anything else by its own description."""
    if isinstance(value, str | int | float | bool | None):
        return str(value)
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)
