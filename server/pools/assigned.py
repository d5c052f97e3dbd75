"""The runs that one worker has been given: the one it is at, and short ones ahead of time.

A run that is answered from the cache is over before the table and the socket could bring the next one, so a worker
whose last runs were that short is given the next ones while it is at one. If that one takes its time after all, the
worker is asked to give back what it has not begun, and no job waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["AHEAD", "SHORT_SECONDS", "Assigned"]

AHEAD = 4
"""Most runs that a worker holds, the one it is at included."""
SHORT_SECONDS = 0.05
"""What a run may take so that others are given ahead; after that they are asked back."""
_IN_A_ROW = 8
"""How many runs must have been short before others are given ahead."""

Attempt = tuple[str, int]


class Assigned:
    """Runs in the order in which the worker takes them.

    Args:
        clock: seconds that never go back.
    """

    __slots__ = ("_clock", "_runs", "_short", "_since")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: dict[Attempt, None] = {}
        self._since = 0.0
        self._short = 0

    def __bool__(self) -> bool:
        return bool(self._runs)

    def __contains__(self, run: Attempt) -> bool:
        return run in self._runs

    def holds(self, job: str) -> bool:
        """Whether one of the runs is an attempt at this job."""
        return any(run[0] == job for run in self._runs)

    @property
    def current(self) -> Attempt | None:
        """The run that the worker is at."""
        return next(iter(self._runs), None)

    @property
    def waiting(self) -> list[Attempt]:
        """Runs behind the current one."""
        return list(self._runs)[1:]

    @property
    def room(self) -> int:
        """How many more runs may be given ahead; none while the worker is at nothing."""
        if not self._runs or self._short < _IN_A_ROW or self.overdue_in <= 0:
            return 0
        return AHEAD - len(self._runs)

    @property
    def overdue_in(self) -> float:
        """Seconds until the current run is not a short one any more."""
        return self._since + SHORT_SECONDS - self._clock()

    def add(self, run: Attempt) -> None:
        """The worker has been given a run."""
        if not self._runs:
            self._since = self._clock()
        self._runs[run] = None

    def ended(self, run: Attempt) -> None:
        """The worker is done with a run; the next one is its current one."""
        if run == self.current:
            self._short = self._short + 1 if self.overdue_in > 0 else 0
            self._since = self._clock()
        self._runs.pop(run, None)

    def returned(self, run: Attempt) -> bool:
        """The worker has given back a run that it had not begun; False when it never had it."""
        self._short = 0
        return run in self._runs and self._runs.pop(run) is None
