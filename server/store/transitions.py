"""Steps of a job from one state to the next, each inside a transaction of the writer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from sqlalchemy import Select, bindparam, delete, select, update

from server.errors import Refused
from server.store.rows import FINISHED, Finish, NewJob, State, Submitted
from server.store.schema import artifacts, jobs
from server.store.statements import FINISH, SAME_KEY
from server.store.turns import Turns
from server.store.writer import Transaction, now_ms

__all__ = ["MAX_DEATHS", "drop_queued", "finish", "lose", "queue_again", "row_of", "same_key", "shown"]

MAX_DEATHS = 2
"""Workers that may die under a job before it is given up as `dead`."""
_CLEARED = {
    "worker": None, "lease_until": None, "started": None, "finished": None, "finish_order": None, "outputs": None,
    "meta": None, "messages": None, "error": None, "reason": None, "outputs_count": None, "preview_output": None,
    "explanations": None, "cancel_requested": 0,
}  # fmt: skip
"""What a job forgets of its last run when it is queued again."""
_DROPPED = "Cancelled while it was queued."


def shown(number: float, ticket: int | None) -> float | int:
    """A job's number as it is announced: whole when it came from the counter."""
    return number if ticket is None else int(number)


def row_of(new: NewJob, place: float, at: int) -> dict[str, Any]:
    """The row of a job that has just come."""
    return {
        "id": new.id, "number": new.number, "ticket": new.ticket, "state": "queued", "client_id": _plain(new.client_id),
        "key": new.key, "body_hash": new.body_hash, "prompt": new.prompt, "targets": json.dumps(list(new.targets)),
        "extra_data": new.extra_data, "secrets": new.secrets, "problems": new.problems, "attempt": 0, "deaths": 0,
        "cancel_requested": 0, "created": at, "name": _plain(new.name), "priority": new.priority, "place": place,
    }  # fmt: skip


def _plain(text: str | None) -> str | None:
    """A text without what databases cannot store: NUL, and halves of surrogate pairs."""
    return None if text is None else text.replace("\0", "").encode("utf-8", "replace").decode()


async def same_key(transaction: Transaction, new: NewJob) -> Submitted | Refused | None:
    """The job that came with this key before; None when there is none, or it is finished and had another body."""
    known = await transaction.first(SAME_KEY, {"of_key": new.key, "of_job": new.id})
    if known is None:
        return None
    if known.body_hash == new.body_hash:
        return Submitted(known.id, shown(known.number, known.ticket), True, json.loads(known.problems))
    if new.replaces_finished and known.state in FINISHED:
        await transaction.execute(delete(artifacts).where(artifacts.c.job == known.id))
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


async def finish(transaction: Transaction, job: str, attempt: int, how: Finish) -> bool:
    """End an attempt and publish its files; False, and nothing changed, when it is not the running one."""
    values = _finished(transaction, job, attempt, how)
    if await transaction.change(FINISH, {"of_job": job, "of_attempt": attempt, **values}) != 1:
        transaction.events.pop()  # nothing happened
        return False
    await _publish(transaction, job, attempt, how)
    return True


async def lose(
    transaction: Transaction,
    job: str,
    attempt: int,
    reason: str,
    how: Finish,
    died: bool,
    change: Literal["lost", "returned"] = "lost",
) -> State | None:
    """The worker of an attempt is gone: queue the job again, or end it. None when it is not the running one."""
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
            state, how.outputs, how.meta, how.messages, how.error, reason, how.outputs_count, how.preview_output,
            how.explanations, how.artifacts,
        )  # fmt: skip
        values = _finished(transaction, job, attempt, ended) | {"deaths": deaths}
        await transaction.execute(update(jobs).where(jobs.c.id == job).values(**values))
        await _publish(transaction, job, attempt, ended)
        return state
    await transaction.execute(
        update(jobs)
        .where(jobs.c.id == job)
        .values(state="queued", deaths=deaths, worker=None, lease_until=None, reason=reason)
    )
    transaction.happened(job, attempt, change, {"reason": reason, "deaths": deaths})
    return "queued"


async def queue_again(
    transaction: Transaction, chosen: Select[Any], ticket: Callable[[], int], turns: Turns
) -> list[str]:
    """Queue finished jobs again, in turn with other clients; returns which.

    Args:
        chosen: selects id, client_id and attempt of jobs that are finished.
        ticket: gives the next number.
    """
    found = (await transaction.execute(chosen)).all()
    rows = []
    for row in found:
        number = ticket()
        place = turns.place(row.client_id, number)
        rows.append({"of_job": row.id, "as_number": float(number), "as_ticket": number, "as_place": place})
        transaction.happened(row.id, row.attempt, "queued", {"number": number, "retry": True}, row.client_id)
    if rows:
        await transaction.execute(_QUEUE_AGAIN, rows)
    return [row.id for row in found]


async def drop_queued(transaction: Transaction, found: Sequence[tuple[str, int]]) -> None:
    """Cancel queued jobs, given with their attempts."""
    at = now_ms()
    rows = [
        {"of_job": job, "order": transaction.happened(job, attempt, "cancelled", {"reason": _DROPPED})}
        for job, attempt in found
    ]
    if rows:
        values = {"state": "cancelled", "finished": at, "secrets": None, "reason": _DROPPED}
        ended = update(jobs).where(jobs.c.id == bindparam("of_job")).values(finish_order=bindparam("order"), **values)
        await transaction.execute(ended, rows)


def _finished(transaction: Transaction, job: str, attempt: int, how: Finish) -> dict[str, Any]:
    data = {"reason": how.reason} if how.reason else {}
    order = transaction.happened(job, attempt, how.state, data)
    return {
        "state": how.state, "outputs": how.outputs, "meta": how.meta, "messages": how.messages, "error": how.error,
        "reason": how.reason, "outputs_count": how.outputs_count, "preview_output": how.preview_output,
        "explanations": how.explanations, "finished": now_ms(), "finish_order": order, "worker": None,
        "lease_until": None, "secrets": None,
    }  # fmt: skip


async def _publish(transaction: Transaction, job: str, attempt: int, how: Finish) -> None:
    """Register the files of an attempt."""
    if how.artifacts:
        at = now_ms()
        paths = {file.path for file in how.artifacts}
        await transaction.execute(delete(artifacts).where(artifacts.c.job == job, artifacts.c.path.in_(paths)))
        rows = [
            {
                "job": job, "folder": file.folder, "path": file.path, "attempt": attempt, "node": file.node,
                "bytes": file.bytes, "at": at,
            }
            for file in how.artifacts
        ]  # fmt: skip
        await transaction.execute(artifacts.insert(), rows)


_QUEUE_AGAIN = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_job"))
    .values(
        state="queued",
        deaths=0,
        number=bindparam("as_number"),
        ticket=bindparam("as_ticket"),
        place=bindparam("as_place"),
        **_CLEARED,
    )
)
"""Queues a job again that has ended; it forgets its last run."""
