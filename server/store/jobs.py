"""The job table: the one truth about what is queued, running and finished.

    queued ──claim──▶ running ──finish──▶ succeeded | failed | cancelled
      ▲                  │
      └────── lost ──────┘            a worker died; after the second time: dead

Every claim raises the attempt number, and only the newest attempt may finish a job: a worker that was given up
cannot change anything any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Literal

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from graph_runtime.crash_points import crash_point
from server.errors import Refused
from server.store import transitions
from server.store.rows import FINISHED, Claimed, Finish, NewJob, State, Submitted
from server.store.schema import artifacts, events, facts, jobs
from server.store.statements import CLAIM
from server.store.transitions import MAX_DEATHS
from server.store.turns import Turns
from server.store.writer import Transaction, Writer, now_ms

__all__ = ["MAX_DEATHS", "JobTable"]


class JobTable:
    """The changes a job can go through; each is one operation of the writer and answered when it is on disk.

    Attributes:
        turns: the order of the queue, and whether it is paused.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.turns = Turns()

    async def submit(self, new: NewJob) -> Submitted:
        """Store a job, or return the one that the same key and body made before.

        Raises:
            Refused: 409, when the key belongs to a job with another body that is not finished.
        """

        async def operation(transaction: Transaction) -> Submitted | Refused:
            if new.key is not None:
                known = await transitions.same_key(transaction, new)
                if known is not None:
                    return known
            number = transitions.shown(new.number, new.ticket)
            transaction.add_job(transitions.row_of(new, self._place(new), now_ms()))
            transaction.happened(new.id, 0, "queued", {"number": number}, new.client_id)
            crash_point("submit.before_commit")
            return Submitted(new.id, number, False, json.loads(new.problems))

        answer = await self._writer.write(operation)
        crash_point("submit.before_answer")
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def claim(
        self, worker: str, lease_ms: int, choose: Callable[[str], str | None] | None = None
    ) -> Claimed | None:
        """Take the job whose turn it is, or None when nothing is queued or the queue is paused.

        Args:
            worker: who runs it.
            choose: names a worker that suits this prompt better, where there are several.
        """

        async def operation(transaction: Transaction) -> Claimed | None:
            if self.turns.paused:
                return None
            at = now_ms()
            taking = {"by_worker": worker, "lease_end": at + lease_ms, "now": at}
            taken = await transaction.first(CLAIM, taking)
            if taken is None:
                self.turns.rest()
                return None
            if taken.ticket is not None:
                self.turns.served(taken.place)
            chosen = (choose(taken.prompt) if choose is not None else None) or worker
            if chosen != worker:
                await transaction.execute(update(jobs).where(jobs.c.id == taken.id).values(worker=chosen))
            transaction.happened(taken.id, taken.attempt, "running", {"worker": chosen}, taken.client_id)
            return Claimed(
                chosen,
                taken.id,
                taken.attempt,
                taken.prompt,
                tuple(json.loads(taken.targets)),
                taken.extra_data,
                taken.secrets,
                taken.client_id,
            )

        claimed = await self._writer.write(operation)
        if claimed is not None:
            crash_point("claim.before_start")
        return claimed

    async def extend(self, running: Sequence[tuple[str, int]], lease_ms: int) -> None:
        """Keep attempts alive whose workers still answer."""
        if not running:
            return
        same = or_(*(and_(jobs.c.id == job, jobs.c.attempt == attempt) for job, attempt in running))

        async def operation(transaction: Transaction) -> None:
            await transaction.execute(
                update(jobs).where(jobs.c.state == "running", same).values(lease_until=now_ms() + lease_ms)
            )

        await self._writer.write(operation)

    async def finish(self, job: str, attempt: int, finish: Finish) -> bool:
        """Store how an attempt ended; False, and nothing changed, when a newer attempt has taken its place."""

        async def operation(transaction: Transaction) -> bool:
            return await transitions.finish(transaction, job, attempt, finish)

        crash_point("done.before_registration")
        stored = await self._writer.write(operation, must=True)
        crash_point("done.before_announcement")
        return stored

    async def lose(
        self,
        job: str,
        attempt: int,
        reason: str,
        finish: Finish,
        died: bool = True,
        change: Literal["lost", "returned"] = "lost",
    ) -> State | None:
        """The worker of an attempt is gone: queue the job again, or end it.

        Args:
            reason: what happened to the worker, for people.
            finish: history of this attempt, stored if the job ends with it (cancelled or dead).
            died: whether this counts as a death; a server that stops in order does not.
            change: what is noted of a job that is queued again: its attempt was lost, or never begun.
        Returns:
            The job's new state; None if the attempt was no longer the newest.
        """

        async def operation(transaction: Transaction) -> State | None:
            return await transitions.lose(transaction, job, attempt, reason, finish, died, change)

        return await self._writer.write(operation, must=True)

    async def cancel(self, job: str) -> Literal["cancelled", "requested"] | None:
        """Cancel a job: at once when queued, by request when running; None when it is neither."""

        async def operation(transaction: Transaction) -> Literal["cancelled", "requested"] | None:
            found = (await transaction.execute(select(jobs.c.state, jobs.c.attempt).where(jobs.c.id == job))).first()
            if found is None or found.state in FINISHED:
                return None
            if found.state == "queued":
                await transitions.drop_queued(transaction, [(job, found.attempt)])
                return "cancelled"
            await transaction.execute(update(jobs).where(jobs.c.id == job).values(cancel_requested=1))
            transaction.happened(job, found.attempt, "cancelling", {})
            return "requested"

        answer = await self._writer.write(operation)
        if answer == "requested":
            crash_point("cancel.before_frame")
        return answer

    async def cancel_queued(self, only: Sequence[str] | None = None) -> list[str]:
        """Cancel queued jobs, all or those named; returns which there were."""

        async def operation(transaction: Transaction) -> list[str]:
            wanted = select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "queued")
            if only is not None:
                wanted = wanted.where(jobs.c.id.in_(only))
            found = [(row.id, row.attempt) for row in (await transaction.execute(wanted)).all()]
            await transitions.drop_queued(transaction, found)
            return [job for job, _ in found]

        return await self._writer.write(operation)

    async def retry(self, job: str, ticket: int) -> bool:
        """Queue a finished job again under the next ticket; False when it is not finished."""

        async def operation(transaction: Transaction) -> bool:
            finished = select(jobs.c.id, jobs.c.client_id, jobs.c.attempt)
            finished = finished.where(jobs.c.id == job, jobs.c.state.in_(FINISHED))
            return bool(await transitions.queue_again(transaction, finished, lambda: ticket, self.turns))

        return await self._writer.write(operation)

    async def forget(self, only: Sequence[str] | None = None, states: Sequence[State] | None = None) -> list[str]:
        """Remove finished jobs from history, all or those named or in these states; returns which there were."""

        async def operation(transaction: Transaction) -> list[str]:
            chosen: ColumnElement[bool] = jobs.c.state.in_(
                [state for state in FINISHED if states is None or state in states]
            )
            if only is not None:
                chosen = and_(chosen, jobs.c.id.in_(only))
            gone = [
                row.id for row in (await transaction.execute(delete(jobs).where(chosen).returning(jobs.c.id))).all()
            ]
            await transaction.execute(delete(artifacts).where(artifacts.c.job.in_(gone)))
            for job in gone:
                transaction.happened(job, 0, "forgotten", {})
            return gone

        return await self._writer.write(operation)

    async def trim(self, keep: int, keep_events: int, ended_before: int | None = None) -> None:
        """Drop old history; the files of jobs stay where they are.

        Args:
            keep: finished jobs that stay, the newest.
            keep_events: events that stay, the newest.
            ended_before: drop jobs that ended before this time as well, in milliseconds since 1970.
        """

        async def operation(transaction: Transaction) -> None:
            edge = (
                await transaction.execute(
                    select(jobs.c.finish_order)
                    .where(jobs.c.finish_order.is_not(None))
                    .order_by(jobs.c.finish_order.desc())
                    .offset(keep)
                    .limit(1)
                )
            ).scalar()
            old = [jobs.c.finish_order <= edge] if edge is not None else []
            old += [jobs.c.finished < ended_before] if ended_before is not None else []
            if old:
                await transaction.execute(delete(jobs).where(jobs.c.state.in_(FINISHED), or_(*old)))
                await transaction.execute(_WITHOUT_JOB)
            newest = (await transaction.execute(select(func.max(events.c.seq)))).scalar()
            if newest is not None:
                await transaction.execute(delete(events).where(events.c.seq <= newest - keep_events))

        await self._writer.write(operation)

    async def recover(self) -> int:
        """After a start: queue every job again that a former server left running; returns how many."""

        async def operation(transaction: Transaction) -> int:
            await self._continue(transaction)
            left = (await transaction.execute(select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "running"))).all()
            for row in left:
                await transitions.lose(transaction, row.id, row.attempt, _SERVER_ENDED, Finish("cancelled"), died=False)
            return len(left)

        lost = await self._writer.write(operation)
        crash_point("recover.after_commit")
        return lost

    async def _continue(self, transaction: Transaction) -> None:
        """Read from the table what is remembered of the queue's order."""
        waiting = (jobs.c.state == "queued", jobs.c.ticket.is_not(None))
        first = (await transaction.execute(select(func.min(jobs.c.place)).where(*waiting))).scalar()
        last = (
            select(jobs.c.client_id, func.max(jobs.c.place).label("place")).where(*waiting).group_by(jobs.c.client_id)
        )
        self.turns.continue_from(first, [(row.client_id, row.place) for row in await transaction.execute(last)])
        paused = await transaction.execute(select(facts.c.value).where(facts.c.name == "paused"))
        self.turns.paused = paused.scalar() is not None

    def _place(self, new: NewJob) -> float:
        """Where a new job stands: where its number says if it was given one, else in turn with other clients."""
        if new.ticket is None or new.number < 0:
            return new.number
        return self.turns.place(new.client_id, new.ticket)

    async def reap(self) -> int:
        """Queue every job again whose attempt let its lease end; returns how many."""

        async def operation(transaction: Transaction) -> int:
            over = select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "running", jobs.c.lease_until < now_ms())
            left = (await transaction.execute(over)).all()
            for row in left:
                await transitions.lose(transaction, row.id, row.attempt, _LEASE_ENDED, Finish("dead"), died=True)
            return len(left)

        return await self._writer.write(operation)

    async def next_ticket(self) -> int:
        """The first counter value that no stored job has."""

        async def operation(transaction: Transaction) -> int:
            newest = (await transaction.execute(select(func.max(jobs.c.ticket)))).scalar()
            return 0 if newest is None else int(newest) + 1

        return await self._writer.write(operation)


_SERVER_ENDED = "The server ended while the job was running."
_LEASE_ENDED = "Nothing was heard of the attempt until its lease ended."
_WITHOUT_JOB = delete(artifacts).where(~exists().where(jobs.c.id == artifacts.c.job))
