"""Opening job databases: new ones, older ones, newer ones, unusable ones, and ones that are in use."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy import text

from server.errors import StoreError
from server.store.database import open_database
from tests.server.store.conftest import Table, job


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "nonsense",
        "oracle+what://x",
        "postgresql://someone@/jobs?host=/no/such/dir",
        "postgresql://someone@127.0.0.1:1/jobs",
        "sqlite+aiosqlite:////no/such/dir/x",
    ],
)
async def test_an_unusable_database_is_said_clearly(url: str) -> None:
    with pytest.raises(StoreError, match="database"):
        await open_database(url)


async def test_a_database_that_does_not_exist_on_the_server_is_said_clearly(cluster) -> None:
    with pytest.raises(StoreError, match=r'database "missing" does not exist.* Check that the server runs'):
        await open_database(f"postgresql://heddle@/missing?host={cluster.folder}")


async def test_passwords_are_not_shown(cluster) -> None:
    with pytest.raises(StoreError) as raised:
        await open_database(f"postgresql://heddle:hush@/missing?host={cluster.folder}")

    assert "hush" not in str(raised.value)


async def test_a_newer_database_is_refused(url: str) -> None:
    database = await open_database(url)
    async with database.writer.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    await database.close()

    with pytest.raises(StoreError, match=r"has schema 0099; this program knows schemas up to \d+"):
        await open_database(url)


async def test_two_servers_cannot_work_on_one_postgresql_database(cluster, monkeypatch) -> None:
    monkeypatch.setattr("server.store.postgresql.LOCK_SECONDS", 1)
    url = cluster.new_database()
    async with Table(url):
        with pytest.raises(StoreError, match="Another server works on this PostgreSQL database"):
            await open_database(url)
    async with Table(url) as after:
        assert (await after.jobs.submit(job("a"))).id == "a"


async def test_a_change_waits_for_another_process_that_holds_the_lock_and_nothing_else_does(tmp_path) -> None:
    async with Table(f"sqlite:///{tmp_path / 'jobs.sqlite3'}") as table:
        await _with_the_lock_held(table, sqlite3.connect(tmp_path / "jobs.sqlite3", isolation_level=None))


async def _with_the_lock_held(table: Table, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(table.jobs.submit(job("a")))
    await asyncio.sleep(0.1)
    read = await asyncio.wait_for(table.reads.remaining(), 1)
    still_waiting = not waiting.done()
    other.execute("COMMIT")
    other.close()

    assert (read, still_waiting) == (0, True)
    assert (await asyncio.wait_for(waiting, 5)).id == "a"
