"""Texts in FLAC, Ogg (Opus, Vorbis) and MP3 files."""

from __future__ import annotations

import struct


def read_flac(data: bytes) -> dict[str, str]:
    """The Vorbis comments of a FLAC file; a leading ID3 tag is none of its business."""
    at, last = 4, False
    while not last and at + 4 <= len(data):
        head = data[at]
        last, kind = bool(head & 0x80), head & 0x7F
        length = int.from_bytes(data[at + 1 : at + 4], "big")
        if kind == 4:
            return read_vorbis_comments(data[at + 4 : at + 4 + length])
        at += 4 + length
    return {}


def read_vorbis_comments(raw: bytes) -> dict[str, str]:
    """`KEY=text` pairs, keys in lower case."""
    found: dict[str, str] = {}
    if len(raw) < 8:
        return found
    (vendor,) = struct.unpack_from("<I", raw, 0)
    at = 4 + vendor
    if at + 4 > len(raw):
        return found
    (count,) = struct.unpack_from("<I", raw, at)
    at += 4
    for _ in range(count):
        if at + 4 > len(raw):
            break
        (length,) = struct.unpack_from("<I", raw, at)
        key, equals, text = raw[at + 4 : at + 4 + length].decode("utf-8", "replace").partition("=")
        if equals:
            found.setdefault(key.lower(), text)
        at += 4 + length
    return found


def read_ogg(data: bytes) -> dict[str, str]:
    """The comment header of the first stream: the second packet of an Opus or Vorbis file."""
    packets: list[bytes] = []
    packet = bytearray()
    at, serial = 0, None
    while len(packets) < 2 and at + 27 <= len(data) and data[at : at + 4] == b"OggS":
        count = data[at + 26]
        sizes = data[at + 27 : at + 27 + count]
        page_serial = data[at + 14 : at + 18]
        serial = serial if serial is not None else page_serial
        body = at + 27 + count
        for size in sizes:
            if page_serial == serial:
                packet += data[body : body + size]
                if size < 255:
                    packets.append(bytes(packet))
                    packet.clear()
            body += size
        at = body
    for each in packets[1:]:
        for magic in (b"OpusTags", b"\x03vorbis"):
            if each.startswith(magic):
                return read_vorbis_comments(each[len(magic) :])
    return {}


def read_mp3(data: bytes) -> dict[str, str]:
    """The user texts (TXXX) and comments of an ID3v2 tag."""
    major, flags = data[3], data[5]
    end = min(10 + _syncsafe(data[6:10]), len(data))
    at = 10
    if flags & 0x40 and major >= 3:
        at += _syncsafe(data[10:14]) if major == 4 else 4 + int.from_bytes(data[10:14], "big")
    found: dict[str, str] = {}
    while at + 10 <= end and data[at] != 0:
        kind = data[at : at + 4]
        raw_size = data[at + 4 : at + 8]
        size = _syncsafe(raw_size) if major == 4 else int.from_bytes(raw_size, "big")
        body = data[at + 10 : at + 10 + size]
        if kind == b"TXXX" and body:
            key, text = _split_text(body[0], body[1:])
            found.setdefault(key.lower(), text)
        at += 10 + size
    return found


def _syncsafe(raw: bytes) -> int:
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value


def _split_text(encoding: int, raw: bytes) -> tuple[str, str]:
    codec = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}.get(encoding, "utf-8")
    if encoding in (1, 2):
        at = next((i for i in range(0, len(raw) - 1, 2) if raw[i : i + 2] == b"\0\0"), len(raw))
        key, text = raw[:at], raw[at + 2 :]
    else:
        key, _, text = raw.partition(b"\0")
    return key.decode(codec, "replace"), text.decode(codec, "replace").rstrip("\0")
