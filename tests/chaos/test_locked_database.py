"""Another process holds the job database's lock: everybody waits, nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
import time

from tests.chaos.checker import check
from tests.chaos.site import Site, graph


def test_submissions_and_outcomes_wait_for_a_locked_database(site: Site) -> None:
    jobs = [site.submit(graph(value, 0.3)) for value in range(3)]
    other = sqlite3.connect(site.folder / "heddle.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    releasing = threading.Timer(2.5, lambda: other.execute("COMMIT"))
    releasing.start()
    assert site.get("/prompt")["exec_info"]["queue_remaining"] >= 0, "reading waits for nobody"
    assert time.monotonic() - began < 1.5
    jobs.append(site.submit(graph(10)))
    waited = time.monotonic() - began
    releasing.join()
    other.close()

    assert waited > 2.0, "a submission must not be answered before it is on disk"
    states = check(site)
    assert {states[job] for job in jobs} == {"succeeded"}
