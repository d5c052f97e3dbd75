"""What happens to jobs, for those who run the server: one line of the log for each change, and plain counts of it all.

Counting is on the way of every job and node, so numbers are kept as plain integers here; `server.routes.metrics` writes
them down when somebody asks.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from server.store.rows import FINISHED
from server.store.writer import StoredEvent

__all__ = ["Durations", "Journal"]

log = logging.getLogger("heddle.jobs")

_TROUBLE = frozenset({"failed", "dead", "lost"})
_STATES = {"lost": "queued", "returned": "queued"}
"""The state that a change leads to, where it has another name."""
WAIT_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
RUN_SECONDS = (0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_MOST_TIMED = 100_000


class Durations:
    """How many things took how long.

    Attributes:
        bounds: upper bounds in seconds; what took longer counts in one bucket more.
        counts: how many fell into each bucket.
        total: seconds altogether.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class Journal:
    """Counts since the server started.

    Attributes:
        changes: how often jobs came into each state.
        waited: from being queued to being taken by a worker.
        ran: from there to the end, by outcome.
        nodes: how many nodes ran and how many were answered from the cache.
        node_seconds: how long those that ran took altogether.
        lost_workers: how many workers died or were replaced.
        requests: how long requests took, by method, route and status.
    """

    def __init__(self) -> None:
        self.changes: Counter[str] = Counter()
        self.waited = Durations(WAIT_SECONDS)
        self.ran: dict[str, Durations] = {}
        self.nodes = {"ran": 0, "cached": 0}
        self.node_seconds = 0.0
        self.lost_workers = 0
        self.requests: dict[tuple[str, str, int], Durations] = {}
        self._since: dict[str, int] = {}

    def note(self, events: Sequence[StoredEvent]) -> None:
        """Take note of changes that are on disk."""
        for event in events:
            self.changes[event.kind] += 1
            self._time(event)
            _write(event)

    def heard(self, event: Mapping[str, Any]) -> None:
        """Take note of what a worker says about its nodes."""
        kind = event["kind"]
        if kind == "node_finished" and not event.get("cached"):
            self.nodes["ran"] += 1
            self.node_seconds += event.get("seconds") or 0.0
        elif kind == "nodes_cached":
            self.nodes["cached"] += len(event["nodes"])

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take note of a request."""
        key = (method, route, status)
        if key not in self.requests:
            self.requests[key] = Durations(REQUEST_SECONDS)
        self.requests[key].add(seconds)

    def _time(self, event: StoredEvent) -> None:
        kind, job = event.kind, event.job
        if kind in ("queued", *_STATES):
            if len(self._since) < _MOST_TIMED:
                self._since[job] = event.at
        elif kind == "running":
            since = self._since.get(job)
            if since is not None:
                self.waited.add((event.at - since) / 1000)
                self._since[job] = event.at
        elif kind in FINISHED:
            since = self._since.pop(job, None)
            if since is not None and event.attempt > 0:
                self.ran.setdefault(kind, Durations(RUN_SECONDS)).add((event.at - since) / 1000)


def _write(event: StoredEvent) -> None:
    """One line: which job, which attempt, which state, and what else is known of the change."""
    level = logging.WARNING if event.kind in _TROUBLE else logging.INFO
    if not log.isEnabledFor(level):
        return
    fields: dict[str, Any] = {"queue": event.kind}
    if event.job:
        fields = {"job": event.job, "attempt": event.attempt, "state": _STATES.get(event.kind, event.kind)}
    if event.kind in _STATES:
        fields["change"] = event.kind
    fields |= {key: value for key, value in event.data.items() if isinstance(value, str | int | float)}
    log.log(level, "%s", " ".join(f"{key}={_word(value)}" for key, value in fields.items()), extra={"fields": fields})


def _word(value: Any) -> str:
    text = str(value)
    return text if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text)
