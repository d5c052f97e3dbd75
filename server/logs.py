"""The log: on standard error as lines or as JSON, and the newest lines as clients see them."""

from __future__ import annotations

import datetime
import json
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

from aiohttp.http_exceptions import HttpProcessingError

__all__ = ["LogBook", "LogFormat", "begin_logging"]

LogFormat = Literal["text", "json"]
KEPT = 500
"""Lines kept."""
_OURS = ("heddle", "aiohttp", "asyncio")
"""Loggers whose lines are written."""


class LogBook(logging.Handler):
    """Keeps the newest lines and passes new ones on."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: deque[dict[str, str]] = deque(maxlen=KEPT)
        self._tell: Callable[[list[Mapping[str, Any]]], None] | None = None
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    @property
    def entries(self) -> list[dict[str, str]]:
        """The newest lines, oldest first: `{"t": ISO time, "m": text}`."""
        return list(self._entries)

    def tell(self, listener: Callable[[list[Mapping[str, Any]]], None] | None) -> None:
        """Call this with every new line."""
        self._tell = listener

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of the server's own log."""
        self.add([{"t": _time(record), "m": self.format(record) + "\n"}])

    def add(self, entries: list[Mapping[str, Any]]) -> None:
        """Keep lines of a worker."""
        self._entries.extend({"t": str(entry["t"]), "m": str(entry["m"])} for entry in entries)
        if self._tell is not None:
            self._tell(entries)


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the fields of what happened."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def begin_logging(level: str, book: LogBook, form: LogFormat = "text") -> None:
    """Write the log of the server and of its libraries to standard error and into the book."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(
        _JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    for handler in (stream, book):
        handler.filters = [_shorten]
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.setLevel(level if name == "heddle" else max(logging.WARNING, logging.getLevelName(level)))
        logger.propagate = False
        logger.handlers = [stream, book]


def _shorten(record: logging.LogRecord) -> bool:
    """Say of a client that speaks no HTTP that it does, in one line instead of a traceback of the library."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args = f"refused what is no HTTP: {error.message.splitlines()[0][:200]}", ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _time(record: logging.LogRecord) -> str:
    return datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat()
