"""A node that takes more and more memory ends with an error that says so, before anything is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos.checker import check
from tests.chaos.site import Site, graph


def test_a_node_that_takes_more_than_the_limit_fails_with_sizes_and_the_worker_lives(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site("--memory-limit", "700MB").start()
    workers = [worker.pid for worker in site.workers()]
    hungry = graph(1)
    hungry["2"] = {
        "class_type": "chaos.die",
        "inputs": {"number": ["1", 0], "how": "memory", "times": 9, "marker": str(tmp_path / "marker")},
    }
    job = site.submit(hungry)
    follower = site.submit(graph(2))
    detail = site.until(job, "failed", "succeeded", "dead")

    assert detail["state"] == "failed", detail
    assert "Memory ran out" in detail["error"]["message"] and "0.73 GB" in detail["error"]["message"]
    assert "smaller picture" in detail["error"]["fix"]
    assert (tmp_path / "marker").read_text() == "xx", "it is tried once more after memory was given back"
    assert site.until(follower, "succeeded", "failed")["state"] == "succeeded"
    assert [worker.pid for worker in site.workers()] == workers, "no worker may have died of it"
    check(site)
