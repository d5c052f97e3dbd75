"""A SQLite connection for the writer that changes threads only where it has to wait.

aiosqlite hands every single call to a thread and back, which costs more than the call: a statement inside a
transaction touches memory and takes microseconds, while each change of thread waits for a turn on a busy machine. Here
only what waits goes to the thread: a transaction that finds the database locked by another process, and committing,
which waits for the disk, unless the disk has been quicker lately than a change of thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import aiosqlite

__all__ = ["InlineConnection", "connect_inline"]

QUICK = 0.0005
"""Seconds that commits may take on average to be made without a change of thread."""
_NEWEST = 0.2
"""What the newest commit counts for in the average; one that is ten times as slow sends the next ones to the thread."""


class InlineConnection(aiosqlite.Connection):
    """An aiosqlite connection whose quick calls run where they are made."""

    busy_ms = 0
    """How long a transaction waits for the lock of another process, in milliseconds."""
    commit_seconds = 1.0
    """What commits have taken lately."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        connection = self._connection
        if connection is None:
            return await self._in_thread(fn, *args, **kwargs)
        if _begins(fn, args):
            try:
                return fn(*args, **kwargs)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                return await self._in_thread(_patiently, connection, self.busy_ms, fn, *args)
        if isinstance(getattr(fn, "__self__", None), sqlite3.Cursor) and connection.in_transaction:
            return fn(*args, **kwargs)
        match getattr(fn, "__name__", ""):
            case "cursor":
                return fn(*args, **kwargs)
            case "commit":
                return await self._commit(connection)
        return await self._in_thread(fn, *args, **kwargs)

    async def _commit(self, connection: sqlite3.Connection) -> None:
        """Flush to disk, in the thread unless that has been quick."""
        if self.commit_seconds < QUICK:
            took = _timed(connection.commit)
        else:
            took = await self._in_thread(_timed, connection.commit)
        self.commit_seconds += _NEWEST * (took - self.commit_seconds)

    async def start_transaction(self) -> None:
        """Begin to write; waits while another process does."""
        assert self._connection is not None
        await self._execute(self._connection.execute, "BEGIN IMMEDIATE")

    def run(self, text: str, parameters: Any) -> sqlite3.Cursor:
        """Run a statement inside the transaction, at once; for each of a list of parameters where one is given."""
        assert self._connection is not None
        if isinstance(parameters, list):
            return self._connection.executemany(text, parameters)
        return self._connection.execute(text, parameters)

    async def _in_thread(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]


async def connect_inline(path: str, timeout: float) -> InlineConnection:
    """Open a database file.

    Args:
        timeout: seconds that a transaction waits for the lock of another process.
    """

    def connector() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=0, check_same_thread=False, isolation_level=None)

    connection = InlineConnection(connector, 64)
    connection.busy_ms = int(timeout * 1000)
    connection._thread.daemon = True  # as SQLAlchemy does for connections that it makes itself
    try:
        await connection
    except sqlite3.Error:
        await asyncio.to_thread(connection._thread.join)  # it still has a word for this loop
        raise
    return connection


def _timed(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _begins(fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    return getattr(fn, "__name__", "") == "execute" and bool(args) and str(args[0]).startswith("BEGIN")


def _patiently(connection: sqlite3.Connection, busy_ms: int, fn: Callable[..., Any], *args: Any) -> Any:
    """Call with the patience that is not wanted where it would hold up everything else."""
    connection.execute(f"PRAGMA busy_timeout={busy_ms}")
    try:
        return fn(*args)
    finally:
        connection.execute("PRAGMA busy_timeout=0")
