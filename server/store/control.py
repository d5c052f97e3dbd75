"""What people change about the queue: pausing it, the order of its jobs, and running finished jobs again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, func, insert, or_, select, update

from server.errors import Refused
from server.store import transitions
from server.store.rows import FINISHED, State
from server.store.schema import facts, jobs
from server.store.statements import IN_TURN
from server.store.turns import Turns
from server.store.writer import Transaction, Writer

__all__ = ["Moved", "QueueControl"]

SMALLEST_GAP = 1e-7
"""Places closer than this are spread before a job is put between them."""
_PLACE = (jobs.c.id, jobs.c.attempt, jobs.c.state, jobs.c.priority, jobs.c.place, jobs.c.number)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a queued job stands now."""

    id: str
    priority: int
    place: float


class QueueControl:
    """Changes of the queue as a whole; each is answered when it is on disk.

    Args:
        writer: makes the changes.
        turns: the order of the queue, shared with the job table.
    """

    def __init__(self, writer: Writer, turns: Turns) -> None:
        self._writer = writer
        self._turns = turns

    @property
    def paused(self) -> bool:
        """Whether no job is taken from the queue; running ones go on."""
        return self._turns.paused

    async def pause(self, paused: bool) -> None:
        """Take no more jobs from the queue, or take them again; survives a restart."""

        async def operation(transaction: Transaction) -> None:
            known = (await transaction.execute(select(facts.c.value).where(facts.c.name == "paused"))).first()
            if paused == (known is not None):
                return
            if paused:
                await transaction.execute(insert(facts).values(name="paused", value="1"))
            else:
                await transaction.execute(delete(facts).where(facts.c.name == "paused"))
            self._turns.paused = paused
            transaction.happened("", 0, "paused" if paused else "resumed", {})

        await self._writer.write(operation)

    async def move(
        self, job: str, *, before: str | None = None, after: str | None = None, to: Literal["front", "back"] = "back"
    ) -> Moved:
        """Put a queued job before or after another one, or at an end of the queue, and into its priority.

        Raises:
            Refused: 404 or 409 when one of them is not queued.
        """

        async def operation(transaction: Transaction) -> Moved | Refused:
            moving = await _queued(transaction, job)
            if isinstance(moving, Refused):
                return moving
            neighbour = before or after
            if neighbour is None:
                end = await _end(transaction, job, to)
                if end is None:
                    return Moved(job, moving.priority, moving.place)
                return await _stand(transaction, moving, end.priority, end.place + (-1.0 if to == "front" else 1.0))
            beside = await _queued(transaction, neighbour)
            if isinstance(beside, Refused):
                return beside
            if neighbour == job:
                return Moved(job, moving.priority, moving.place)
            place = await _beside(transaction, job, beside, ahead=before is not None)
            return await _stand(transaction, moving, beside.priority, place)

        return _or_raise(await self._writer.write(operation))

    async def prioritise(self, job: str, priority: int) -> Moved:
        """Give a queued job another priority; higher ones run first.

        Raises:
            Refused: 404 or 409 when it is not queued.
        """

        async def operation(transaction: Transaction) -> Moved | Refused:
            found = await _queued(transaction, job)
            if isinstance(found, Refused):
                return found
            return await _stand(transaction, found, priority, found.place)

        return _or_raise(await self._writer.write(operation))

    async def retry(
        self, states: Sequence[State], ticket: Callable[[], int], only: Sequence[str] | None = None
    ) -> list[str]:
        """Queue finished jobs again, in the order in which they ended, all of these states or those named.

        Args:
            ticket: gives the next number.
        """

        async def operation(transaction: Transaction) -> list[str]:
            chosen: list[ColumnElement[bool]] = [jobs.c.state.in_([state for state in states if state in FINISHED])]
            if only is not None:
                chosen.append(jobs.c.id.in_(only))
            wanted = select(jobs.c.id, jobs.c.client_id, jobs.c.attempt).where(*chosen).order_by(jobs.c.finish_order)
            return await transitions.queue_again(transaction, wanted, ticket, self._turns)

        return await self._writer.write(operation)


def _or_raise(answer: Moved | Refused) -> Moved:
    if isinstance(answer, Refused):
        raise answer
    return answer


