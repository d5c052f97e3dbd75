"""The log as clients see it: the newest lines of the server and its workers, and whoever follows them."""

from __future__ import annotations

import datetime
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["LogBook", "begin_logging"]

KEPT = 500
"""Lines kept."""


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
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat()
        self.add([{"t": at, "m": self.format(record) + "\n"}])

    def add(self, entries: list[Mapping[str, Any]]) -> None:
        """Keep lines of a worker."""
        self._entries.extend({"t": str(entry["t"]), "m": str(entry["m"])} for entry in entries)
        if self._tell is not None:
            self._tell(entries)


def begin_logging(level: str, book: LogBook) -> None:
    """Write our log to standard error and into the book."""
    logger = logging.getLogger("heddle")
    logger.setLevel(level)
    logger.propagate = False
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.handlers = [stream, book]
