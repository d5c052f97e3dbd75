"""Runs given ahead to a worker whose runs are short."""

from __future__ import annotations

from server.pools.assigned import AHEAD, SHORT_SECONDS, Assigned


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def after_short_runs(clock: Clock, count: int = 20) -> Assigned:
    assigned = Assigned(clock)
    for number in range(count):
        assigned.add(("short", number))
        clock.now += SHORT_SECONDS / 10
        assigned.ended(("short", number))
    return assigned


def test_nothing_is_given_ahead_to_a_worker_that_has_run_nothing_yet() -> None:
    assigned = Assigned(Clock())
    assigned.add(("a", 1))

    assert assigned.room == 0


def test_a_worker_whose_runs_are_short_holds_a_few() -> None:
    clock = Clock()
    assigned = after_short_runs(clock)
    assert assigned.room == 0, "an idle worker is free; nothing is ahead of anything"

    for number in range(AHEAD):
        assigned.add(("a", number))

    assert assigned.room == 0
    assert assigned.current == ("a", 0) and assigned.waiting == [("a", number) for number in range(1, AHEAD)]


def test_nothing_more_is_given_behind_a_run_that_takes_its_time() -> None:
    clock = Clock()
    assigned = after_short_runs(clock)
    assigned.add(("long", 1))
    assert assigned.room == AHEAD - 1
    clock.now += SHORT_SECONDS

    assert assigned.room == 0 and assigned.overdue_in <= 0


def test_one_long_run_ends_the_trust_in_short_ones() -> None:
    clock = Clock()
    assigned = after_short_runs(clock)
    assigned.add(("long", 1))
    clock.now += 2 * SHORT_SECONDS
    assigned.ended(("long", 1))
    assigned.add(("a", 1))

    assert assigned.room == 0


def test_a_run_behind_another_is_timed_from_where_that_one_ended() -> None:
    clock = Clock()
    assigned = after_short_runs(clock)
    assigned.add(("a", 1))
    assigned.add(("b", 1))
    clock.now += 0.8 * SHORT_SECONDS
    assigned.ended(("a", 1))
    clock.now += 0.8 * SHORT_SECONDS

    assert assigned.current == ("b", 1) and assigned.overdue_in > 0


def test_a_run_comes_back_once_and_only_from_the_worker_that_had_it() -> None:
    clock = Clock()
    assigned = after_short_runs(clock)
    assigned.add(("a", 1))
    assigned.add(("b", 1))

    assert assigned.returned(("b", 1)) and not assigned.returned(("b", 1))
    assert not assigned.returned(("c", 1))
    assert assigned.current == ("a", 1) and not assigned.waiting and assigned.room == 0
