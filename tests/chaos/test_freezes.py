"""Processes that stand still for longer than an attempt's lease: SIGSTOP, and SIGCONT where it comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.checker import check
from tests.chaos.site import Site, graph

LEASE = 3.0


def test_a_frozen_worker_is_replaced_before_its_lease_ends_and_its_job_runs_again(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site("--lease", str(LEASE)).start()
    journal = tmp_path / "journal"
    job = site.submit(graph(1, 1.0, journal=str(journal)))
    site.wait(journal.exists, "the work begins")
    frozen = site.workers()[0]
    frozen.suspend()
    follower = site.submit(graph(2))
    site.settled([job, follower], within=30)

    assert not frozen.is_running()
    assert (site.job(job)["state"], site.job(job)["attempt"]) == ("succeeded", 2)
    check(site)


@pytest.mark.chaos
def test_a_server_that_stands_still_past_every_lease_goes_on_as_if_nothing_had_been(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site("--lease", str(LEASE)).start()
    journal = tmp_path / "journal"
    site.submit(graph(1, 1.0, journal=str(journal)))
    for value in range(2, 6):
        site.submit(graph(value))
    site.wait(journal.exists, "the work begins")
    assert site.process is not None
    os.kill(site.process.pid, signal.SIGSTOP)
    time.sleep(LEASE * 1.5)
    os.kill(site.process.pid, signal.SIGCONT)
    states = check(site)

    assert set(states.values()) == {"succeeded"}
