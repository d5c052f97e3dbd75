"""What people change about the queue, on both databases."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Refused
from server.store.control import QueueControl
from server.store.reads import Search
from server.store.rows import Finish
from server.store.turns import Turns
from tests.server.store.conftest import Table, job


@pytest.fixture
def control(table: Table) -> QueueControl:
    return QueueControl(table.writer, table.jobs.turns)


async def order(table: Table) -> list[str]:
    """The queue as it is listed."""
    return [item.id for item in (await table.reads.listing(["queued"], 1000, 0))[0]]


async def claim_all(table: Table) -> list[str]:
    """The queue as it runs."""
    taken = []
    while (claimed := await table.jobs.claim("w", 60_000)) is not None:
        taken.append(claimed.id)
    return taken


async def fill(table: Table, names: str, **more: object) -> None:
    for number, name in enumerate(names):
        await table.jobs.submit(job(name, number, **more))


async def test_a_paused_queue_gives_no_job_and_stays_paused_after_a_restart(url: str) -> None:
    async with Table(url) as first:
        await fill(first, "a")
        await QueueControl(first.writer, first.jobs.turns).pause(True)
        assert await first.jobs.claim("w", 1000) is None
    async with Table(url) as second:
        await second.jobs.recover()
        control = QueueControl(second.writer, second.jobs.turns)
        assert control.paused and await second.jobs.claim("w", 1000) is None
        await control.pause(False)
        await control.pause(False)

        assert (await second.jobs.claim("w", 1000)).id == "a"
        assert [event.kind for event in second.events] == ["resumed", "running"]


async def test_a_job_moves_before_and_after_another_and_to_the_ends(table: Table, control: QueueControl) -> None:
    await fill(table, "abcde")
    await control.move("e", before="b")
    await control.move("a", after="c")
    await control.move("d", to="front")
    await control.move("b", to="back")

    assert await order(table) == ["d", "e", "c", "a", "b"] == await claim_all(table)


async def test_a_job_stays_where_it_is_when_moved_beside_itself_or_alone(table: Table, control: QueueControl) -> None:
    await fill(table, "a")
    await control.move("a", to="front")
    await control.move("a", before="a")

    assert await order(table) == ["a"]


async def test_a_higher_priority_runs_first_and_moving_beside_a_job_takes_its_priority(
    table: Table, control: QueueControl
) -> None:
    await fill(table, "abc")
    await table.jobs.submit(job("d", 3, priority=5))
    await control.prioritise("c", 9)
    moved = await control.move("a", after="d")

    assert moved.priority == 5
    assert await order(table) == ["c", "d", "a", "b"] == await claim_all(table)


async def test_only_queued_jobs_can_be_moved(table: Table, control: QueueControl) -> None:
    await fill(table, "ab")
    await table.jobs.claim("w", 60_000)

    for change in (control.move("a"), control.move("b", before="a"), control.prioritise("a", 1)):
        with pytest.raises(Refused, match="Job a is running"):
            await change
    with pytest.raises(Refused, match="no job 'x'"):
        await control.move("x")


async def test_places_never_run_out_however_often_jobs_are_moved(table: Table, control: QueueControl) -> None:
    await fill(table, "abcd")
    expected = list("abcd")
    chance = random.Random(1)
    for _ in range(120):
        moving, beside = chance.sample(expected, 2)
        ahead = chance.random() < 0.5
        await control.move(moving, **({"before": beside} if ahead else {"after": beside}))
        expected.remove(moving)
        expected.insert(expected.index(beside) + (not ahead), moving)
    for _ in range(80):  # always into the same gap
        await control.move(expected[-1], after=expected[0])
        expected.insert(1, expected.pop())

    assert await order(table) == expected


async def test_a_job_moves_between_two_that_stand_at_one_place(table: Table, control: QueueControl) -> None:
    expected = [f"j{number:02}" for number in range(20)]
    for number, name in enumerate(expected):
        await table.jobs.submit(job(name, float(number // 10), ticket=None))
    await control.move("j19", before="j05")
    await control.move("j02", after="j12")
    expected.insert(5, expected.pop())
    expected.insert(expected.index("j12"), expected.pop(2))

    assert await order(table) == expected == await claim_all(table)


async def test_one_client_with_many_jobs_does_not_starve_another(table: Table) -> None:
    for number in range(100):
        await table.jobs.submit(job(f"many{number:03}", number, client_id="greedy"))
    taken = [(await table.jobs.claim("w", 60_000)).id for _ in range(10)]
    for number in range(100, 103):
        await table.jobs.submit(job(f"one{number}", number, client_id="modest"))
    taken += await claim_all(table)

    assert [taken.index(f"one{number}") for number in range(100, 103)] == [10, 12, 14]
    assert [name for name in taken if name.startswith("many")] == [f"many{n:03}" for n in range(100)]


async def test_turns_are_kept_after_a_restart(url: str) -> None:
    async with Table(url) as first:
        for number in range(20):
            await first.jobs.submit(job(f"many{number:03}", number, client_id="greedy"))
        await first.jobs.claim("w", 60_000)
    async with Table(url) as second:
        await second.jobs.recover()
        await second.jobs.submit(job("late", 20, client_id="greedy"))
        await second.jobs.submit(job("other", 21, client_id="modest"))
        taken = await claim_all(second)

    assert taken.index("other") <= 2 and taken[-1] == "late"


async def test_a_number_of_the_clients_own_is_taken_as_it_is(table: Table) -> None:
    for number in range(3):
        await table.jobs.submit(job(f"t{number}", number, client_id="a"))
    await table.jobs.submit(job("between", 1.5, ticket=None, client_id="b"))
    await table.jobs.submit(job("first", -1, client_id="c"))

    assert await claim_all(table) == ["first", "t0", "t1", "between", "t2"]


async def test_dead_jobs_are_queued_again_in_the_order_in_which_they_ended(table: Table, control: QueueControl) -> None:
    await fill(table, "abc")
    for name in ("b", "a", "c"):
        await control.move(name, to="front")
        claimed = await table.jobs.claim("w", 60_000)
        state = "succeeded" if name == "c" else "dead"
        await table.jobs.finish(name, claimed.attempt, Finish(state, reason="it crashed"))
    tickets = itertools.count(10)

    assert await control.retry(["dead"], lambda: next(tickets)) == ["b", "a"]
    assert await claim_all(table) == ["b", "a"]


async def test_history_is_searched_by_name_text_client_and_time(table: Table) -> None:
    await table.jobs.submit(job("a", 0, name="Red Car 100%", client_id="me"))
    await table.jobs.submit(job("b", 1, name="blue", client_id="you"))

    async def found(**wanted: object) -> list[str]:
        page, total = await table.reads.listing(["queued", "succeeded"], 10, 0, search=Search(**wanted))
        assert total == len(page)
        return sorted(item.id for item in page)

    assert await found(text="red c") == ["a"]
    assert await found(text="100%") == ["a"] and await found(text="1%0") == []
    assert await found(client_id="you") == ["b"]
    assert await found(created_after=0) == ["a", "b"] and await found(created_before=1) == []


async def test_running_jobs_are_listed_before_queued_ones_on_every_page(table: Table) -> None:
    await fill(table, "abcde")
    await table.jobs.claim("w", 60_000)
    await table.jobs.claim("w", 60_000)
    pages = [await table.reads.listing(["queued", "running"], 2, offset) for offset in (0, 1, 2, 4)]

    assert [[item.id for item in page] for page, _ in pages] == [["a", "b"], ["b", "c"], ["c", "d"], ["e"]]
    assert {total for _, total in pages} == {5}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=120))
def test_no_job_waits_longer_than_fairness_allows(steps: list[tuple[int, bool]]) -> None:
    """Whatever comes and goes: a client's jobs run in order, and each waits for at most its share of the others'."""
    turns, queue, taken = Turns(), [], []
    for ticket, (client, serve) in enumerate(steps):
        queue.append((turns.place(str(client), ticket), ticket, client))
        if serve:
            queue.sort()
            place, number, of = queue.pop(0)
            turns.served(place)
            taken.append((number, of))
    taken += [(number, of) for _, number, of in sorted(queue)]

    for client in range(6):
        mine = [number for number, of in taken if of == client]
        assert mine == sorted(mine)


def test_newcomers_without_end_do_not_starve_who_waits() -> None:
    turns = Turns()
    waiting = [(turns.place("first", 0), 0, "first"), (turns.place("first", 1), 1, "first")]
    passed = 0
    for ticket in range(2, 100):
        waiting.append((turns.place(f"newcomer {ticket}", ticket), ticket, "newcomer"))
        waiting.sort()
        place, _, who = waiting.pop(0)
        turns.served(place)
        passed += who == "newcomer"
        if all(who == "newcomer" for *_, who in waiting):
            break

    assert passed <= 16
