"""Servers and workers killed at random moments: nothing accepted is lost, nothing is published twice."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.chaos.site import Site
from tests.chaos.storm import storm


def test_nothing_is_lost_when_processes_are_killed_at_random_moments(new_site: Callable[..., Site], kills: int) -> None:
    site = new_site("--workers", "2").start()
    seen = storm(site, kills, random.Random(kills))

    assert seen.workers + seen.servers == kills
    assert set(seen.states.values()) == {"succeeded"}
