"""Reading the job table; never waits for the writer."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from server.store.database import Database
from server.store.rows import FINISHED, UNFINISHED, Artifact, Job, State
from server.store.schema import artifacts, events, jobs
from server.store.statements import IN_TURN
from server.store.writer import StoredEvent

__all__ = ["HISTORY_LIMIT", "JobReads", "Search"]

HISTORY_LIMIT = 10_000
"""Entries that the established history shows at most."""

_QUEUE = (jobs.c.id, jobs.c.number, jobs.c.ticket, jobs.c.state, jobs.c.prompt, jobs.c.extra_data, jobs.c.targets)
_HISTORY = (*_QUEUE, jobs.c.outputs, jobs.c.meta, jobs.c.messages)
SUMMARY = (
    jobs.c.id, jobs.c.number, jobs.c.ticket, jobs.c.state, jobs.c.client_id, jobs.c.attempt, jobs.c.deaths,
    jobs.c.cancel_requested, jobs.c.created, jobs.c.started, jobs.c.finished, jobs.c.finish_order, jobs.c.error,
    jobs.c.reason, jobs.c.outputs, jobs.c.outputs_count, jobs.c.preview_output, jobs.c.name, jobs.c.priority,
)  # fmt: skip
"""Columns of a listing: all but the large ones."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which jobs a listing is about.

    Attributes:
        text: found in the name, the id, the client, the reason or the graph, whatever its case.
        client_id: only this client's.
        created_after, created_before: milliseconds since 1970.
    """

    text: str | None = None
    client_id: str | None = None
    created_after: int | None = None
    created_before: int | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What a row has to fulfil."""
        found: list[ColumnElement[bool]] = []
        if self.text:
            in_json = json.dumps(self.text)[1:-1]
            plain = (jobs.c.name, jobs.c.id, jobs.c.client_id, jobs.c.reason)
            places = [column.icontains(self.text, autoescape=True) for column in plain]
            found.append(or_(*places, jobs.c.prompt.icontains(in_json, autoescape=True)))
        if self.client_id is not None:
            found.append(jobs.c.client_id == self.client_id)
        if self.created_after is not None:
            found.append(jobs.c.created >= self.created_after)
        if self.created_before is not None:
            found.append(jobs.c.created < self.created_before)
        return found


class JobReads:
    """Questions about jobs and their events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remaining(self) -> int:
        """How many jobs are queued or running."""
        return await self._count(jobs.c.state.in_(UNFINISHED))

    async def queue(self) -> tuple[list[Job], list[Job]]:
        """Running and queued jobs, each in the order in which they run."""
        found = await self._jobs(select(*_QUEUE).where(jobs.c.state.in_(UNFINISHED)).order_by(*IN_TURN))
        running = [job for job in found if job.state == "running"]
        return running, [job for job in found if job.state == "queued"]

    async def running(self) -> list[tuple[str, int]]:
        """Id and attempt of every running job."""
        wanted = select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "running").order_by(*IN_TURN)
        return [(row.id, row.attempt) for row in await self._database.read(wanted)]

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
        self,
        states: Collection[State],
        limit: int,
        offset: int,
        *,
        newest_first: bool = True,
        search: Search = Search(),
    ) -> tuple[list[Job], int]:
        """A page of jobs without their large columns, and how many there are in all.

        Unfinished jobs come in the order in which they run, running ones first; finished ones by when they ended;
        all together by when they came.
        """
        wanted, conditions = set(states), search.conditions
        if wanted == set(UNFINISHED):
            running, many = await self.listing(["running"], limit, offset, search=search)
            rest, more = await self.listing(
                ["queued"], max(limit - len(running), 1), max(offset - many, 0), search=search
            )
            return [*running, *rest][:limit], many + more
        order: Sequence[Any]
        if wanted <= set(UNFINISHED):
            order = IN_TURN
        elif wanted <= set(FINISHED):
            order = (jobs.c.finish_order.desc() if newest_first else jobs.c.finish_order,)
        elif newest_first:
            order = (jobs.c.created.desc(), jobs.c.id.desc())
        else:
            order = (jobs.c.created, jobs.c.id)
        if wanted == set(FINISHED):
            conditions.append(jobs.c.finish_order.is_not(None))  # the same, and in the order of an index
        elif wanted != {*UNFINISHED, *FINISHED}:
            conditions.append(jobs.c.state.in_(wanted) if len(wanted) > 1 else jobs.c.state == next(iter(wanted)))
        page = select(*SUMMARY).where(*conditions).order_by(*order).limit(limit).offset(offset)
        return await self._jobs(page), await self._count(*conditions)

    async def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        rows = await self._database.read(select(jobs.c.state, func.count().label("jobs")).group_by(jobs.c.state))
        return {row.state: row.jobs for row in rows}

    async def artifacts(self, job: str) -> list[Artifact]:
        """Files that a job has published, in the order of their paths."""
        rows = await self._database.read(select(artifacts).where(artifacts.c.job == job).order_by(artifacts.c.path))
        return [Artifact(row.folder, row.path, row.bytes, row.node) for row in rows]

    async def events_since(self, seq: int, job: str | None = None, limit: int = 1000) -> list[StoredEvent]:
        """Stored events after number `seq`, oldest first."""
        wanted = select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if job is not None:
            wanted = wanted.where(events.c.job == job)
        rows = await self._database.read(wanted)
        return [StoredEvent(r.seq, r.job, r.attempt, r.kind, json.loads(r.data), r.at) for r in rows]

    async def _count(self, *conditions: ColumnElement[bool]) -> int:
        found = await self._database.read(select(func.count()).select_from(jobs).where(*conditions))
        return int(found[0][0])

    async def _jobs(self, wanted: Select[Any]) -> list[Job]:
        return [Job(row._mapping) for row in await self._database.read(wanted)]