async def _queued(transaction: Transaction, job: str) -> Row[Any] | Refused:
    """A queued job's place; why it cannot be moved otherwise."""
    found = (await transaction.execute(select(*_PLACE).where(jobs.c.id == job))).first()
    if found is None:
        return Refused(404, "no_such_job", f"There is no job {job!r}.", "List jobs at /api/v1/jobs.")
    if found.state != "queued":
        return Refused(409, "not_queued", f"Job {job} is {found.state}.", "Only queued jobs have a place.")
    return found


async def _end(transaction: Transaction, job: str, to: Literal["front", "back"]) -> Row[Any] | None:
    """The other job at an end of the queue; None when there is no other."""
    order = IN_TURN if to == "front" else _IN_REVERSE
    wanted = select(*_PLACE).where(jobs.c.state == "queued", jobs.c.id != job).order_by(*order).limit(1)
    return (await transaction.execute(wanted)).first()


async def _beside(transaction: Transaction, job: str, beside: Row[Any], ahead: bool) -> float:
    """A place directly before or after another job of its priority, where no third one stands between."""
    for _ in range(2):
        near = await _neighbour(transaction, job, beside, ahead)
        if near is None:
            return float(beside.place) + (-1.0 if ahead else 1.0)
        if abs(near.place - beside.place) >= SMALLEST_GAP:
            return float(near.place + beside.place) / 2
        await _spread(transaction, beside)
        beside = (await transaction.execute(select(*_PLACE).where(jobs.c.id == beside.id))).one()
    raise AssertionError("places that were spread are apart")


async def _neighbour(transaction: Transaction, job: str, beside: Row[Any], ahead: bool) -> Row[Any] | None:
    """The job next to another one in the queue, of the same priority, other than the one that moves."""
    key = (jobs.c.place, jobs.c.number, jobs.c.id)
    values = (beside.place, beside.number, beside.id)
    further = [
        and_(*(key[i] == values[i] for i in range(n)), key[n] < values[n] if ahead else key[n] > values[n])
        for n in range(3)
    ]
    wanted = (
        select(*_PLACE)
        .where(jobs.c.state == "queued", jobs.c.priority == beside.priority, jobs.c.id != job)
        .where(key[0] <= values[0] if ahead else key[0] >= values[0], or_(*further))
        .order_by(*(_IN_REVERSE if ahead else IN_TURN))
        .limit(1)
    )
    return (await transaction.execute(wanted)).first()


async def _spread(transaction: Transaction, around: Row[Any]) -> None:
    """Give the queued jobs whose places are too close to one place that are apart, in the same order.

    Only the few around that place are touched; more of them where even their neighbours leave no room.
    """
    queued = (jobs.c.state == "queued", jobs.c.priority == around.priority)
    width = SMALLEST_GAP
    while True:
        low, high = around.place - width, around.place + width
        close = select(jobs.c.id).where(*queued, jobs.c.place.between(low, high)).order_by(*IN_TURN)
        ids = [row.id for row in await transaction.execute(close)]
        below = (await transaction.execute(select(func.max(jobs.c.place)).where(*queued, jobs.c.place < low))).scalar()
        above = (await transaction.execute(select(func.min(jobs.c.place)).where(*queued, jobs.c.place > high))).scalar()
        low, high = low - 1 if below is None else below, high + 1 if above is None else above
        step = (high - low) / (len(ids) + 1)
        if step >= 2 * SMALLEST_GAP:
            break
        width *= 16
    rows = [{"of_job": job, "at": low + step * (rank + 1)} for rank, job in enumerate(ids)]
    await transaction.execute(update(jobs).where(jobs.c.id == bindparam("of_job")).values(place=bindparam("at")), rows)


async def _stand(transaction: Transaction, moving: Row[Any], priority: int, place: float) -> Moved:
    await transaction.execute(update(jobs).where(jobs.c.id == moving.id).values(priority=priority, place=place))
    transaction.happened(moving.id, moving.attempt, "moved", {"priority": priority, "place": place})
    return Moved(moving.id, priority, place)


_IN_REVERSE = (jobs.c.priority, jobs.c.place.desc(), jobs.c.number.desc(), jobs.c.id.desc())
