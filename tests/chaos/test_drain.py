"""Servers that are asked to stop: what runs may end, or is queued again, and the next server goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.checker import check
from tests.chaos.site import Site, graph


def _running(site: Site, journal: Path, seconds: float) -> str:
    job = site.submit(graph(1, seconds, journal=str(journal)))
    site.submit(graph(2))
    site.wait(journal.exists, "the work begins")
    return job


def test_a_job_that_ends_within_the_grace_ends_and_what_is_queued_waits_for_the_next_server(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site("--grace", "20").start()
    job = _running(site, tmp_path / "journal", 1.5)
    status = site.stop()
    site.start()

    assert status == 0
    assert (site.job(job)["state"], site.job(job)["attempt"]) == ("succeeded", 1)
    assert set(check(site).values()) == {"succeeded"}


@pytest.mark.chaos
def test_a_job_that_does_not_is_queued_again_and_runs_in_the_next_server(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site("--grace", "0.5").start()
    job = _running(site, tmp_path / "journal", 8.0)
    started = time.monotonic()
    status = site.stop()
    took = time.monotonic() - started
    site.start()
    site.until(job, "running")
    detail = site.job(job)
    site.cancel(job)

    assert status == 0 and took < 5.0
    assert (detail["attempt"], detail["deaths"]) == (2, 0), "a server that stops in order is no death"
    check(site)


@pytest.mark.chaos
def test_a_second_signal_does_not_wait(new_site: Callable[..., Site], tmp_path: Path) -> None:
    site = new_site("--grace", "60").start()
    job = _running(site, tmp_path / "journal", 30.0)
    assert site.process is not None
    os.kill(site.process.pid, signal.SIGTERM)
    time.sleep(0.5)
    assert site.alive
    started = time.monotonic()
    status = site.stop()
    took = time.monotonic() - started
    site.start()
    site.until(job, "running")
    site.cancel(job)

    assert status == 0 and took < 4.0
    check(site)
