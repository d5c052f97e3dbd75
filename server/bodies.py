"""Reading request bodies: strict JSON, bounded in bytes and depth."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from aiohttp import web

from server.errors import Refused

__all__ = ["MAX_DEPTH", "MAX_JSON_BYTES", "object_body", "parse_json", "read_json"]

MAX_JSON_BYTES = 48 * 1024 * 1024
"""Largest JSON body; a graph of 100,000 nodes has less than half of it."""
MAX_DEPTH = 200
"""Deepest nesting of a JSON body."""
_IN_LOOP = 256 * 1024
"""Bodies up to this size are parsed at once, larger ones in a thread."""


async def read_json(request: web.Request) -> Any:
    """Parse the body as JSON, whatever its Content-Type says.

    Raises:
        Refused: 400 when it is no strict JSON, is nested too deeply or repeats a key; 413 when it is too long.
    """
    length = request.content_length
    if length is not None and length > MAX_JSON_BYTES:
        raise too_long(MAX_JSON_BYTES)
    body = await request.read()
    if len(body) > MAX_JSON_BYTES:
        raise too_long(MAX_JSON_BYTES)
    return parse_json(body) if len(body) <= _IN_LOOP else await asyncio.to_thread(parse_json, body)


async def object_body(request: web.Request) -> dict[str, Any]:
    """Parse the body as a JSON object.

    Raises:
        Refused: as `read_json`, and when it is not an object.
    """
    data = await read_json(request)
    if not isinstance(data, dict):
        raise Refused(400, "invalid_body", "The body must be a JSON object.", "Send {…}.")
    return data


def parse_json(body: bytes) -> Any:
    """Parse strict JSON: no NaN, no infinities, no repeated keys, at most `MAX_DEPTH` levels.

    Raises:
        Refused: 400, saying what is wrong and where.
    """
    try:
        data = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique)
        _check_depth(data)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise Refused(400, "invalid_json", f"The body is not UTF-8: {error.reason}.", "Send UTF-8 JSON.") from None
    except json.JSONDecodeError as error:
        raise Refused(
            400, "invalid_json", f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:
        raise Refused(400, "invalid_json", f"The body is not JSON: {error}.") from None
    return data


def too_long(limit: int) -> Refused:
    """The answer to a body that is too long."""
    return Refused(413, "body_too_long", f"Maximum request body size {limit} exceeded.", "Send less at once.")


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number; send a finite number or null")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key!r} appears twice in one object")
            seen.add(key)
    return result


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is dict:
                deeper += [item for item in value.values() if type(item) is dict or type(item) is list]
            elif kind is list:
                deeper += [item for item in value if type(item) is dict or type(item) is list]
        if not deeper:
            return
        level = deeper
    raise _too_deep()


def _too_deep() -> Refused:
    return Refused(400, "too_deep", f"The body is nested more than {MAX_DEPTH} levels deep.", "Flatten it.")
