"""Opening the job database: connections for one writer and several readers.

SQLite runs in WAL mode with full synchronisation, so a committed job survives a power cut, and readers never wait for
the writer. Every writing transaction starts as `BEGIN IMMEDIATE`: it waits for its turn at the beginning instead of
failing in the middle.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.errors import StoreError
from server.store.inline_sqlite import connect_inline
from server.store.schema import SCHEMA_VERSION, facts, metadata

__all__ = ["Database", "open_database"]

BUSY_SECONDS = 30.0
"""How long a statement waits for another process's lock before it fails."""


class Database:
    """Two engines on one database: `writer` has a single connection, `reader` a few."""

    __slots__ = ("reader", "writer")

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.writer = writer
        self.reader = reader

    async def close(self) -> None:
        """End every connection."""
        await self.reader.dispose()
        await self.writer.dispose()


async def open_database(url: str) -> Database:
    """Connect, make the tables where there are none, and check their version.

    Raises:
        StoreError: if the URL is unusable, the file cannot be opened or is another version's.
    """
    try:
        kind = make_url(url)
        if kind.drivername != "sqlite+aiosqlite":
            raise StoreError(
                f"--database {kind.render_as_string(hide_password=True)}: jobs are kept in SQLite only. "
                "Use sqlite+aiosqlite:///FILE."
            )
        if kind.database in (None, "", ":memory:"):
            raise StoreError(f"--database {url}: a database in memory loses every job. Name a file.")
        database = Database(_sqlite(url, 1, writes=True), _sqlite(url, 4, writes=False))
    except ArgumentError as error:
        raise StoreError(f"--database {url}: {error} Use sqlite+aiosqlite:///FILE.") from error
    try:
        async with database.writer.begin() as connection:
            await connection.run_sync(_prepare)
    except StoreError:
        await database.close()
        raise
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        await database.close()
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(
            f"The job database {kind.render_as_string(hide_password=True)} cannot be opened: {cause}. "
            "Check that its folder exists, is writable and has space, or name another with --database."
        ) from error
    return database


def _sqlite(url: str, connections: int, writes: bool) -> AsyncEngine:
    """An engine whose transactions are begun here, not guessed by the driver; readers need none at all."""
    path = make_url(url).database or ""
    more: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS}, "skip_autocommit_rollback": True}
    if writes:
        more = {"async_creator": lambda: connect_inline(path, BUSY_SECONDS)}
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, **more)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=2000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    if writes:

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Connection) -> None:
            if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
                connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _prepare(connection: Connection) -> None:
    metadata.create_all(connection)
    version = connection.execute(select(facts.c.value).where(facts.c.name == "schema")).scalar()
    if version is None:
        connection.execute(insert(facts).values(name="schema", value=str(SCHEMA_VERSION)))
    elif version != str(SCHEMA_VERSION):
        raise StoreError(
            f"The job database is of version {version}; this program writes version {SCHEMA_VERSION}. "
            "Start the program that made it, or name another database with --database."
        )
