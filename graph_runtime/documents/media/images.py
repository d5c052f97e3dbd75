"""Texts in PNG, animated PNG, WEBP and JPEG files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_TEXT: Final = 64 * 2**20
_MAX_DIRECTORIES: Final = 16
_ASCII, _BYTES, _UNDEFINED = 2, 1, 7
_EXIF_POINTER, _USER_COMMENT = 0x8769, 0x9286


def read_png(data: bytes) -> dict[str, str]:
    """`tEXt`, `zTXt`, `iTXt` and `comf` chunks by keyword; the first of a keyword counts."""
    found: dict[str, str] = {}
    left = MAX_TEXT
    for kind, body in _png_chunks(data):
        if kind == b"eXIf":
            found = {**read_exif(body), **found}
        elif kind in (b"tEXt", b"zTXt", b"iTXt", b"comf"):
            keyword, nul, rest = body.partition(b"\0")
            key = keyword.decode("latin-1")
            text = _png_text(kind, rest, left) if nul and key not in found else None
            if text is not None:
                found[key] = text
                left -= len(text)
    return found


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_SIGNATURE)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"IEND" or at + 8 + length > len(data):
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _png_text(kind: bytes, rest: bytes, limit: int) -> str | None:
    if kind in (b"tEXt", b"comf"):
        return _utf8_or_latin(rest)
    if kind == b"zTXt":
        return _utf8_or_latin(_inflate(rest[1:], limit))
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return None
    return (_inflate(parts[2], limit) if rest[:1] == b"\x01" else parts[2]).decode("utf-8", "replace")


def _utf8_or_latin(raw: bytes) -> str:
    """Latin-1 by the standard; some programs write UTF-8 all the same."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _inflate(raw: bytes, limit: int) -> bytes:
    """Decompress at most `limit` bytes; a bomb is refused, not unpacked."""
    engine = zlib.decompressobj()
    try:
        text = engine.decompress(raw, max(limit, 1))
    except zlib.error as error:
        raise ValueError(f"a compressed text cannot be unpacked ({error})") from error
    if engine.unconsumed_tail:
        raise ValueError(f"its compressed texts are longer than {MAX_TEXT} bytes")
    return text


def read_webp(data: bytes) -> dict[str, str]:
    """Texts of the EXIF chunk, each stored as `key:text` in its tag."""
    at = 12
    while at + 8 <= len(data):
        kind = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        if kind == b"EXIF":
            return read_exif(data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return {}


def read_jpeg(data: bytes) -> dict[str, str]:
    """Texts of the EXIF segment; the user comment, which other tools fill, is `parameters`."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return read_exif(data[at + 4 : at + 2 + length])
        at += 2 + max(length, 2)
    return {}


def read_exif(raw: bytes) -> dict[str, str]:
    """Texts in EXIF tags written as `key:text`, and the user comment as `parameters`."""
    raw = raw.removeprefix(b"Exif\0\0")
    if raw[:4] not in (b"II*\0", b"MM\0*"):
        return {}
    order = "<" if raw[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", raw, 4)
    found: dict[str, str] = {}
    pending, seen = [start], set[int]()
    while pending:
        at = pending.pop()
        if at in seen or len(seen) >= _MAX_DIRECTORIES or at + 2 > len(raw):
            continue
        seen.add(at)
        (count,) = struct.unpack_from(f"{order}H", raw, at)
        for index in range(count):
            entry = at + 2 + 12 * index
            if entry + 12 > len(raw):
                break
            tag, kind, size, value = struct.unpack_from(f"{order}HHII", raw, entry)
            if tag == _EXIF_POINTER:
                pending.append(value)
            elif kind in (_ASCII, _BYTES, _UNDEFINED):
                body = raw[entry + 8 : entry + 8 + size] if size <= 4 else raw[value : value + size]
                _add_exif(found, tag, body)
    return found


def _add_exif(found: dict[str, str], tag: int, body: bytes) -> None:
    if tag == _USER_COMMENT:
        code, text = body[:8], body[8:]
        if code.startswith(b"UNICODE"):
            order = "utf-16-be" if text[:1] == b"\0" else "utf-16-le"
            found.setdefault("parameters", text.decode(order, "replace").rstrip("\0"))
        else:
            found.setdefault("parameters", _utf8_or_latin(text).rstrip("\0"))
        return
    key, colon, text_ = _utf8_or_latin(body.rstrip(b"\0")).partition(":")
    if colon and key.isidentifier():
        found.setdefault(key.lower(), text_)
