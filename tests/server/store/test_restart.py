"""A database server that is restarted under load takes nothing with it."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter

import pytest

from server.store.rows import Finish
from tests.server.store.cluster import Cluster
from tests.server.store.conftest import Table, job

JOBS = 150


async def _work(table: Table, name: str) -> None:
    """Claim and finish until everything has been finished."""
    while True:
        claimed = await table.jobs.claim(name, 60_000)
        if claimed is None:
            await asyncio.sleep(0.02)
            continue
        assert await table.jobs.finish(claimed.id, claimed.attempt, Finish("succeeded"))


async def _submit(table: Table, first: int, step: int) -> None:
    for number in range(first, JOBS, step):
        submitted = await table.jobs.submit(job(f"j{number:04}", number))
        assert not submitted.existed


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in order", "at once"])
async def test_postgresql_restarted_under_load_loses_and_repeats_nothing(cluster: Cluster, how: signal.Signals) -> None:
    async with Table(cluster.new_database()) as table:
        workers = [asyncio.create_task(_work(table, f"w{n}")) for n in range(3)]
        submitting = asyncio.gather(*(_submit(table, first, 10) for first in range(10)))
        restarts = 0
        while not submitting.done() and restarts < 2:
            await asyncio.sleep(0.1)
            await asyncio.to_thread(cluster.stop, how)
            await asyncio.to_thread(cluster.start)
            restarts += 1
        await submitting
        async with asyncio.timeout(30):
            while await table.reads.remaining():  # noqa: ASYNC110 - asked of the table itself
                await asyncio.sleep(0.05)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        stored = await table.reads.events_since(0, limit=10_000)

    assert restarts >= 1
    assert [event.seq for event in stored] == list(range(1, 3 * JOBS + 1))
    assert stored == table.events
    kinds = Counter((event.job, event.kind) for event in stored)
    assert set(kinds.values()) == {1} and len(kinds) == 3 * JOBS


async def test_a_commit_that_was_not_answered_is_not_repeated(cluster: Cluster) -> None:
    async with Table(cluster.new_database()) as table:
        original, failed = table.writer._settle, []

        def lose_the_answer(group: object) -> None:
            if not failed:
                failed.append(group)
                raise ConnectionResetError("the answer to COMMIT was lost")
            original(group)  # type: ignore[arg-type]

        table.writer._settle = lose_the_answer  # type: ignore[method-assign,assignment]
        submitted = await table.jobs.submit(job("a"))
        stored = await table.reads.events_since(0)

    assert failed and not submitted.existed
    assert [(event.seq, event.kind) for event in stored] == [(1, "queued")] and table.events == stored


async def test_what_cannot_be_reached_for_long_is_refused_but_an_outcome_waits(cluster: Cluster, monkeypatch) -> None:
    from server.errors import StoreError

    monkeypatch.setattr("server.store.writer.PATIENCE", 0.5)
    async with Table(cluster.new_database()) as table:
        await table.jobs.submit(job("a"))
        claimed = await table.jobs.claim("w", 60_000)
        await asyncio.to_thread(cluster.stop)
        ending = asyncio.create_task(table.jobs.finish("a", claimed.attempt, Finish("succeeded")))
        try:
            with pytest.raises(StoreError, match="cannot be reached"):
                await table.jobs.submit(job("b"))
        finally:
            await asyncio.to_thread(cluster.start)

        assert await asyncio.wait_for(ending, 10) is True
        assert await table.reads.job("b") is None
