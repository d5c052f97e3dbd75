"""Capture: whatever nodes and libraries print, from Python or from C, becomes log entries and reaches stderr."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

__all__ = ["OutputCapture"]

_PIPE_BYTES = 1024 * 1024
_LINE_BYTES = 16 * 1024
_F_SETPIPE_SZ = 1031


class OutputCapture:
    """Replaces file descriptors 1 and 2 by a pipe, and hands on each line with its time.

    The pipe is large, because a C library may print while it holds the interpreter lock that the reader needs.

    Args:
        on_entries: called from the reading thread with `[{"t": ISO time, "m": text}, …]`.
        echo: also write what was captured to the original stderr.
    """

    __slots__ = ("_echo", "_on_entries", "_original", "_read", "_streams", "_thread")

    def __init__(self, on_entries: Callable[[list[dict[str, str]]], None], *, echo: bool = True) -> None:
        self._on_entries = on_entries
        self._echo = echo
        self._original: tuple[int, int] | None = None
        self._read = -1
        self._streams = sys.stdout, sys.stderr
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to capture."""
        _flush()
        self._read, write = os.pipe()
        if sys.platform.startswith("linux"):
            try:
                fcntl.fcntl(write, _F_SETPIPE_SZ, _PIPE_BYTES)
            except PermissionError:  # the system's limit for pipes is lower; the usual size has to do
                pass
        self._original = os.dup(1), os.dup(2)
        os.dup2(write, 1)
        os.dup2(write, 2)
        os.close(write)
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _line_buffered(1), _line_buffered(2)
        self._thread = threading.Thread(
            target=self._pump, args=(self._original[1],), name="output capture", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Give the descriptors back and wait until everything captured has been handed on."""
        if self._original is None:
            return
        _flush()
        stdout, stderr = self._original
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        sys.stdout, sys.stderr = self._streams
        os.close(stdout)
        self._original = None
        if self._thread is not None:
            self._thread.join(timeout=2)
        os.close(stderr)
        os.close(self._read)

    def _pump(self, stderr: int) -> None:
        rest = b""
        while True:
            try:
                data = os.read(self._read, 65536)
            except OSError:
                return
            if self._echo and data:
                try:
                    os.write(stderr, data)
                except OSError:  # nobody reads the terminal any more; the entries still go out
                    self._echo = False
            lines = (rest + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            rest = lines.pop() if data else b""
            if len(rest) > _LINE_BYTES:
                lines.append(rest)
                rest = b""
            time = datetime.now(UTC).isoformat()
            entries = [{"t": time, "m": line.decode("utf-8", "replace") + "\n"} for line in lines if line]
            if entries:
                self._on_entries(entries)
            if not data:
                return


def _line_buffered(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
