"""The writer: what fails, fails alone; what must not be lost is tried again; nobody waits for ever."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from server.errors import StoreError
from server.store.rows import Finish
from tests.server.store.conftest import Table, job


@pytest.fixture
async def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("server.store.writer.TRY_AGAIN", 0.05)
    async with Table(f"sqlite:///{tmp_path / 'jobs.sqlite3'}") as table:
        yield table


class Failing:
    """An operation that fails a number of times."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left, self._error = times, error

    async def __call__(self, transaction: Any) -> str:
        transaction.happened("x", 0, "tried", {})
        if self.left:
            self.left -= 1
            raise self._error
        return "done"


async def test_what_must_not_be_lost_is_tried_until_the_disk_has_space(table: Table) -> None:
    operation = Failing(3, sqlite3.OperationalError("database or disk is full"))
    answers = await asyncio.gather(table.writer.write(operation, must=True), table.jobs.submit(job("a")))

    assert answers[0] == "done" and operation.left == 0
    assert [(event.seq, event.kind) for event in await table.reads.events_since(0)] == [(1, "queued"), (2, "tried")]


async def test_other_operations_are_refused_at_once_and_others_of_their_transaction_are_not(table: Table) -> None:
    full = Failing(1_000, sqlite3.OperationalError("database or disk is full"))
    refused, stored = await asyncio.gather(
        table.writer.write(full), table.jobs.submit(job("a")), return_exceptions=True
    )

    assert isinstance(refused, OperationalError) and "disk is full" in str(refused)
    assert stored.id == "a"


async def test_what_trying_again_does_not_mend_is_not_tried_again(table: Table) -> None:
    await table.jobs.submit(job("a"))
    with pytest.raises(IntegrityError):
        await table.jobs.submit(job("a"))
    operation = Failing(1_000, sqlite3.IntegrityError("UNIQUE constraint failed"))
    with pytest.raises(IntegrityError, match="UNIQUE"):
        await table.writer.write(operation, must=True)

    assert operation.left == 999


async def test_closing_answers_what_could_not_be_written(table: Table) -> None:
    never = Failing(1_000_000, sqlite3.OperationalError("database or disk is full"))
    waiting = asyncio.create_task(table.writer.write(never, must=True))
    await asyncio.sleep(0.02)
    await asyncio.wait_for(table.writer.close(), 5)

    with pytest.raises((StoreError, OperationalError)):
        await asyncio.wait_for(waiting, 5)
    with pytest.raises(StoreError, match="closed"):
        await table.jobs.finish("a", 1, Finish("succeeded"))


async def test_many_submissions_share_few_transactions(table: Table) -> None:
    commits = []
    settle = table.writer._settle
    table.writer._settle = lambda group: (commits.append(len(group.waiting)), settle(group))  # type: ignore[method-assign,assignment]
    await asyncio.gather(*(table.jobs.submit(job(f"j{n}", n)) for n in range(200)))

    assert sum(commits) == 200 and len(commits) <= 4
