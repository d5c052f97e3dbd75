"""Opening the job database: connections for one writer and several readers, on SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.errors import StoreError
from server.store.migrate import prepare

__all__ = ["Database", "cause_of", "is_lost", "open_database"]

log = logging.getLogger("heddle.store")

READ_PATIENCE = 20.0
"""Seconds for which a question waits for a database that is being restarted."""
LOOK_AGAIN = 0.25
_HINT = "Use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."


class Database:
    """Two engines on one database: `writer` has a single connection, `reader` a few."""

    __slots__ = ("errors", "reader", "writer")

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, *errors: type[Exception]) -> None:
        self.writer = writer
        self.reader = reader
        self.errors: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, *errors)
        """What can be raised where the database fails; drivers raise some errors as they are."""

    async def read(self, question: Executable) -> Sequence[Row[Any]]:
        """Every row of an answer; waits while a database server is being restarted.

        Raises:
            SQLAlchemyError: if the database refuses the question.
            StoreError: if the database cannot be reached for a while.
        """
        deadline = time.monotonic() + READ_PATIENCE
        while True:
            try:
                async with self.reader.connect() as connection:
                    return (await connection.execute(question)).all()
            except self.errors as error:
                if not is_lost(error):
                    raise
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"The job database cannot be reached: {cause_of(error)}. Try again later."
                    ) from error
            await asyncio.sleep(LOOK_AGAIN)

    async def close(self) -> None:
        """End every connection."""
        await self.reader.dispose()
        await self.writer.dispose()


def cause_of(error: BaseException) -> str:
    """What the database said, in one line."""
    original = getattr(error, "orig", None) or error
    return (str(original).splitlines() or [type(original).__name__])[0].rstrip(".")


def is_lost(error: BaseException) -> bool:
    """Whether an error means that the connection is gone, so that the same may work over another one."""
    if isinstance(error, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    return state.startswith("08") or state in ("57P01", "57P02", "57P03")  # shutting down, crashed, starting up


async def open_database(url: str) -> Database:
    """Connect, make the tables where there are none, and upgrade those of an older program.

    Raises:
        StoreError: if the URL is unusable, the database cannot be opened, is in use, or is a newer version's.
    """
    try:
        place = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"--database: this is no URL of a database. {_HINT}") from error
    shown = place.render_as_string(hide_password=True)
    database = _engines(place, shown)
    try:
        async with database.writer.begin() as connection:
            await connection.run_sync(prepare)
    except BaseException as error:
        await database.close()
        if isinstance(error, StoreError) or not isinstance(error, database.errors):
            raise
        todo = (
            "Check that its folder exists, is writable and has space, or name another with --database."
            if place.get_backend_name() == "sqlite"
            else "Check that the server runs, that the database exists, and the name and password in --database."
        )
        raise StoreError(f"The job database {shown} cannot be opened: {cause_of(error)}. {todo}") from error
    return database


def _engines(place: URL, shown: str) -> Database:
    match place.drivername:
        case "sqlite" | "sqlite+aiosqlite":
            from server.store import sqlite

            if place.database in (None, "", ":memory:"):
                raise StoreError(f"--database {shown}: a database in memory loses every job. Name a file.")
            return Database(*sqlite.engines(place), *sqlite.ERRORS)
        case "postgresql" | "postgres" | "postgresql+asyncpg":
            from server.store import postgresql

            return Database(*postgresql.engines(place), *postgresql.ERRORS)
        case other:
            raise StoreError(f"--database {shown}: jobs are not kept in {other}. {_HINT}")
