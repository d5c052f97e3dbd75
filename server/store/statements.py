"""Statements that every job needs, made once: making one takes longer than running it."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select, update

from server.store.schema import jobs

__all__ = ["CLAIM", "FINISH"]

_NEXT = select(jobs.c.id).where(jobs.c.state == "queued").order_by(jobs.c.number, jobs.c.id).limit(1).scalar_subquery()

CLAIM = (
    update(jobs)
    .where(jobs.c.id == _NEXT)
    .values(
        state="running",
        attempt=jobs.c.attempt + 1,
        worker=bindparam("by_worker"),
        lease_until=bindparam("lease_end"),
        started=func.coalesce(jobs.c.started, bindparam("now", type_=jobs.c.started.type)),
    )
    .returning(
        jobs.c.id,
        jobs.c.attempt,
        jobs.c.prompt,
        jobs.c.targets,
        jobs.c.extra_data,
        jobs.c.secrets,
        jobs.c.client_id,
    )
)
"""Takes the job with the lowest number; parameters `by_worker`, `lease_end` and `now`."""

FINISH = update(jobs).where(
    jobs.c.id == bindparam("of_job"), jobs.c.attempt == bindparam("of_attempt"), jobs.c.state == "running"
)
"""Ends the attempt `of_attempt` at the job `of_job`; further parameters are columns and their values."""
