"""The server, or a worker, is killed exactly between two steps; after a restart everything promised is true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from graph_runtime.crash_points import POINTS
from tests.chaos.checker import check
from tests.chaos.site import Gone, Site, graph

IN_SHORT = {"done.before_registration", "file.after_rename"}
"""The points that belong to the short form."""
SERVER = [name for name, text in POINTS.items() if text.startswith("server")]
WORKER = [name for name, text in POINTS.items() if text.startswith("worker")]


def marked(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in IN_SHORT else pytest.mark.chaos) for name in names]


@pytest.mark.parametrize("point", marked(SERVER))
def test_a_server_killed_at_this_point_loses_nothing(new_site: Callable[..., Site], tmp_path: Path, point: str) -> None:
    site = new_site()
    once = tmp_path / "once"
    once.mkdir()
    orders = {"HEDDLE_CRASH_AT": point, "HEDDLE_CRASH_ONCE": str(once)}
    if point == "recover.after_commit":
        site.start()
        job = site.submit(graph(0, 30.0))
        site.until(job, "running")
        site.kill()
        site.start(wait=False, **orders)
        assert site.process is not None
        site.process.wait(30)
        site.start()
        site.cancel(job)
    else:
        site.start(**orders)
        for value in range(1, 4):
            try:
                site.submit(graph(value, 3.0 if point.startswith("cancel") else 0.0), f"job-{value}")
            except Gone:
                break
        if point.startswith("cancel"):
            site.until("job-1", "running")
            with pytest.raises(Gone):
                site.cancel("job-1")
        assert site.process is not None
        site.process.wait(30)
        site.start()
        for value in range(1, 4):  # a client that got no answer asks again
            if f"job-{value}" not in site.accepted:
                site.submit(graph(value, 0.0), f"job-{value}")

    assert (once / point).exists(), "the server was not killed where it should have been"
    states = check(site)
    assert all(states[job] == "succeeded" for job in site.accepted if job not in site.cancelled)


@pytest.mark.parametrize("point", marked(WORKER))
def test_a_worker_killed_at_this_point_loses_nothing(new_site: Callable[..., Site], tmp_path: Path, point: str) -> None:
    once = tmp_path / "once"
    once.mkdir()
    site = new_site(environment={"HEDDLE_CRASH_AT": point, "HEDDLE_CRASH_ONCE": str(once)}).start()
    jobs = [site.submit(graph(value, count=2)) for value in range(3)]
    states = check(site)

    assert (once / point).exists()
    assert set(states.values()) == {"succeeded"}
    assert [site.job(job)["deaths"] for job in jobs] == [1, 0, 0]
