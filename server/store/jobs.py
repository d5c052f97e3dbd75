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
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from graph_runtime.crash_points import crash_point
from server.errors import Refused
from server.store.rows import FINISHED, Claimed, Finish, NewJob, State, Submitted
from server.store.schema import events, jobs
from server.store.statements import CLAIM, FINISH, SAME_KEY
from server.store.writer import Transaction, Writer, now_ms

__all__ = ["MAX_DEATHS", "JobTable"]

MAX_DEATHS = 2
"""Workers that may die under a job before it is given up as `dead`."""

_CLEARED = {
    "worker": None, "lease_until": None, "started": None, "finished": None, "finish_order": None, "outputs": None,
    "meta": None, "messages": None, "error": None, "reason": None, "outputs_count": None, "preview_output": None,
    "explanations": None, "cancel_requested": 0,
}  # fmt: skip


class JobTable:
    """The changes a job can go through; each is one operation of the writer and answered when it is on disk."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def submit(self, new: NewJob) -> Submitted:
        """Store a job, or return the one that the same key and body made before.

        Raises:
            Refused: 409, when the key belongs to a job with another body that is not finished.
        """

        async def operation(transaction: Transaction) -> Submitted | Refused:
            if new.key is not None:
                known = await _same_key(transaction, new)
                if known is not None:
                    return known
            transaction.add_job(_row(new, now_ms()))
            transaction.happened(new.id, 0, "queued", {"number": _shown(new.number, new.ticket)}, new.client_id)
            crash_point("submit.before_commit")
            return Submitted(new.id, _shown(new.number, new.ticket), False, json.loads(new.problems))

        answer = await self._writer.write(operation)
        crash_point("submit.before_answer")
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def claim(
        self, worker: str, lease_ms: int, choose: Callable[[str], str | None] | None = None
    ) -> Claimed | None:
        """Take the job with the lowest number, or None when nothing is queued.

        Args:
            worker: who runs it.
            choose: names a worker that suits this prompt better, where there are several.
        """

        async def operation(transaction: Transaction) -> Claimed | None:
            at = now_ms()
            taking = {"by_worker": worker, "lease_end": at + lease_ms, "now": at}
            taken = await transaction.first(CLAIM, taking)
            if taken is None:
                return None
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
            return await _finish(transaction, job, attempt, finish)

        crash_point("done.before_registration")
        stored = await self._writer.write(operation)
        crash_point("done.before_announcement")
        return stored

    async def lose(self, job: str, attempt: int, reason: str, finish: Finish, died: bool = True) -> State | None:
        """The worker of an attempt is gone: queue the job again, or end it.

        Args:
            reason: what happened to the worker, for people.
            finish: history of this attempt, stored if the job ends with it (cancelled or dead).
            died: whether this counts as a death; a server that stops in order does not.
        Returns:
            The job's new state; None if the attempt was no longer the newest.
        """

        async def operation(transaction: Transaction) -> State | None:
            return await _lose(transaction, job, attempt, reason, finish, died)

        return await self._writer.write(operation)

    async def cancel(self, job: str) -> Literal["cancelled", "requested"] | None:
        """Cancel a job: at once when queued, by request when running; None when it is neither."""

        async def operation(transaction: Transaction) -> Literal["cancelled", "requested"] | None:
            found = (await transaction.execute(select(jobs.c.state, jobs.c.attempt).where(jobs.c.id == job))).first()
            if found is None or found.state in FINISHED:
                return None
            if found.state == "queued":
                await _drop_queued(transaction, [(job, found.attempt)])
                return "cancelled"
            await transaction.execute(update(jobs).where(jobs.c.id == job).values(cancel_requested=1))
            transaction.happened(job, found.attempt, "cancelling", {})
            return "requested"

        answer = await self._writer.write(operation)
        if answer == "requested":
            crash_point("cancel.before_frame")
        return answer

    async def cancel_queued(self, only: Sequence[str] | None = None) -> int:
        """Cancel queued jobs, all or those named; returns how many there were."""

        async def operation(transaction: Transaction) -> int:
            wanted = select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "queued")
            if only is not None:
                wanted = wanted.where(jobs.c.id.in_(only))
            found = [(row.id, row.attempt) for row in (await transaction.execute(wanted)).all()]
            await _drop_queued(transaction, found)
            return len(found)

        return await self._writer.write(operation)

    async def retry(self, job: str, ticket: int) -> bool:
        """Queue a finished job again under the next ticket; False when it is not finished."""

        async def operation(transaction: Transaction) -> bool:
            changed = await transaction.execute(
                update(jobs)
                .where(jobs.c.id == job, jobs.c.state.in_(FINISHED))
                .values(state="queued", deaths=0, number=float(ticket), ticket=ticket, **_CLEARED)
                .returning(jobs.c.attempt)
            )
            row = changed.first()
            if row is not None:
                transaction.happened(job, row.attempt, "queued", {"number": ticket, "retry": True})
            return row is not None

        return await self._writer.write(operation)

    async def forget(self, only: Sequence[str] | None = None) -> int:
        """Remove finished jobs from history, all or those named; returns how many there were."""

        async def operation(transaction: Transaction) -> int:
            chosen: ColumnElement[bool] = jobs.c.state.in_(FINISHED)
            if only is not None:
                chosen = and_(chosen, jobs.c.id.in_(only))
            gone = [
                row.id for row in (await transaction.execute(delete(jobs).where(chosen).returning(jobs.c.id))).all()
            ]
            for job in gone:
                transaction.happened(job, 0, "forgotten", {})
            return len(gone)

        return await self._writer.write(operation)

    async def trim(self, keep: int, keep_events: int) -> None:
        """Drop the oldest finished jobs beyond `keep`, and events older than the newest `keep_events`."""

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
            if edge is not None:
                await transaction.execute(delete(jobs).where(jobs.c.state.in_(FINISHED), jobs.c.finish_order <= edge))
            newest = (await transaction.execute(select(func.max(events.c.seq)))).scalar()
            if newest is not None:
                await transaction.execute(delete(events).where(events.c.seq <= newest - keep_events))

        await self._writer.write(operation)

    async def recover(self) -> int:
        """After a start: queue every job again that a former server left running; returns how many."""

        async def operation(transaction: Transaction) -> int:
            left = (await transaction.execute(select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "running"))).all()
            for row in left:
                await _lose(transaction, row.id, row.attempt, _SERVER_ENDED, Finish("cancelled"), died=False)
            return len(left)

        lost = await self._writer.write(operation)
        crash_point("recover.after_commit")
        return lost

    async def reap(self) -> int:
        """Queue every job again whose attempt let its lease end; returns how many."""

        async def operation(transaction: Transaction) -> int:
            over = select(jobs.c.id, jobs.c.attempt).where(jobs.c.state == "running", jobs.c.lease_until < now_ms())
            left = (await transaction.execute(over)).all()
            for row in left:
                await _lose(transaction, row.id, row.attempt, _LEASE_ENDED, Finish("dead"), died=True)
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
_DROPPED = "Cancelled while it was queued."


def _shown(number: float, ticket: int | None) -> float | int:
    return number if ticket is None else int(number)


def _row(new: NewJob, at: int) -> dict[str, Any]:
    return {
        "id": new.id,
        "number": new.number,
        "ticket": new.ticket,
        "state": "queued",
        "client_id": new.client_id,
        "key": new.key,
        "body_hash": new.body_hash,
        "prompt": new.prompt,
        "targets": json.dumps(list(new.targets)),
        "extra_data": new.extra_data,
        "secrets": new.secrets,
        "problems": new.problems,
        "attempt": 0,
        "deaths": 0,
        "cancel_requested": 0,
        "created": at,
    }


async def _same_key(transaction: Transaction, new: NewJob) -> Submitted | Refused | None:
    """The job that came with this key before; None when there is none, or it is finished and had another body."""
    known = await transaction.first(SAME_KEY, {"of_key": new.key, "of_job": new.id})
    if known is None:
        return None
    if known.body_hash == new.body_hash:
        return Submitted(known.id, _shown(known.number, known.ticket), True, json.loads(known.problems))
    if new.replaces_finished and known.state in FINISHED:
        await transaction.execute(delete(jobs).where(jobs.c.id == known.id))
        return None
    return Refused(
        409,
        "key_in_use",
        f"The key {new.key!r} belongs to job {known.id}, which was submitted with another body.",
        "Use a new key for a new job.",
        job=known.id,
        state=known.state,
    )


async def _finish(transaction: Transaction, job: str, attempt: int, finish: Finish) -> bool:
    values = _finished(transaction, job, attempt, finish)
    changed = await transaction.change(FINISH, {"of_job": job, "of_attempt": attempt, **values})
    return _settle(transaction, changed == 1)


def _finished(transaction: Transaction, job: str, attempt: int, finish: Finish) -> dict[str, Any]:
    data = {"reason": finish.reason} if finish.reason else {}
    order = transaction.happened(job, attempt, finish.state, data)
    return {
        "state": finish.state, "outputs": finish.outputs, "meta": finish.meta, "messages": finish.messages,
        "error": finish.error, "reason": finish.reason, "outputs_count": finish.outputs_count,
        "preview_output": finish.preview_output, "explanations": finish.explanations, "finished": now_ms(),
        "finish_order": order, "worker": None, "lease_until": None, "secrets": None,
    }  # fmt: skip


def _settle(transaction: Transaction, changed: bool) -> bool:
    """Take back the event noted last when nothing was changed by it."""
    if not changed:
        transaction.events.pop()
    return changed


async def _lose(
    transaction: Transaction, job: str, attempt: int, reason: str, finish: Finish, died: bool
) -> State | None:
    found = (
        await transaction.execute(
            select(jobs.c.cancel_requested, jobs.c.deaths).where(
                jobs.c.id == job, jobs.c.attempt == attempt, jobs.c.state == "running"
            )
        )
    ).first()
    if found is None:
        return None
    deaths = found.deaths + (1 if died else 0)
    if found.cancel_requested or deaths >= MAX_DEATHS:
        state: State = "cancelled" if found.cancel_requested else "dead"
        ended = Finish(
            state, finish.outputs, finish.meta, finish.messages, finish.error, reason, finish.outputs_count,
            finish.preview_output, finish.explanations,
        )  # fmt: skip
        values = _finished(transaction, job, attempt, ended) | {"deaths": deaths}
        await transaction.execute(update(jobs).where(jobs.c.id == job).values(**values))
        return state
    await transaction.execute(
        update(jobs)
        .where(jobs.c.id == job)
        .values(state="queued", deaths=deaths, worker=None, lease_until=None, reason=reason)
    )
    transaction.happened(job, attempt, "lost", {"reason": reason, "deaths": deaths})
    return "queued"


async def _drop_queued(transaction: Transaction, found: Sequence[tuple[str, int]]) -> None:
    for job, attempt in found:
        order = transaction.happened(job, attempt, "cancelled", {"reason": _DROPPED})
        await transaction.execute(
            update(jobs)
            .where(jobs.c.id == job)
            .values(state="cancelled", finished=now_ms(), finish_order=order, secrets=None, reason=_DROPPED)
        )
