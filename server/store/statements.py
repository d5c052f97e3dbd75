"""Statements that every job needs, made once: making one takes longer than running it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Executable, Insert, Update, bindparam, func, insert, or_, select, update
from sqlalchemy.dialects import sqlite

from server.store.schema import events, jobs

__all__ = ["ADD_EVENTS", "ADD_JOBS", "CLAIM", "FINISH", "IN_TURN", "SAME_KEY", "Prepared"]


class Prepared:
    """A statement and its text for SQLite, where it goes to the driver directly.

    A statement inside a SQLite transaction takes a few microseconds; what a general road adds to it is many times
    that, and is paid for every job. Other databases take `statement` on the general road.

    Args:
        statement: the statement; its parameters are given by name.
        columns: the columns that it sets, where the parameters decide them.
    """

    __slots__ = ("_fixed", "_row", "statement", "text")

    def __init__(self, statement: Any, columns: Iterable[str] | None = None) -> None:
        self.statement: Executable = statement
        dialect = sqlite.dialect(paramstyle="named")
        compiled = statement.compile(dialect=dialect, column_keys=None if columns is None else list(columns))
        self.text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if isinstance(value, str | int)}
        returned = (
            statement.returning_column_descriptions
            if isinstance(statement, Insert | Update)
            else (statement.column_descriptions)
        )
        self._row = namedtuple("Row", [column["name"] for column in returned]) if returned else None

    def parameters(self, given: dict[str, Any]) -> dict[str, Any]:
        """What is bound: the values given, and those that are part of the statement."""
        return {**self._fixed, **given}

    def row(self, values: tuple[Any, ...]) -> Any:
        """A result of the driver, with names."""
        assert self._row is not None
        return self._row(*values)


IN_TURN = (jobs.c.priority.desc(), jobs.c.place, jobs.c.number, jobs.c.id)
"""The order in which queued jobs run."""

_NEXT = select(jobs.c.id).where(jobs.c.state == "queued").order_by(*IN_TURN).limit(1).scalar_subquery()

CLAIM = Prepared(
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
        jobs.c.ticket,
        jobs.c.place,
    )
)
"""Takes the job whose turn it is; parameters `by_worker`, `lease_end` and `now`."""

FINISH = Prepared(
    update(jobs).where(
        jobs.c.id == bindparam("of_job"), jobs.c.attempt == bindparam("of_attempt"), jobs.c.state == "running"
    ),
    (
        "state", "outputs", "meta", "messages", "error", "reason", "outputs_count", "preview_output", "explanations",
        "finished", "finish_order", "worker", "lease_until", "secrets",
    ),
)  # fmt: skip
"""Ends the attempt `of_attempt` at the job `of_job`; further parameters are columns and their values."""

SAME_KEY = Prepared(
    select(jobs.c.id, jobs.c.number, jobs.c.ticket, jobs.c.body_hash, jobs.c.problems, jobs.c.state).where(
        or_(jobs.c.key == bindparam("of_key"), jobs.c.id == bindparam("of_job"))
    )
)
"""The job that came before with the key `of_key` or the id `of_job`."""

ADD_JOBS = Prepared(
    insert(jobs),
    (
        "id", "number", "ticket", "state", "client_id", "key", "body_hash", "prompt", "targets", "extra_data",
        "secrets", "problems", "attempt", "deaths", "cancel_requested", "created", "name", "priority", "place",
    ),
)  # fmt: skip
"""Adds jobs; each row has exactly these columns."""

ADD_EVENTS = Prepared(insert(events), ("seq", "job", "attempt", "kind", "data", "at"))
"""Adds events; each row has exactly these columns."""
