"""PostgreSQL: one writer that holds the database for itself, and a few readers.

The writer's connection takes an advisory lock, so that two servers never hand out the same queue, and asks for full
durability whatever the database server's default is.
"""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.errors import StoreError

__all__ = ["ERRORS", "engines"]

ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)
CONNECT_SECONDS = 10.0
LOCK_SECONDS = 5
"""How long a starting server waits for one that is just ending."""
READERS = 4
_LOCK = 0x48656464  # "Hedd"; advisory locks belong to one database


def engines(place: URL) -> tuple[AsyncEngine, AsyncEngine]:
    """The writer's and the readers' engine on a database."""
    place = place.set(drivername="postgresql+asyncpg")
    writer, reader = _engine(place, 1), _engine(place, READERS, isolation_level="AUTOCOMMIT")

    @event.listens_for(writer.sync_engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.run_async(_hold)

    return writer, reader


def _engine(place: URL, connections: int, **more: Any) -> AsyncEngine:
    settings = {"application_name": "heddle"}
    return create_async_engine(
        place,
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": CONNECT_SECONDS, "server_settings": settings},
        **more,
    )


async def _hold(connection: asyncpg.Connection) -> None:
    """Take the database, or say who else may have it."""
    try:
        await connection.execute(f"SET synchronous_commit = on; SET lock_timeout = '{LOCK_SECONDS}s'")
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute("RESET lock_timeout")
    except asyncpg.LockNotAvailableError:
        connection.terminate()
        raise StoreError(
            "Another server works on this PostgreSQL database. Stop it, or name another database with --database."
        ) from None
    except BaseException:
        connection.terminate()
        raise
