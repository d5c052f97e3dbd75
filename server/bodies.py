"""Reading request bodies: strict JSON, bounded in bytes, values and depth.

A body is bounded before it is parsed, because parsing costs more than sending: 48 MB of `[],[],…` would become a
gigabyte of lists. Large bodies are parsed in a thread, so that others are answered meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any, NoReturn

from aiohttp import hdrs, web

from server.errors import Refused

__all__ = [
    "MAX_DEPTH",
    "MAX_JSON_BYTES",
    "MAX_VALUES",
    "bounded_body",
    "check_values",
    "object_body",
    "parse_json",
    "read_json",
    "too_long",
]

MAX_JSON_BYTES = 48 * 1024 * 1024
"""Largest JSON body; a graph of 100,000 nodes has less than half of it."""
MAX_VALUES = 6_000_000
"""Most values in a JSON body, estimated by its commas and brackets; a graph of 100,000 nodes has about half of it."""
MAX_DEPTH = 200
"""Deepest nesting of a JSON body."""
_IN_LOOP = 256 * 1024
"""Bodies up to this size are parsed at once, larger ones in a thread."""
_CHUNK = 1024 * 1024
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


async def read_json(request: web.Request, *, open_tokens: bool = False) -> Any:
    """Parse the body as JSON, whatever its Content-Type says.

    Args:
        open_tokens: as `parse_json`.
    Raises:
        Refused: 400 when it is no strict JSON, is nested too deeply or repeats a key; 413 when it is too long.
    """
    body = await bounded_body(request, MAX_JSON_BYTES)
    if len(body) <= _IN_LOOP:
        return parse_json(body, open_tokens=open_tokens)
    return await asyncio.to_thread(parse_json, body, open_tokens=open_tokens)


async def bounded_body(request: web.Request, limit: int) -> bytes:
    """The body, as far as a limit: a longer one is refused without being read to its end.

    Raises:
        Refused: 413, naming the limit.
    """
    length = request.content_length
    if length is not None and length > limit:
        raise too_long(limit)
    if not request.can_read_body:
        return b""
    body = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise too_long(limit)
    return bytes(body)


async def object_body(request: web.Request, *, open_tokens: bool = False) -> dict[str, Any]:
    """Parse the body as a JSON object.

    Args:
        open_tokens: as `parse_json`.
    Raises:
        Refused: as `read_json`, and when it is not an object.
    """
    data = await read_json(request, open_tokens=open_tokens)
    if not isinstance(data, dict):
        raise Refused(400, "invalid_body", "The body must be a JSON object.", "Send {…}.")
    return data


def parse_json(body: bytes, *, open_tokens: bool = False) -> Any:
    """Parse strict JSON: finite numbers, no repeated keys, no half characters, at most `MAX_DEPTH` levels.

    Args:
        open_tokens: whether the change token of a node (`is_changed`) may be NaN; it is left out then. The established
            server wrote such prompts into pictures, and programs submit them as they find them there.
    Raises:
        Refused: 400, saying what is wrong and where; 413 for too many values.
    """
    check_values(body)
    try:
        text = body.decode("utf-8")
        try:
            data = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
        except _NoNumber:
            if not open_tokens:
                raise
            data = _without_open_tokens(text)
        _check_depth(data)
        if _SURROGATE.search(body):
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise Refused(400, "invalid_json", f"The body is not UTF-8: {error.reason}.", "Send UTF-8 JSON.") from None
    except UnicodeEncodeError:
        what = "The body has a \\u escape of half a character (a lone surrogate)."
        raise Refused(400, "invalid_json", what, "Send both halves, or the character itself.") from None
    except json.JSONDecodeError as error:
        raise Refused(
            400, "invalid_json", f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:
        raise Refused(400, "invalid_json", f"The body is not JSON: {error}.") from None
    return data


def check_values(body: bytes) -> None:
    """Refuse JSON whose values would fill the memory, before it is parsed.

    Raises:
        Refused: 413, naming the limit.
    """
    if len(body) <= MAX_VALUES:
        return
    values = body.count(b",") + body.count(b"[") + body.count(b"{")
    if values > MAX_VALUES:
        raise Refused(413, "too_many_values", f"The body has more than {MAX_VALUES:,} values.", "Send less at once.")


def too_long(limit: int) -> Refused:
    """The answer to a body that is too long; what is left of it is not read."""
    what = f"Maximum request body size {limit} exceeded."
    return Refused(413, "body_too_long", what, "Send less at once.", headers={hdrs.CONNECTION: "close"})


class _NoNumber(ValueError):
    """A NaN or an infinity, which JSON has no word for."""


def _refuse_constant(word: str) -> NoReturn:
    raise _NoNumber(f"{word} is no JSON number; send a finite number or null")


def _without_open_tokens(text: str) -> Any:
    """Parse again, leaving out change tokens that are or hold NaN; any other constant is refused as before."""
    others: list[str] = []

    def note(word: str) -> float:
        others.append(word)
        return math.nan

    def leave_out(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = _unique(pairs)
        token = found.get("is_changed")
        held = [item for item in (token if isinstance(token, list) else [token]) if item != item]
        if held:
            del found["is_changed"], others[-len(held) :]
        return found

    data = json.loads(text, parse_constant=note, parse_float=_finite, object_pairs_hook=leave_out)
    if others:
        _refuse_constant(others[0])
    return data


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is too large for a number; send a finite number")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:80]!r} appears twice in one object")
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
