"""The job table in PostgreSQL, which is restarted while real servers and workers are killed."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.site import Site
from tests.chaos.storm import storm
from tests.server.store.cluster import Cluster, programs

pytestmark = pytest.mark.chaos


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL of this test's own."""
    found = programs()
    if found is None:
        what = "PostgreSQL is not installed. Run: tools/install-test-services"
        pytest.fail(what) if os.environ.get("CI") == "true" else pytest.skip(what)
    cluster = Cluster(found)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def test_nothing_is_lost_when_the_database_restarts_while_processes_are_killed(
    cluster: Cluster, new_site: Callable[..., Site], kills: int
) -> None:
    site = new_site("--workers", "2", "--database", cluster.new_database()).start()
    stop = threading.Event()
    restarts = []

    def restart() -> None:
        while not stop.wait(1.5):
            cluster.stop()
            time.sleep(0.3)
            cluster.start()
            restarts.append(time.monotonic())

    restarting = threading.Thread(target=restart)
    restarting.start()
    try:
        seen = storm(site, min(kills, 40), random.Random(5), calm=lambda: (stop.set(), restarting.join()))
    finally:
        stop.set()
        restarting.join()

    assert restarts and set(seen.states.values()) == {"succeeded"}
