"""The contract of the job table, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from server.store.rows import Artifact, Finish
from tests.server.store.conftest import Table, job


async def test_a_stale_attempt_can_change_nothing(table) -> None:
    await table.jobs.submit(job("a"))
    first = await table.jobs.claim("w1", 1000)
    await table.jobs.lose("a", first.attempt, "it died", Finish("dead"))
    second = await table.jobs.claim("w2", 1000)

    assert (first.attempt, second.attempt) == (1, 2)
    assert await table.jobs.finish("a", first.attempt, Finish("failed")) is False
    assert await table.jobs.lose("a", first.attempt, "late", Finish("dead")) is None
    assert await table.jobs.finish("a", second.attempt, Finish("succeeded")) is True
    assert [event.kind for event in table.events] == ["queued", "running", "lost", "running", "succeeded"]


async def test_concurrent_claims_never_take_the_same_job(table) -> None:
    for number in range(20):
        await table.jobs.submit(job(f"j{number}", number))
    claimed = await asyncio.gather(*(table.jobs.claim(f"w{i}", 1000) for i in range(30)))

    taken = [item.id for item in claimed if item is not None]
    assert taken == [f"j{number}" for number in range(20)]


async def test_equal_numbers_run_in_the_order_of_their_ids(table) -> None:
    for name in ("b", "a", "c"):
        await table.jobs.submit(job(name, 1, ticket=None))

    assert [(await table.jobs.claim("w", 1)).id for _ in range(3)] == ["a", "b", "c"]


async def test_an_expired_lease_queues_the_job_again(table) -> None:
    await table.jobs.submit(job("a"))
    await table.jobs.claim("w", -1)

    assert await table.jobs.reap() == 1
    assert (await table.jobs.claim("w", 1000)).attempt == 2
    assert await table.jobs.reap() == 0


async def test_event_numbers_have_no_gaps_and_continue_after_a_restart(url) -> None:
    async with Table(url) as first:
        await first.jobs.submit(job("a"))
        await first.jobs.finish("a", 7, Finish("failed"))
        await first.jobs.claim("w", 1)
    async with Table(url) as second:
        await second.jobs.recover()
        stored = await second.reads.events_since(0)

    assert [(event.seq, event.kind) for event in stored] == [(1, "queued"), (2, "running"), (3, "lost")]
    assert [event.seq for event in second.events] == [3]


async def test_one_failing_operation_does_not_take_others_of_its_transaction_with_it(table) -> None:
    async def broken(transaction: Any) -> None:
        transaction.happened("x", 0, "never", {})
        raise ValueError("no")

    results = await asyncio.gather(
        table.jobs.submit(job("a")), table.writer.write(broken), table.jobs.submit(job("b")), return_exceptions=True
    )

    assert [type(result).__name__ for result in results] == ["Submitted", "ValueError", "Submitted"]
    assert [(event.seq, event.job) for event in await table.reads.events_since(0)] == [(1, "a"), (2, "b")]


async def test_ten_thousand_queued_jobs_are_listed_and_claimed_by_index(table) -> None:
    await asyncio.gather(*(table.jobs.submit(job(f"j{n:05}", n)) for n in range(10_000)))
    page, total = await table.reads.listing(["queued"], 50, 0)

    assert total == 10_000 and [item.id for item in page] == [f"j{n:05}" for n in range(50)]
    assert (await table.jobs.claim("w", 1000)).id == "j00000"


async def test_trimming_drops_the_oldest_finished_jobs_and_keeps_the_newest_event(table) -> None:
    for name in ("a", "b", "c"):
        await table.jobs.submit(job(name))
        claimed = await table.jobs.claim("w", 1000)
        await table.jobs.finish(name, claimed.attempt, Finish("succeeded"))
    await table.jobs.trim(1, 2)

    assert [item.id for item in await table.reads.history()] == ["c"]
    assert [event.seq for event in await table.reads.events_since(0)] == [8, 9]


async def test_files_are_registered_with_the_attempt_that_published_them_and_no_other(table) -> None:
    await table.jobs.submit(job("a"))
    first = await table.jobs.claim("w1", 1000)
    await table.jobs.lose("a", first.attempt, "it died", Finish("dead", artifacts=(Artifact("output", "lost.png", 1),)))
    second = await table.jobs.claim("w2", 1000)
    late = Finish("succeeded", artifacts=(Artifact("output", "late.png", 1),))
    made = (Artifact("output", "a.png", 5, "3"), Artifact("output", "b/c.png", 6))

    assert await table.jobs.finish("a", first.attempt, late) is False
    assert await table.reads.artifacts("a") == []
    assert await table.jobs.finish("a", second.attempt, Finish("succeeded", artifacts=made)) is True
    assert await table.reads.artifacts("a") == list(made)
    assert await table.jobs.finish("a", second.attempt, late) is False
    assert await table.reads.artifacts("a") == list(made)


async def test_an_outcome_whose_files_cannot_be_registered_is_not_stored_either(table) -> None:
    await table.jobs.submit(job("a"))
    claimed = await table.jobs.claim("w", 60_000)
    twice = (Artifact("output", "a.png", 5), Artifact("output", "a.png", 5))
    with pytest.raises(IntegrityError):
        await table.jobs.finish("a", claimed.attempt, Finish("succeeded", artifacts=twice))

    assert [event.kind for event in await table.reads.events_since(0)] == ["queued", "running"]
    assert (await table.reads.job("a")).state == "running" and await table.reads.artifacts("a") == []


async def test_a_job_that_runs_again_keeps_the_files_of_its_first_run(table) -> None:
    await table.jobs.submit(job("a"))
    for number, path in enumerate(("first.png", "second.png")):
        claimed = await table.jobs.claim("w", 1000)
        made = (Artifact("output", path, 5), Artifact("output", "same.png", number))
        await table.jobs.finish("a", claimed.attempt, Finish("succeeded", artifacts=made))
        await table.jobs.retry("a", 7)

    assert [(file.path, file.bytes) for file in await table.reads.artifacts("a")] == [
        ("first.png", 5),
        ("same.png", 1),
        ("second.png", 5),
    ]
    await table.jobs.cancel("a")
    assert await table.jobs.forget() == ["a"]
    assert await table.reads.artifacts("a") == []


async def test_texts_that_no_database_can_store_are_stored_without_what_is_wrong(table) -> None:
    await table.jobs.submit(job("a", client_id="x\0y\ud800", name="n\0"))
    stored = await table.reads.job("a")

    assert (stored.row["client_id"], stored.row["name"]) == ("xy?", "n")
