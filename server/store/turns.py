"""Whose turn it is: places in the queue that are fair between clients.

A job's place is a number; lower runs first. A client that is alone gets its tickets as places: first come, first
served. A client that comes while others wait is put beside the job that runs now, not behind everything that was
queued before: each client's jobs stand one place apart, so clients take turns. This is start-time fair queueing
(Goyal, Vin and Cheng 1996) with jobs of equal length. Newcomers stand an eighth of a place apart, so that never more
than eight of them overtake one waiting job, however many come.

What is remembered here is made again from the table after a start, and is about the order only.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Turns"]

NEWCOMER_STEP = 1 / 8
_MANY = 4096
"""Clients after which those are forgotten whose turn has passed."""


class Turns:
    """Gives places to new jobs.

    Attributes:
        paused: whether no job may be taken from the queue.
    """

    __slots__ = ("_last", "_newcomer", "_now", "_resting", "paused")

    def __init__(self) -> None:
        self.paused = False
        self._now = float("-inf")
        self._newcomer = float("-inf")
        self._last: dict[str | None, float] = {}
        self._resting = True

    def continue_from(self, first: float | None, last: Iterable[tuple[str | None, float]]) -> None:
        """Go on after a start.

        Args:
            first: the lowest place of a queued job with a ticket; None when nothing is queued.
            last: the highest place of each client's queued jobs with a ticket.
        """
        self._resting = first is None
        if first is not None:
            self._now = first
        self._last = dict(last)

    def place(self, client_id: str | None, ticket: int) -> float:
        """The place of a client's next job."""
        if self._resting:
            self._now, self._resting = max(self._now, float(ticket)), False
        last = self._last.get(client_id)
        if last is None or last + 1 < self._now:
            place = self._newcomer = max(self._now, self._newcomer + NEWCOMER_STEP)
        else:
            place = last + 1
        self._last[client_id] = place
        if len(self._last) > _MANY:
            self._last = {client: at for client, at in self._last.items() if at + 1 >= self._now}
        return place

    def served(self, place: float) -> None:
        """A job with a ticket was taken from this place."""
        self._now = max(self._now, place)

    def rest(self) -> None:
        """Nothing is queued: the next job stands where its ticket says."""
        self._resting = True
