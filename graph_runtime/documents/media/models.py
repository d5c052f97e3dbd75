"""Texts in safetensors, GLB, SVG and plain JSON files."""

from __future__ import annotations

import html
import json
import struct
from typing import Any, Final

from graph_runtime.documents.reading import read_json

MAX_HEADER: Final = 100 * 2**20
_CDATA: Final = "<![CDATA["


def is_safetensors(data: bytes) -> bool:
    """Eight bytes of length, then a JSON object."""
    return len(data) > 9 and data[8:9] == b"{" and 2 <= int.from_bytes(data[:8], "little") <= MAX_HEADER


def read_safetensors(data: bytes) -> dict[str, str]:
    """The `__metadata__` of a safetensors or `.latent` header."""
    size = int.from_bytes(data[:8], "little")
    if 8 + size > len(data):
        raise ValueError(f"its header has {size} bytes, the file only {len(data)}")
    header = read_json(data[8 : 8 + size])
    return _texts(header.get("__metadata__") if isinstance(header, dict) else None)


def read_glb(data: bytes) -> dict[str, str]:
    """The extras of a GLB file's JSON chunk, its asset's extras included."""
    if data[16:20] != b"JSON":
        return {}
    (length,) = struct.unpack_from("<I", data, 12)
    content = read_json(data[20 : 20 + length].rstrip(b" \0"))
    if not isinstance(content, dict):
        return {}
    asset = content.get("asset")
    return {**_texts(content.get("extras")), **_texts(asset.get("extras") if isinstance(asset, dict) else None)}


def _texts(values: Any) -> dict[str, str]:
    if not isinstance(values, dict):
        return {}
    return {key: each if isinstance(each, str) else json.dumps(each) for key, each in values.items()}


def is_svg(data: bytes) -> bool:
    """An XML text with an svg element near its beginning."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith(b"<") and b"<svg" in head


def read_svg(data: bytes) -> dict[str, str]:
    """The JSON in the metadata element: an object with the usual keys.

    The element is found by its tag; the file is never given to an XML parser, whose entities could do harm.
    """
    found: dict[str, str] = {}
    text = data.decode("utf-8", "replace")
    at = 0
    while (start := text.find("<metadata", at)) >= 0:
        inner, at = _element_text(text, start)
        if inner.strip().startswith("{"):
            found |= _texts(read_json(inner.strip()))
    return found


def _element_text(text: str, start: int) -> tuple[str, int]:
    """The text of a metadata element and where it ends; its character data may hold anything but its own end."""
    at = text.find(">", start) + 1
    end = text.find("</metadata", at)
    parts: list[str] = []
    while at > 0 and (opened := text.find(_CDATA, at)) >= 0 and (end < 0 or opened < end):
        closed = text.find("]]>", opened)
        if closed < 0:
            return "", len(text)
        parts.append(text[opened + len(_CDATA) : closed])
        at = closed + 3
        if end < at:
            end = text.find("</metadata", at)
    if at <= 0 or end < 0:
        return "", len(text)
    return "".join(parts) if parts else html.unescape(text[at:end]), end


def is_json(data: bytes) -> bool:
    """A text whose first character opens an object."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def read_json_text(data: bytes) -> dict[str, str]:
    """A plain JSON file is a workflow as it is."""
    return {"workflow": data.decode("utf-8-sig")}
