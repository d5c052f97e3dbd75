"""Job tables on both databases."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.store.database import Database, open_database
from server.store.jobs import JobTable
from server.store.reads import JobReads
from server.store.rows import NewJob
from server.store.writer import Writer
from tests.server.store.cluster import Cluster, programs


class Table:
    """A job table without anything around it."""

    database: Database
    writer: Writer
    jobs: JobTable
    reads: JobReads

    def __init__(self, url: str) -> None:
        self.url = url
        self.events: list[Any] = []

    async def __aenter__(self) -> Table:
        self.database = await open_database(self.url)
        self.writer = Writer(self.database, self.events.extend)
        await self.writer.start()
        self.jobs, self.reads = JobTable(self.writer), JobReads(self.database)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.writer.close()
        await self.database.close()


def job(id: str, number: float = 0, **more: Any) -> NewJob:
    """A submission that runs in the order of its number."""
    more.setdefault("ticket", int(number))
    return NewJob(id, "{}", ("1",), "{}", number, **more)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL; skips where there is none, and fails where that is not accepted."""
    found = programs()
    if found is None:
        what = "PostgreSQL is not installed, so the job table cannot be tested on it. Run: tools/install-test-services"
        pytest.fail(what) if os.environ.get("CI") == "true" else pytest.skip(what)
    cluster = Cluster(found)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.sqlite3'}"
    return request.getfixturevalue("cluster").new_database()


@pytest.fixture
async def table(url: str) -> AsyncIterator[Table]:
    """An empty job table of each kind."""
    async with Table(url) as table:
        yield table
