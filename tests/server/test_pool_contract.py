"""What every pool of workers must do; run on the fake in this process and on real processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.errors import NoWorker
from server.pools.connection import Connection
from server.pools.fake import FakeLauncher
from server.pools.framed import Deadlines, FramedPool
from server.pools.local import LocalWorker, launch
from server.pools.protocol import (
    CataloguePublished,
    PoolEvent,
    Run,
    RunDone,
    RunEvent,
    RunReturned,
    WorkerFree,
    WorkerLost,
    WorkerPool,
    WorkerReady,
)  # fmt: skip

LIMITS = Deadlines(hello=10.0, cancel=0.4, silence=1.5, ping=0.3, backoff=0.1)


class Watched:
    """A pool, everything it said, and a way to kill its workers."""

    def __init__(self, pool: WorkerPool, kill: Any) -> None:
        self.pool = pool
        self.kill = kill
        self.seen: list[PoolEvent] = []
        self._events = pool.events()

    async def until(self, kind: type[Any], within: float = 8.0) -> Any:
        """Read events up to the next one of a kind."""
        async with asyncio.timeout(within):
            async for event in self._events:
                self.seen.append(event)
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"the pool ended without {kind.__name__}")


class Scripted:
    """A worker whose words a test chooses, at the other end of a socket."""

    pid = 0

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._gone = asyncio.Event()

    async def connect(self) -> Connection:
        return await Connection.over(self._end)

    def kill(self) -> None:
        self._gone.set()

    async def wait(self) -> str:
        await self._gone.wait()
        return "the script is over"


@contextlib.asynccontextmanager
async def fake(size: int) -> AsyncIterator[Watched]:
    launcher = FakeLauncher()
    pool = FramedPool(launcher, size, LIMITS)
    await pool.open()
    try:
        yield Watched(pool, lambda: launcher.workers[-1].kill())
    finally:
        await pool.close()


@contextlib.asynccontextmanager
async def processes(size: int) -> AsyncIterator[Watched]:
    started: list[LocalWorker] = []

    def launcher(name: str) -> LocalWorker:
        started.append(launch([sys.executable, "-m", "server.pools.fake"]))
        return started[-1]

    pool = FramedPool(launcher, size, LIMITS)
    await pool.open()
    try:
        yield Watched(pool, lambda: os.kill(started[-1].pid, signal.SIGKILL))
    finally:
        await pool.close()


@pytest.fixture(params=[fake, processes], ids=["fake", "processes"])
async def watched(request: pytest.FixtureRequest) -> AsyncIterator[Watched]:
    async with request.param(1) as watched:
        yield watched


def run(graph: dict[str, Any], job: str = "job", attempt: int = 1, target: str = "2") -> Run:
    return Run(job, attempt, json.dumps(graph), [target], {}, True)


WAIT = {
    "1": {"class_type": "FakeWait", "inputs": {"seconds": 5.0, "steps": 100}},
    "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
}
NOTHING = {"1": {"class_type": "FakeSource", "inputs": {"value": 1}}}
QUICK = {
    "1": {"class_type": "FakeSource", "inputs": {"value": 1}},
    "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
}


async def test_a_worker_publishes_its_catalogue_before_it_is_free(watched: Watched) -> None:
    await watched.until(WorkerReady)

    kinds = [type(event) for event in watched.seen]
    assert kinds.index(CataloguePublished) < kinds.index(WorkerFree)
    assert "FakeImage" in watched.seen[0].entries
    assert len(watched.pool.free()) == 1


async def test_a_run_reports_numbered_events_and_then_its_outcome(watched: Watched) -> None:
    worker = (await watched.until(WorkerFree)).worker
    assert await watched.pool.start(worker, run(QUICK))
    assert watched.pool.free() == []
    done = await watched.until(RunDone)

    events = [event for event in watched.seen if isinstance(event, RunEvent)]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[0].event["kind"] == "run_started" and events[-1].event["kind"] == "run_succeeded"
    assert (done.job, done.attempt, done.outcome) == ("job", 1, "succeeded")
    assert done.outputs["2"]["images"][0]["filename"] == "fake_2.png"
    assert watched.pool.free() == [worker]


async def test_a_busy_or_unknown_worker_takes_no_run(watched: Watched) -> None:
    worker = (await watched.until(WorkerFree)).worker
    await watched.pool.start(worker, run(WAIT))

    assert await watched.pool.start(worker, run(QUICK, "other")) is False
    assert await watched.pool.start("nobody", run(QUICK, "other")) is False


async def test_a_run_is_cancelled_at_its_next_step(watched: Watched) -> None:
    worker = (await watched.until(WorkerFree)).worker
    await watched.pool.start(worker, run(WAIT))
    await watched.until(RunEvent)
    await watched.pool.cancel("job", 1)
    done = await watched.until(RunDone)

    assert done.outcome == "cancelled"
    assert watched.pool.free() == [worker]


async def test_a_run_deaf_to_cancellation_is_ended_by_replacing_its_worker(watched: Watched) -> None:
    worker = (await watched.until(WorkerFree)).worker
    deaf = {**QUICK, "1": {"class_type": "FakeDeaf", "inputs": {"seconds": 30.0}}}
    await watched.pool.start(worker, run(deaf))
    await watched.until(RunEvent)
    await watched.pool.cancel("job", 1)
    lost = await watched.until(WorkerLost)
    replacement = await watched.until(WorkerFree)

    assert (lost.worker, lost.job, lost.attempt) == (worker, "job", 1)
    assert "cancellation" in lost.reason
    assert replacement.worker != worker


async def test_the_death_of_a_worker_names_the_run_it_was_at_and_brings_a_new_worker(watched: Watched) -> None:
    worker = (await watched.until(WorkerFree)).worker
    await watched.pool.start(worker, run(WAIT, attempt=3))
    await watched.until(RunEvent)
    watched.kill()
    lost = await watched.until(WorkerLost)
    replacement = await watched.until(WorkerFree)

    assert (lost.job, lost.attempt) == ("job", 3)
    assert await watched.pool.start(replacement.worker, run(QUICK, attempt=4))
    assert (await watched.until(RunDone)).attempt == 4


async def after_short_runs(watched: Watched) -> str:
    """The worker, once it has shown that its runs are short."""
    worker: str = (await watched.until(WorkerFree)).worker
    for number in range(8):
        assert watched.pool.ahead() == []
        assert await watched.pool.start(worker, run(NOTHING, f"short{number}", target="1"))
        await watched.until(RunDone)
    return worker


async def test_a_worker_of_short_runs_takes_the_next_ones_ahead_and_runs_them_in_order(watched: Watched) -> None:
    worker = await after_short_runs(watched)
    assert await watched.pool.start(worker, run(NOTHING, "a", target="1"))
    assert watched.pool.free() == [] and set(watched.pool.ahead()) == {worker}
    assert await watched.pool.start(worker, run(NOTHING, "b", target="1"))

    assert [(await watched.until(RunDone)).job for _ in range(2)] == ["a", "b"]
    assert watched.pool.free() == [worker] and watched.pool.ahead() == []


async def test_runs_behind_one_that_takes_longer_come_back_unbegun(watched: Watched) -> None:
    worker = await after_short_runs(watched)
    assert await watched.pool.start(worker, run(WAIT, "long"))
    assert await watched.pool.start(worker, run(QUICK, "b"))
    assert await watched.pool.start(worker, run(QUICK, "c"))
    returned = [await watched.until(RunReturned) for _ in range(2)]
    await watched.pool.cancel("long", 1)
    done = await watched.until(RunDone)

    assert [(event.worker, event.job, event.attempt) for event in returned] == [(worker, "b", 1), (worker, "c", 1)]
    assert (done.job, done.outcome) == ("long", "cancelled")
    assert not any(isinstance(event, RunEvent) and event.job in "bc" for event in watched.seen)
    assert watched.pool.free() == [worker]


async def test_a_worker_that_gives_everything_back_just_as_its_run_ends_is_free() -> None:
    ours, theirs = socket.socketpair()
    worker = await Connection.over(theirs)
    pool = FramedPool(lambda slot: Scripted(ours), 1, LIMITS)
    await pool.open()
    watched = Watched(pool, ours.close)
    await worker.send({"t": "hello", "pid": 0, "catalogue": {}, "digest": "", "packs": []})
    name = (await watched.until(WorkerFree)).worker

    async def ends(job: str) -> None:
        await worker.send({"t": "done", "job": job, "attempt": 1, "outcome": "succeeded"})

    for number in range(8):
        assert await pool.start(name, run(NOTHING, f"short{number}"))
        await ends(f"short{number}")
        await watched.until(RunDone)
    assert await pool.start(name, run(NOTHING, "a")) and await pool.start(name, run(NOTHING, "b"))
    async for header, _ in worker.frames():
        if header["t"] == "recall":
            break
    await ends("a")  # the worker heard of the recall between two runs
    await worker.send({"t": "returned", "runs": [["b", 1]]})

    assert (await watched.until(RunReturned)).job == "b"
    assert pool.free() == [name]
    await pool.close()
    await worker.close()


async def test_the_death_of_a_worker_gives_back_what_it_had_not_begun(watched: Watched) -> None:
    worker = await after_short_runs(watched)
    assert await watched.pool.start(worker, run(WAIT, "long"))
    assert await watched.pool.start(worker, run(QUICK, "b"))
    watched.kill()
    returned = await watched.until(RunReturned)
    lost = await watched.until(WorkerLost)

    assert (returned.job, lost.job) == ("b", "long")


async def test_the_death_of_an_idle_worker_names_no_run(watched: Watched) -> None:
    await watched.until(WorkerFree)
    watched.kill()
    lost = await watched.until(WorkerLost)

    assert lost.job is None


async def test_questions_are_answered_while_a_run_is_at_work(watched: Watched) -> None:
    worker = (await watched.until(WorkerFree)).worker
    await watched.pool.start(worker, run(WAIT))
    bad = {"1": {"class_type": "FakeChecked", "inputs": {"text": "bad"}}}
    answer = await watched.pool.ask("check", {"prompt": bad, "targets": ["1"]}, 5.0)

    assert answer["problems"][0]["code"] == "custom_validation_failed"


async def test_a_question_without_a_worker_fails_at_once(watched: Watched) -> None:
    await watched.pool.close()

    with pytest.raises(NoWorker, match="No worker process is up"):
        await watched.pool.ask("stats", {}, 5.0)


async def test_closing_ends_events_and_workers(watched: Watched) -> None:
    await watched.until(WorkerReady)
    await watched.pool.close()

    assert [event async for event in watched._events] == []
    assert watched.pool.free() == []


@pytest.fixture(params=[fake, processes], ids=["fake", "processes"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Watched]:
    """A pool of two workers, both free."""
    async with request.param(2) as watched:
        for _ in range(2):
            await watched.until(WorkerFree)
        yield watched


async def test_several_workers_run_jobs_at_the_same_time(pair: Watched) -> None:
    first, second = pair.pool.free()
    slow = {**WAIT, "1": {"class_type": "FakeWait", "inputs": {"seconds": 0.5, "steps": 1}}}
    assert await pair.pool.start(first, run(slow, "slow"))
    assert await pair.pool.start(second, run(QUICK, "quick"))

    assert [(await pair.until(RunDone)).job for _ in range(2)] == ["quick", "slow"]


async def test_the_worker_that_has_waited_longest_is_named_first(pair: Watched) -> None:
    first, second = pair.pool.free()
    await pair.pool.start(first, run(QUICK))
    await pair.until(RunDone)

    assert list(pair.pool.free()) == [second, first]


async def test_the_death_of_one_worker_leaves_the_other_alone(pair: Watched) -> None:
    others = set(pair.pool.free())
    await pair.pool.start(next(iter(others)), run(WAIT, "waits"))
    pair.kill()  # the one started last
    lost = await pair.until(WorkerLost)
    survivor = (others - {lost.worker}).pop()
    replacement = (await pair.until(WorkerFree)).worker
    idle = replacement if lost.job is None else survivor

    assert replacement not in others
    assert await pair.pool.start(idle, run(QUICK, "quick"))
    assert (await pair.until(RunDone)).job == "quick"


async def test_a_cancellation_reaches_only_the_run_it_is_for(pair: Watched) -> None:
    first, second = pair.pool.free()
    await pair.pool.start(first, run(WAIT, "a"))
    await pair.pool.start(second, run(WAIT, "b"))
    await pair.pool.cancel("b", 1)
    done = await pair.until(RunDone)

    assert (done.worker, done.job, done.outcome) == (second, "b", "cancelled")
    assert list(pair.pool.free()) == [second]


async def test_a_replacement_takes_the_slot_of_the_worker_it_replaces() -> None:
    launcher, slots = FakeLauncher(), []

    def launch_in(slot: int) -> Any:
        slots.append(slot)
        return launcher(slot)

    pool = FramedPool(launch_in, 2, LIMITS)
    await pool.open()
    watched = Watched(pool, None)
    try:
        for _ in range(2):
            await watched.until(WorkerFree)
        launcher.workers[1].kill()
        await watched.until(WorkerFree)
    finally:
        await pool.close()

    assert slots == [0, 1, 1]


async def test_a_frozen_worker_is_given_up_after_silence() -> None:
    async with processes(1) as watched:
        worker = (await watched.until(WorkerFree)).worker
        await watched.pool.start(worker, run(WAIT))
        await watched.until(RunEvent)
        pid = next(iter(watched.pool._workers.values())).launched.pid
        os.kill(pid, signal.SIGSTOP)
        lost = await watched.until(WorkerLost)

        assert "nothing was heard" in lost.reason and lost.job == "job"


async def test_a_worker_of_another_kind_is_given_up_with_the_reason() -> None:
    pool = FramedPool(lambda name: launch([sys.executable, "-c", "raise SystemExit(7)"]), 1, LIMITS)
    await pool.open()
    watched = Watched(pool, None)
    try:
        assert "status 7" in (await watched.until(WorkerLost)).reason
    finally:
        await pool.close()


async def test_a_worker_that_dies_in_the_middle_of_a_frame_is_lost_for_its_own_reason() -> None:
    dies = "import os; os.write(int(os.environ['HEDDLE_WORKER_FD']), b'half'); os._exit(3)"
    pool = FramedPool(lambda name: launch([sys.executable, "-c", dies]), 1, LIMITS)
    await pool.open()
    watched = Watched(pool, None)
    try:
        assert (await watched.until(WorkerLost)).reason == "it ended with status 3"
    finally:
        await pool.close()
