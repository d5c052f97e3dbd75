"""Group commit: every change of the database goes through one task, and those that wait share one transaction.

A commit costs one flush to disk however much is in it, so submissions, claims and outcomes that arrive while the last
flush is under way are written together. An operation is answered only after its transaction is on disk.

A database server that is restarted takes the connection with it. What was not committed then is done again over the
next connection. Whether a commit that was not answered has happened is known by the numbers of its events: only this
task writes events, and each has a number of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Executable, func, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import StoreError
from server.store.database import Database, cause_of, is_lost
from server.store.inline_sqlite import InlineConnection
from server.store.schema import events
from server.store.statements import ADD_EVENTS, ADD_JOBS, Prepared

__all__ = ["StoredEvent", "Transaction", "Writer", "now_ms"]

log = logging.getLogger("heddle.store")

T = TypeVar("T")

MAX_GROUP = 256
"""Most operations in one transaction."""
PATIENCE = 30.0
"""Seconds for which an operation waits for a database server that cannot be reached."""
LOOK_AGAIN = 0.25
TRY_AGAIN = 1.0
"""Seconds until an operation that must not be lost is tried again."""
_OUR_FAULTS = {kind.__name__: kind for kind in (IntegrityError, ProgrammingError, DataError, InterfaceError)}
"""Errors that trying again does not mend."""


def now_ms() -> int:
    """The time of day in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that became true of a job, with its place in the order of everything that ever happened."""

    seq: int
    job: str
    attempt: int
    kind: str
    data: Mapping[str, Any]
    at: int
    client_id: str | None = None
    """Who submitted the job, where the change knew; not stored."""


class Transaction:
    """What an operation may do: run statements and say what happened.

    Args:
        connection: where general statements run.
        driver: SQLite's own connection, where prepared statements run; None for other databases.
        next_seq: the number of the next event.
    """

    __slots__ = ("_connection", "_driver", "_new_jobs", "_next", "events")

    def __init__(self, connection: AsyncConnection, driver: InlineConnection | None, next_seq: int) -> None:
        self._connection = connection
        self._driver = driver
        self._next = next_seq
        self._new_jobs: list[Mapping[str, Any]] = []
        self.events: list[StoredEvent] = []

    def add_job(self, row: Mapping[str, Any]) -> None:
        """Insert a job; those of one transaction go to the database together, before any other statement."""
        self._new_jobs.append(row)

    async def execute(self, statement: Executable, rows: Any = None) -> CursorResult[Any]:
        """Run one statement, for many rows at once where a list is given."""
        await self._insert_jobs()
        result: CursorResult[Any] = await self._connection.execute(statement, rows)
        return result

    async def first(self, prepared: Prepared, parameters: dict[str, Any]) -> Any:
        """Run a prepared statement and return the first row it gives, with names; None when there is none."""
        await self._insert_jobs()
        if self._driver is None:
            return (await self._connection.execute(prepared.statement, parameters)).first()
        values = self._driver.run(prepared.text, prepared.parameters(parameters)).fetchone()
        return None if values is None else prepared.row(values)

    async def change(self, prepared: Prepared, parameters: dict[str, Any]) -> int:
        """Run a prepared statement and return how many rows it changed."""
        await self._insert_jobs()
        if self._driver is None:
            return (await self._connection.execute(prepared.statement, parameters)).rowcount
        return self._driver.run(prepared.text, prepared.parameters(parameters)).rowcount

    def happened(self, job: str, attempt: int, kind: str, data: Mapping[str, Any], client_id: str | None = None) -> int:
        """Note an event and return its sequence number; it is stored with this transaction."""
        seq = self._next + len(self.events)
        self.events.append(StoredEvent(seq, job, attempt, kind, data, now_ms(), client_id))
        return seq

    async def finish(self) -> None:
        """Write the jobs that were added and the events that were noted."""
        await self._insert_jobs()
        if self.events:
            rows = [
                {
                    "seq": e.seq,
                    "job": e.job,
                    "attempt": e.attempt,
                    "kind": e.kind,
                    "data": json.dumps(e.data),
                    "at": e.at,
                }
                for e in self.events
            ]
            await self._add(ADD_EVENTS, rows)

    async def _insert_jobs(self) -> None:
        if self._new_jobs:
            rows, self._new_jobs = self._new_jobs, []
            await self._add(ADD_JOBS, rows)

    async def _add(self, prepared: Prepared, rows: list[Any]) -> None:
        if self._driver is None:
            await self._connection.execute(prepared.statement, rows)
        else:
            self._driver.run(prepared.text, rows)


@dataclass(slots=True, eq=False)
class _Waiting:
    operation: Callable[[Transaction], Awaitable[Any]]
    answer: asyncio.Future[Any]
    must: bool
    since: float


@dataclass(slots=True)
class _Group:
    """Operations of one transaction, and what came of them."""

    waiting: list[_Waiting]
    results: list[Any]
    transaction: Transaction


class Writer:
    """The one task that changes the database.

    Args:
        database: where to write.
        committed: called with the events of each transaction, in order, once they are on disk and before the
            operations that caused them are answered.
    """

    def __init__(self, database: Database, committed: Callable[[Sequence[StoredEvent]], None]) -> None:
        self._database = database
        self._committed = committed
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._driver: InlineConnection | None = None
        self._next_seq = 1
        self._closing = False
        self._doubtful: _Group | None = None
        self._later: list[_Waiting] = []

    @property
    def last_seq(self) -> int:
        """The number of the newest event on disk; 0 when there is none."""
        return self._next_seq - 1

    async def start(self) -> None:
        """Continue the numbering of events and begin to write."""
        newest = (await self._database.read(_NEWEST))[0][0]
        self._next_seq = (newest or 0) + 1
        self._task = asyncio.create_task(self._run(), name="database writer")

    async def write(self, operation: Callable[[Transaction], Awaitable[T]], *, must: bool = False) -> T:
        """Run an operation in a transaction, perhaps with others, and return its result once it is on disk.

        An operation may run twice: when another one in its transaction failed, each is tried again alone.

        Args:
            must: try until it succeeds, while the disk is full or the database cannot be reached.
        Raises:
            StoreError: if the writer has stopped, or the database cannot be reached for a while.
            SQLAlchemyError: if the database refuses it.
        """
        if self._task is None or self._closing:
            raise StoreError("The job database is closed; the server is stopping. Send the request again later.")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(operation, answer, must, time.monotonic()))
        self._wake.set()
        return await answer

    async def close(self) -> None:
        """Write what is waiting, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None
        self._give_up_old(time.monotonic(), must=True)

    async def _run(self) -> None:
        failures: tuple[type[Exception], ...] = (StoreError, *self._database.errors)
        said = ""
        while True:
            try:
                async with self._database.writer.connect() as connection:
                    raw = (await connection.get_raw_connection()).driver_connection
                    self._driver = raw if isinstance(raw, InlineConnection) else None
                    await self._resolve(connection)
                    said = ""
                    await self._serve(connection)
                    return
            except failures as error:
                if cause_of(error) != said:
                    said = cause_of(error)
                    log.error("the job database cannot be reached: %s. Trying again.", said)
            self._give_up_old(time.monotonic() - PATIENCE)
            if self._closing:
                return
            await asyncio.sleep(LOOK_AGAIN)

    async def _serve(self, connection: AsyncConnection) -> None:
        """Commit what is waiting until the writer is closed; raises when the connection is lost."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(0)  # let what was caused by the same event join this transaction
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
                await self._try(connection, group)
            if self._closing:
                return

    async def _try(self, connection: AsyncConnection, group: list[_Waiting]) -> None:
        """Commit a group; where that fails, each of its operations alone, so that only the one at fault fails."""
        try:
            await self._commit(connection, group)
        except Exception as error:
            if self._driver is None and is_lost(error):  # a file is never lost
                if self._doubtful is None:
                    self._put_back(group)
                raise
            if len(group) == 1:
                self._refuse(group[0], error)
                return
            while group:
                try:
                    await self._try(connection, [group.pop(0)])
                except Exception:
                    self._put_back(group)
                    raise

    async def _commit(self, connection: AsyncConnection, waiting: list[_Waiting]) -> None:
        self._doubtful = None
        group = _Group(waiting, [], Transaction(connection, self._driver, self._next_seq))
        async with self._begun(connection):
            for item in waiting:
                group.results.append(await item.operation(group.transaction))
            await group.transaction.finish()
            self._doubtful = group
        self._settle(group)

    def _settle(self, group: _Group) -> None:
        """A group is on disk: tell the others, then answer its operations."""
        self._doubtful = None
        happened = group.transaction.events
        self._next_seq += len(happened)
        if happened:
            try:
                self._committed(happened)
            except Exception:
                log.exception("telling others about a committed change failed; the change itself is stored")
        for waiting, result in zip(group.waiting, group.results, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(result)

    async def _resolve(self, connection: AsyncConnection) -> None:
        """Find out whether the commit that was not answered has happened; if not, its operations wait again."""
        if (group := self._doubtful) is None:
            return
        async with connection.begin():
            newest = (await connection.execute(_NEWEST)).scalar() or 0
        happened = group.transaction.events
        if happened and newest >= happened[-1].seq:
            self._settle(group)
        else:
            self._doubtful = None
            self._put_back(group.waiting)

    def _try_again(self) -> None:
        later, self._later = self._later, []
        self._put_back(later)

    def _put_back(self, group: list[_Waiting]) -> None:
        self._waiting.extendleft(reversed(group))
        self._wake.set()

    def _refuse(self, waiting: _Waiting, error: Exception) -> None:
        """Answer an operation with its error, or try it again later if it must not be lost."""
        if isinstance(error, self._database.errors):
            log.error("the job database refused a change: %s", cause_of(error))
            if not isinstance(error, SQLAlchemyError):
                kind = _OUR_FAULTS.get(type(error).__name__, OperationalError)
                error = kind(None, None, error)
            if waiting.must and not self._closing and not _is_ours(error):
                self._later.append(waiting)
                asyncio.get_running_loop().call_later(TRY_AGAIN, self._try_again)
                return
        if not waiting.answer.done():
            waiting.answer.set_exception(error)

    def _give_up_old(self, before: float, must: bool = False) -> None:
        """Answer operations that have waited for too long."""
        for waiting in [*self._waiting, *self._later]:
            if waiting.since <= before and (must or not waiting.must):
                (self._waiting if waiting in self._waiting else self._later).remove(waiting)
                if not waiting.answer.done():
                    waiting.answer.set_exception(StoreError("The job database cannot be reached. Try again later."))

    @contextlib.asynccontextmanager
    async def _begun(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """A transaction. On SQLite the general road joins it only where a general statement is run."""
        if self._driver is None:
            async with connection.begin():
                yield
            return
        await self._driver.start_transaction()
        try:
            yield
            await (connection if connection.in_transaction() else self._driver).commit()
        except BaseException:
            await (connection if connection.in_transaction() else self._driver).rollback()
            raise


def _is_ours(error: Exception) -> bool:
    return isinstance(error, tuple(_OUR_FAULTS.values()))


_NEWEST = select(func.max(events.c.seq))
