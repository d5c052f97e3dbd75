"""Which inputs a hook of a pack takes."""

from __future__ import annotations

import inspect
from typing import Any, Literal

__all__ = ["named"]


def named(function: Any) -> tuple[str, ...] | Literal["*"]:
    """The names of its parameters, or "*" if it takes any."""
    names = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            return "*"
        if parameter.kind is not parameter.VAR_POSITIONAL:
            names.append(parameter.name)
    return tuple(names)
