"""Any order of submitting, cancelling, killing, pausing, filling the disk and restarting keeps every promise."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import tempfile
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.chaos.checker import check
from tests.chaos.site import Gone, Site, graph

MOST_STARTS = 5
"""How often one site starts: a start takes longer than everything else that happens to it."""
EXAMPLES = int(os.environ.get("HEDDLE_CHAOS_EXAMPLES", "6"))
"""How many sites the long form has; half a minute each, more on a busy machine."""


class Disasters(RuleBasedStateMachine):
    """One site, to which rules happen in an order that Hypothesis chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="heddle-chaos-"))
        self.site = Site(self.root / "data", "--workers", "2", "--lease", "10", "--grace", "1")
        self.small = False
        self.submitted = 0
        self.starts = 0

    @initialize()
    def start(self) -> None:
        self.starts += 1
        self.site.start()

    @rule(seconds=st.sampled_from([0.0, 0.0, 0.05, 0.4]), count=st.integers(1, 3))
    def submit(self, seconds: float, count: int) -> None:
        self.submitted += 1
        size = 200 if self.small else 16
        with contextlib.suppress(Gone):
            self.site.submit(graph(self.submitted, seconds, count=count, size=size), f"job-{self.submitted}")

    @rule(which=st.integers(0, 999))
    def cancel(self, which: int) -> None:
        if not self.site.accepted:
            return
        job = self.site.accepted[which % len(self.site.accepted)]
        with contextlib.suppress(Gone, AssertionError):  # it may have ended
            self.site.cancel(job)

    @rule(which=st.integers(0, 999))
    def retry(self, which: int) -> None:
        if not self.site.accepted:
            return
        job = self.site.accepted[which % len(self.site.accepted)]
        with contextlib.suppress(Gone, AssertionError):  # it may not have ended
            if self.site.job(job)["state"] != "succeeded":  # that would publish a second set
                self.site.post(f"/api/v1/jobs/{job}/retry")

    @rule(which=st.integers(0, 1))
    def kill_worker(self, which: int) -> None:
        workers = self.site.workers()
        if workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                workers[which % len(workers)].kill()

    @precondition(lambda self: self.starts < MOST_STARTS)
    @rule()
    def kill_server(self) -> None:
        self.site.kill()
        self.start()

    @precondition(lambda self: self.starts < MOST_STARTS)
    @rule()
    def restart(self) -> None:
        self.site.stop()
        self.start()

    @rule(on=st.booleans())
    def pause(self, on: bool) -> None:
        with contextlib.suppress(Gone):
            self.site.post(f"/api/v1/queue/{'pause' if on else 'resume'}")

    @rule(full=st.booleans())
    def fill_disk(self, full: bool) -> None:
        """No file of a worker may grow beyond 10 kB: a picture ends in the middle, as on a full disk."""
        self.small = full
        most = 10_000 if full else resource.RLIM_INFINITY
        for worker in self.site.workers():
            with contextlib.suppress(psutil.NoSuchProcess, PermissionError):
                worker.rlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def teardown(self) -> None:
        try:
            if self.site.alive:
                with contextlib.suppress(Gone):
                    self.site.post("/api/v1/queue/resume")
                check(self.site)
        finally:
            if self.site.alive:
                self.site.stop()
            shutil.rmtree(self.root, ignore_errors=True)


def test_a_few_disasters_in_a_row() -> None:
    disasters = Disasters()
    try:
        disasters.start()
        disasters.submit(seconds=0.4, count=2)
        disasters.submit(seconds=0.4, count=1)
        disasters.kill_worker(which=0)
        disasters.submit(seconds=0.0, count=3)
        disasters.cancel(which=2)
        disasters.kill_server()
        disasters.fill_disk(full=True)
        disasters.submit(seconds=0.0, count=1)
        disasters.fill_disk(full=False)
        disasters.pause(on=True)
        disasters.submit(seconds=0.05, count=1)
        disasters.retry(which=2)

        assert len(disasters.site.accepted) == 5
    finally:
        disasters.teardown()


@pytest.mark.chaos
@pytest.mark.timeout(120 * EXAMPLES)
def test_many_disasters_in_any_order() -> None:
    run_state_machine_as_test(
        Disasters,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=30, deadline=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
