"""Cheap nodes for the chaos tests: they need no torch, leave marks of what ran, and can be told to misbehave."""

from __future__ import annotations

import ctypes
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Annotated

from graph_runtime.api import Context, Range, Socket, node

Number = Annotated[int, Socket("NUMBER", "a whole number")]


@node("number", device=False)
def number(value: int = 0) -> Number:
    """A number."""
    return value


@node("work", device=False)
def work(
    number: Number, ctx: Context, seconds: Annotated[float, Range(0, 600)] = 0.0, journal: str = "", salt: int = 0
) -> Number:
    """Take some time, a step each 20 ms, and add one.

    Args:
        journal: a file to which the job's id is added when the work begins.
        salt: makes otherwise equal nodes different.
    """
    if journal:
        with open(journal, "a") as file:
            file.write(f"{ctx.job} {ctx.node_id} {os.getpid()}\n")
    steps = max(1, round(seconds / 0.02))
    for step in range(steps):
        time.sleep(seconds / steps)
        ctx.progress(step + 1, steps)
    return number + 1


@node("deaf", device=False)
def deaf(number: Number, seconds: float = 60.0) -> Number:
    """Sleep without listening to anybody."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
    return number


@node("die", device=False)
def die(number: Number, how: str = "exit", times: int = 1, marker: str = "") -> Number:
    """End the whole process the first few times.

    Args:
        how: "exit", "kill", "segfault" or "memory".
        times: how often; a file counts.
        marker: that file.
    """
    path = Path(marker)
    count = len(path.read_text()) if path.exists() else 0
    if count >= times:
        return number
    path.write_text("x" * (count + 1))
    match how:
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), 9)
        case "segfault":
            ctypes.string_at(0)
        case "memory":
            hoard = [bytearray(os.urandom(1024) * 16 * 1024) for _ in range(40_000)]
            return len(hoard)
    return number


@node("picture", terminal=True, device=False)
def picture(
    number: Number, ctx: Context, name: str = "chaos", size: Annotated[int, Range(1, 4096)] = 16, count: int = 1
) -> None:
    """Save square pictures of random dots, which do not compress.

    Args:
        name: begins the files' names.
        size: of a side, in pixels.
        count: how many files.
    """
    for index in range(count):
        ctx.show(ctx.files.write(name, ".png", png(size, number + index)))


def png(size: int, seed: int) -> bytes:
    """A greyscale PNG of noise."""
    rows = b"".join(b"\0" + os.urandom(size) for _ in range(size))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"".join(
        (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 1)), chunk(b"IEND", b""))
    )
