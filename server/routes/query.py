"""Reading numbers and words from the query of a request."""

from __future__ import annotations

from typing import overload

from aiohttp import web

from server.errors import Refused

__all__ = ["says", "whole_number"]

_MOST = 2**62
"""Numbers beyond this are taken as this; no table is as long."""


@overload
def whole_number(request: web.Request, name: str, default: int) -> int: ...
@overload
def whole_number(request: web.Request, name: str, default: None = None) -> int | None: ...
def whole_number(request: web.Request, name: str, default: int | None = None) -> int | None:
    """The whole number in a query, or `default` where there is none.

    Raises:
        Refused: 400, when it is something else.
    """
    text = request.query.get(name)
    if text is None:
        return default
    try:
        return max(-_MOST, min(int(text), _MOST))
    except ValueError:
        raise Refused(400, "invalid_number", f"{name} must be a whole number; it is {text[:80]!r}.") from None


def says(request: web.Request, name: str, word: str) -> bool:
    """Whether the query gives a word for a name; clients in Python write `True` where others write `true`."""
    return request.query.get(name, "").lower() == word
