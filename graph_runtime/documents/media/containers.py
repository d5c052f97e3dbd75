"""Texts in MP4 and WebM files."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_TAGS, _TAG, _SIMPLE_TAG, _TAG_NAME, _TAG_STRING = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
_SEGMENT = 0x18538067


def read_mp4(data: bytes) -> dict[str, str]:
    """Named metadata (`mdta` keys) and iTunes-style free texts below `moov`."""
    found: dict[str, str] = {}
    for path in ((b"moov", b"meta"), (b"moov", b"udta", b"meta")):
        for meta in _at(data, path):
            # QuickTime writes `meta` without the version field that ISO files have.
            body = meta if meta[4:8] == b"hdlr" else meta[4:]
            boxes = list(_boxes(body))
            keys = next((_key_names(each) for kind, each in boxes if kind == b"keys"), [])
            for kind, each in boxes:
                if kind == b"ilst":
                    _read_items(each, keys, found)
    return found


def _at(data: bytes, path: tuple[bytes, ...]) -> Iterator[bytes]:
    level = [data]
    for step in path:
        level = [body for each in level for kind, body in _boxes(each) if kind == step]
    yield from level


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = len(data) - at
        if size < head:
            return
        yield kind, data[at + head : at + size]
        at += size


def _key_names(raw: bytes) -> list[str]:
    names, at = [], 8
    while at + 8 <= len(raw):
        (size,) = struct.unpack_from(">I", raw, at)
        if size < 8:
            break
        names.append(raw[at + 8 : at + size].decode("utf-8", "replace"))
        at += size
    return names


def _read_items(raw: bytes, keys: list[str], found: dict[str, str]) -> None:
    for kind, body in _boxes(raw):
        number = int.from_bytes(kind, "big")
        parts = dict(_boxes(body))
        if kind == b"----":
            name = parts.get(b"name", b"")[4:].decode("utf-8", "replace")
        else:
            name = keys[number - 1] if 1 <= number <= len(keys) else ""
        if name and b"data" in parts:
            found.setdefault(name.rsplit(".", 1)[-1].lower(), parts[b"data"][8:].decode("utf-8", "replace"))


def read_webm(data: bytes) -> dict[str, str]:
    """The simple tags of a Matroska or WebM file, keys in lower case."""
    found: dict[str, str] = {}
    pending = [(0, len(data))]
    while pending:
        at, end = pending.pop()
        name = text = None
        for kind, start, stop in _elements(data, at, end):
            if kind in (_SEGMENT, _TAGS, _TAG, _SIMPLE_TAG):
                pending.append((start, stop))
            elif kind == _TAG_NAME:
                name = data[start:stop].decode("utf-8", "replace")
            elif kind == _TAG_STRING:
                text = data[start:stop].decode("utf-8", "replace")
        if name and text is not None:
            found.setdefault(name.lower(), text.rstrip("\0"))
    return found


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(id, start, end) of each EBML element; one of unknown size reaches to the end."""
    while at < end:
        kind, at = _number(data, at, keep_marker=True)
        size, start = _number(data, at, keep_marker=False)
        if kind < 0 or size == -1:
            return
        stop = end if size == -2 else min(start + size, end)
        yield kind, start, stop
        at = stop


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """A variable-length number and where it ends; -1 where the file breaks off, -2 for an unknown size."""
    if at >= len(data) or data[at] == 0:
        return -1, at
    length = 9 - data[at].bit_length()
    raw = data[at : at + length]
    if len(raw) < length:
        return -1, at
    value = int.from_bytes(raw, "big")
    if not keep_marker:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            value = -2
    return value, at + length
