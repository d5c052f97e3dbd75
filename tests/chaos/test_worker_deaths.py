"""Workers die of whatever nodes do; their jobs run again, or are set aside after the second death."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker import check
from tests.chaos.site import Site, graph


def deadly(value: int, how: str, times: int, marker: Path) -> dict[str, Any]:
    made = graph(value)
    made["2"] = {
        "class_type": "chaos.die", "inputs": {"number": ["1", 0], "how": how, "times": times, "marker": str(marker)}
    }  # fmt: skip
    return made


@pytest.mark.parametrize("how", ["segfault", *(pytest.param(how, marks=pytest.mark.chaos) for how in ("exit", "kill"))])
def test_a_job_whose_worker_dies_once_succeeds_in_the_next(site: Site, tmp_path: Path, how: str) -> None:
    job = site.submit(deadly(1, how, 1, tmp_path / "marker"))
    detail = site.until(job, "succeeded", "failed", "dead")

    assert (detail["state"], detail["attempt"], detail["deaths"]) == ("succeeded", 2, 1)


def test_a_job_that_kills_two_workers_is_dead_with_its_node_and_runs_again_when_asked(
    site: Site, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    job = site.submit(deadly(2, "exit", 2, marker))
    other = site.submit(graph(3))
    detail = site.until(job, "succeeded", "failed", "dead")

    assert (detail["state"], detail["deaths"]) == ("dead", 2)
    assert detail["reason"] == "it ended with status 3; node 2 (chaos.die) was running"
    assert (detail["error"]["node"], detail["error"]["node_type"]) == ("2", "chaos.die")
    assert site.until(other, "succeeded")["deaths"] == 0
    site.post(f"/api/v1/jobs/{job}/retry")
    assert site.until(job, "succeeded", "failed", "dead")["state"] == "succeeded"
    check(site)


def test_a_worker_that_was_dead_before_it_began_is_no_death_of_the_job(site: Site) -> None:
    for value in range(20, 22):
        site.wait(lambda: len(site.workers()) == 1, "a worker is up")
        (worker,) = site.workers()
        worker.suspend()  # it takes no frame any more
        job = site.submit(graph(value))
        site.wait(lambda job=job: site.job(job)["state"] == "running", "it is given away")
        worker.kill()
        detail = site.until(job, "succeeded", "failed", "dead")
        assert (detail["state"], detail["deaths"]) == ("succeeded", 0)


def test_a_running_job_ends_within_two_seconds_of_its_cancellation(site: Site, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    job = site.submit(graph(4, 60.0, journal=str(journal)))
    site.wait(journal.exists, "the work begins")
    started = time.monotonic()
    site.cancel(job)
    site.until(job, "cancelled")

    assert time.monotonic() - started < 2.0
    assert site.job(job)["deaths"] == 0


@pytest.mark.chaos
def test_a_node_deaf_to_cancellation_is_ended_within_ten_seconds(site: Site) -> None:
    made = graph(5)
    made["2"] = {"class_type": "chaos.deaf", "inputs": {"number": ["1", 0], "seconds": 300.0}}
    job = site.submit(made)
    site.wait(lambda: site.job(job)["state"] == "running", "it runs")
    time.sleep(0.3)
    before = [worker.pid for worker in site.workers()]
    started = time.monotonic()
    site.cancel(job)
    site.until(job, "cancelled", "dead", "failed")
    took = time.monotonic() - started
    follower = site.submit(graph(6))

    assert site.job(job)["state"] == "cancelled" and took < 10.0
    site.until(follower, "succeeded")
    assert [worker.pid for worker in site.workers()] != before


def test_finished_nodes_do_not_run_again_after_a_death(site: Site, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    made = graph(7, 0.5, journal=str(journal))
    made["4"] = {
        "class_type": "chaos.die",
        "inputs": {"number": ["2", 0], "how": "exit", "times": 1, "marker": str(tmp_path / "marker")},
    }
    made["3"]["inputs"]["number"] = ["4", 0]
    job = site.submit(made)
    detail = site.until(job, "succeeded", "failed", "dead")
    explained = {entry["node"]: entry for entry in site.get(f"/api/v1/jobs/{job}/explain")["nodes"]}

    assert (detail["state"], detail["attempt"]) == ("succeeded", 2)
    assert len(journal.read_text().splitlines()) == 1, "the slow node must not run twice"
    assert explained["2"]["ran"] is False and explained["2"]["reasons"][0]["kind"] == "from_disk"
    assert explained["4"]["ran"] is True


def test_the_kernel_takes_a_worker_before_it_takes_the_server(site: Site) -> None:
    assert site.process is not None
    scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (site.workers()[0].pid, site.process.pid)]

    assert scores[0] > scores[1] == int(Path(f"/proc/{os.getpid()}/oom_score_adj").read_text())
