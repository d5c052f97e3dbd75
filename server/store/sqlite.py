"""SQLite: WAL mode with full synchronisation, so a committed job survives a power cut.

Readers never wait for the writer. Every writing transaction starts as `BEGIN IMMEDIATE`: it waits for its turn at the
beginning instead of failing in the middle.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.store.inline_sqlite import connect_inline

__all__ = ["ERRORS", "engines"]

ERRORS = (sqlite3.Error,)
BUSY_SECONDS = 30.0
"""How long a statement waits for another process's lock before it fails."""
READERS = 4


def engines(place: URL) -> tuple[AsyncEngine, AsyncEngine]:
    """The writer's and the readers' engine on a file."""
    place = place.set(drivername="sqlite+aiosqlite")
    path = place.database or ""
    writer = _engine(place, 1, async_creator=lambda: connect_inline(path, BUSY_SECONDS))

    @event.listens_for(writer.sync_engine, "begin")
    def start(connection: Connection) -> None:
        if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    reader = _engine(place, READERS, connect_args={"timeout": BUSY_SECONDS}, skip_autocommit_rollback=True)
    return writer, reader


def _engine(place: URL, connections: int, **more: Any) -> AsyncEngine:
    """An engine whose transactions are begun by us, not guessed by the driver; readers need none at all."""
    engine = create_async_engine(place, pool_size=connections, max_overflow=0, **more)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=2000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
