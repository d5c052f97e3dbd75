"""Processes killed at random moments while jobs are submitted and run."""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.chaos.checker import check
from tests.chaos.site import Gone, Site, graph

AHEAD = 12
"""Jobs that are kept queued or running."""
LONGEST = 0.5
"""Seconds between two kills, at most."""


@dataclass
class Storm:
    """What a storm has seen.

    Attributes:
        workers, servers: how many of each were killed.
        unanswered: submissions that got no answer, and were repeated with the same id.
        dead: jobs that two kills had met, and that were queued again at the end.
        states: how every job ended.
    """

    workers: int = 0
    servers: int = 0
    unanswered: int = 0
    dead: int = 0
    seconds: float = 0.0
    states: dict[str, str] = field(default_factory=dict)


def storm(
    site: Site,
    kills: int,
    chance: random.Random,
    server_share: float = 0.15,
    calm: Callable[[], object] = lambda: None,
) -> Storm:
    """Kill processes of a running site, and check that nothing is lost.

    Args:
        kills: how many.
        chance: decides when and whom.
        server_share: how many of them are the server.
        calm: ends whatever else goes on, before it is checked.
    """
    seen, started = Storm(), time.monotonic()
    numbers = itertools.count(1)
    waiting: list[tuple[str, dict[str, Any]]] = []
    while seen.workers + seen.servers < kills:
        _feed(site, seen, numbers, waiting, chance)
        time.sleep(chance.uniform(0.0, LONGEST))
        if not site.alive:
            site.start(wait=False)
        elif chance.random() < server_share:
            site.kill()
            seen.servers += 1
            site.start(wait=False)
            if chance.random() < 0.8:  # else the next kill may meet it while it starts
                site.wait(lambda: site.get("/prompt"), "the server answers")
        else:
            workers = site.workers()
            if workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    chance.choice(workers).kill()
                    seen.workers += 1
    calm()
    if not site.alive:
        site.start(wait=False)
    site.wait(lambda: "chaos.picture" in site.get("/object_info"), "the pack is loaded")
    for name, made in waiting:
        site.submit(made, name)
    site.settled(site.accepted, within=300)
    for job in site.accepted:
        if site.job(job)["state"] == "dead":
            seen.dead += 1
            site.post(f"/api/v1/jobs/{job}/retry")
    seen.states = check(site)
    seen.seconds = time.monotonic() - started
    return seen


def _feed(
    site: Site, seen: Storm, numbers: Iterator[int], waiting: list[tuple[str, dict[str, Any]]], chance: random.Random
) -> None:
    """Keep the queue filled; a submission that got no answer is repeated with its id until it does."""
    try:
        remaining = site.get("/prompt")["exec_info"]["queue_remaining"]
        for _ in range(AHEAD - remaining):
            if not waiting:
                value = next(numbers)
                made = graph(value, chance.choice((0.0, 0.0, 0.02, 0.1)), count=chance.choice((1, 1, 3)))
                waiting.append((f"storm-{value}", made))
            site.submit(waiting[0][1], waiting[0][0])
            waiting.pop(0)
    except Gone:
        seen.unanswered += 1
