"""Reading the job table; never waits for the writer."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from server.store.database import Database
from server.store.rows import FINISHED, UNFINISHED, Job, State
from server.store.schema import events, jobs
from server.store.writer import StoredEvent

__all__ = ["HISTORY_LIMIT", "JobReads"]

HISTORY_LIMIT = 10_000
"""Entries that the established history shows at most."""

_QUEUE = (jobs.c.id, jobs.c.number, jobs.c.ticket, jobs.c.state, jobs.c.prompt, jobs.c.extra_data, jobs.c.targets)
_HISTORY = (*_QUEUE, jobs.c.outputs, jobs.c.meta, jobs.c.messages)
SUMMARY = (
    jobs.c.id, jobs.c.number, jobs.c.ticket, jobs.c.state, jobs.c.client_id, jobs.c.attempt, jobs.c.deaths,
    jobs.c.cancel_requested, jobs.c.created, jobs.c.started, jobs.c.finished, jobs.c.finish_order, jobs.c.error,
    jobs.c.reason, jobs.c.outputs, jobs.c.outputs_count, jobs.c.preview_output,
)  # fmt: skip
"""Columns of a listing: all but the large ones."""


class JobReads:
    """Questions about jobs and their events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remaining(self) -> int:
        """How many jobs are queued or running."""
        async with self._database.reader.connect() as connection:
            count = await connection.execute(select(func.count()).where(jobs.c.state.in_(UNFINISHED)))
            return int(count.scalar_one())

    async def queue(self) -> tuple[list[Job], list[Job]]:
        """Running and queued jobs, each in the order in which they run."""
        found = await self._jobs(select(*_QUEUE).where(jobs.c.state.in_(UNFINISHED)).order_by(jobs.c.number, jobs.c.id))
        running = [job for job in found if job.state == "running"]
        return running, [job for job in found if job.state == "queued"]

    async def running(self) -> list[tuple[str, int]]:
        """Id and attempt of every running job."""
        async with self._database.reader.connect() as connection:
            rows = await connection.execute(
                select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "running").order_by(jobs.c.number, jobs.c.id)
            )
            return [(row.id, row.attempt) for row in rows]

    async def history(self, newest: int | None = None, offset: int = -1) -> list[Job]:
        """Jobs that ran and ended, oldest first.

        Args:
            newest: how many at most; without an offset the newest ones.
            offset: how many of the oldest to skip; negative: none.
        """
        newest = HISTORY_LIMIT if newest is None else min(newest, HISTORY_LIMIT)
        if newest <= 0:
            return []
        ended = select(*_HISTORY).where(jobs.c.finish_order.is_not(None), jobs.c.messages.is_not(None))
        if offset >= 0:
            return await self._jobs(ended.order_by(jobs.c.finish_order).offset(offset).limit(newest))
        found = await self._jobs(ended.order_by(jobs.c.finish_order.desc()).limit(newest))
        return found[::-1]

    async def history_entry(self, job: str) -> Job | None:
        """One job that ran and ended."""
        found = await self._jobs(
            select(*_HISTORY).where(jobs.c.id == job, jobs.c.finish_order.is_not(None), jobs.c.messages.is_not(None))
        )
        return found[0] if found else None

    async def job(self, job: str) -> Job | None:
        """One job with every column but its secrets."""
        columns = [column for column in jobs.c if column.name != "secrets"]
        found = await self._jobs(select(*columns).where(jobs.c.id == job))
        return found[0] if found else None

    async def listing(
        self, states: Collection[State], limit: int, offset: int, *, newest_first: bool = True
    ) -> tuple[list[Job], int]:
        """A page of jobs without their large columns, and how many there are in all.

        Unfinished jobs come in the order in which they run; finished ones by when they ended.
        """
        chosen = jobs.c.state.in_(states)
        if set(states) <= set(FINISHED):
            order: Sequence[Any] = (jobs.c.finish_order.desc() if newest_first else jobs.c.finish_order,)
        elif set(states) <= set(UNFINISHED):
            order = (jobs.c.state.desc(), jobs.c.number, jobs.c.id)
        else:
            order = (jobs.c.created.desc() if newest_first else jobs.c.created, jobs.c.id)
        async with self._database.reader.connect() as connection:
            total = (await connection.execute(select(func.count()).where(chosen))).scalar_one()
            page = select(*SUMMARY).where(chosen).order_by(*order).limit(limit).offset(offset)
            rows = (await connection.execute(page)).mappings().all()
        return [Job(row) for row in rows], int(total)

    async def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        async with self._database.reader.connect() as connection:
            rows = await connection.execute(select(jobs.c.state, func.count().label("jobs")).group_by(jobs.c.state))
            return {row.state: row.jobs for row in rows}

    async def events_since(self, seq: int, job: str | None = None, limit: int = 1000) -> list[StoredEvent]:
        """Stored events after number `seq`, oldest first."""
        wanted = select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if job is not None:
            wanted = wanted.where(events.c.job == job)
        async with self._database.reader.connect() as connection:
            rows = (await connection.execute(wanted)).all()
        return [StoredEvent(r.seq, r.job, r.attempt, r.kind, json.loads(r.data), r.at) for r in rows]

    async def _jobs(self, wanted: Select[Any]) -> list[Job]:
        async with self._database.reader.connect() as connection:
            return [Job(row) for row in (await connection.execute(wanted)).mappings().all()]
