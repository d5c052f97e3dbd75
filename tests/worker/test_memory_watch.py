"""When memory gets short, results go first, then models, and at the end the node that takes too much."""

from __future__ import annotations

import threading
import time

import pytest

from worker import memory_watch
from worker.memory_limits import Limit
from worker.memory_watch import MemoryLimitReached, MemoryWatch, NodeCalls

TOTAL = 1000


class Held:
    """Kept results, by bytes."""

    def __init__(self, nbytes: int = 400) -> None:
        self.nbytes = nbytes

    def shrink(self, most: int) -> int:
        dropped, self.nbytes = self.nbytes - most, most
        return dropped


def look(left: int, held: Held, calls: NodeCalls | None = None, hard: bool = True) -> NodeCalls:
    calls = calls or NodeCalls()
    limit = Limit("--memory-limit", TOTAL, TOTAL - left, hard)
    MemoryWatch(calls, lambda: held.nbytes, held.shrink, lambda: limit).look()
    return calls


@pytest.mark.parametrize(
    ("left", "kept", "unload"), [(300, 400, False), (150, 200, False), (80, 0, True), (10, 0, True)]
)
def test_the_less_is_left_the_more_is_given_back(left: int, kept: int, unload: bool) -> None:
    held = Held()
    calls = look(left, held)

    assert (held.nbytes, calls.unload_wanted) == (kept, unload)


def test_models_are_unloaded_before_the_next_node_and_never_beside_one(monkeypatch) -> None:
    released = []
    monkeypatch.setattr(memory_watch.memory, "release_models", lambda: released.append(True) or 0)
    calls = NodeCalls()
    calls.enter()
    look(50, Held(), calls)
    assert not released
    calls.leave()
    calls.enter()

    assert released == [True]


def run_on_device(calls: NodeCalls, caught: list[BaseException], seconds: float = 5.0) -> threading.Thread:
    def work() -> None:
        calls.enter()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                sum(range(1000))
        except BaseException as error:
            caught.append(error)
        finally:
            calls.leave()

    thread = threading.Thread(target=work)
    thread.start()
    while not calls.elsewhere:
        time.sleep(0.001)
    return thread


def test_a_node_that_takes_too_much_gets_an_error_with_sizes_before_the_kernel_acts() -> None:
    calls, caught = NodeCalls(), []
    thread = run_on_device(calls, caught)
    look(10, Held(), calls)
    thread.join(10)

    assert isinstance(caught[0], MemoryLimitReached)
    assert "0.00 GB of the 0.00 GB that --memory-limit allows" in str(caught[0])


def test_a_machine_that_only_gets_slow_ends_no_node() -> None:
    calls, caught = NodeCalls(), []
    thread = run_on_device(calls, caught, 0.3)
    look(10, Held(), calls, hard=False)
    thread.join(10)

    assert not caught


def test_an_interruption_that_comes_too_late_hits_nobody() -> None:
    calls = NodeCalls()
    assert calls.interrupt(MemoryLimitReached) is False
    for _ in range(200):
        begun: list[bool] = []
        ended: list[bool] = []

        def interrupt(begun: list[bool] = begun, ended: list[bool] = ended) -> None:
            while not begun:
                time.sleep(0)
            calls.interrupt(MemoryLimitReached)
            ended.append(True)

        other = threading.Thread(target=interrupt)
        other.start()
        calls.enter()
        try:
            begun.append(True)
            while not ended:
                pass  # nothing here minds being interrupted
        except MemoryLimitReached:
            pass
        try:
            calls.leave()
        except MemoryLimitReached:
            calls.leave()
        other.join()


def test_the_watch_ends_when_it_is_closed() -> None:
    looks = []

    def limit() -> Limit:
        looks.append(True)
        return Limit("x", TOTAL, 0)

    watch = MemoryWatch(NodeCalls(), lambda: 0, lambda most: 0, limit)
    watch.start()
    end = time.monotonic() + 5
    while not looks and time.monotonic() < end:
        time.sleep(0.01)
    watch.close()

    assert looks and not watch._thread.is_alive()
