"""Databases of older programs are upgraded, and all migrations together make the schema that the code declares."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import server.store
from server.store.database import _engines, open_database
from server.store.migrate import FIRST, HEAD
from server.store.schema import metadata
from tests.server.store.conftest import Table

FOLDER = Path(server.store.__file__).with_name("migrations")
OLD_JOB = (
    "INSERT INTO jobs (id, number, ticket, state, prompt, targets, extra_data, problems, attempt, deaths, "
    "cancel_requested, created) VALUES (:id, :number, :ticket, 'queued', '{}', '[]', '{}', '{}', 0, 0, 0, 1)"
)


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER))
    return config


async def _old_database(url: str) -> None:
    """Make a database as the program before migrations left it, with two jobs in its queue."""
    from sqlalchemy.engine import make_url

    def make(connection: Connection) -> None:
        command.upgrade(_config(connection), FIRST)
        connection.execute(text("DROP TABLE alembic_version"))
        for id, number in (("a", 7), ("b", 3)):
            connection.execute(text(OLD_JOB), {"id": id, "number": float(number), "ticket": number})

    database = _engines(make_url(url), url)
    async with database.writer.begin() as connection:
        await connection.run_sync(make)
    await database.close()


async def test_a_database_of_before_migrations_is_upgraded_with_its_queue(url: str) -> None:
    await _old_database(url)
    async with Table(url) as table:
        order = [(await table.jobs.claim("w", 1000)).id for _ in range(2)]
    async with Table(url) as again:
        queue = await again.reads.running()

    assert order == ["b", "a"]
    assert queue == [("b", 1), ("a", 1)]


async def test_an_upgrade_that_fails_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await _old_database(url)
    with monkeypatch.context() as broken:
        broken.setattr("alembic.operations.Operations.create_index", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await open_database(url)
    async with Table(url) as table:
        assert (await table.jobs.claim("w", 1000)).id == "b"


async def test_all_migrations_together_make_the_declared_schema(url: str) -> None:
    await _old_database(url)
    database = await open_database(url)

    def compare(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.writer.begin() as connection:
        differences = [d for d in await connection.run_sync(compare) if "alembic_version" not in str(d)]
    await database.close()

    assert differences == []


def test_the_newest_migration_is_the_one_that_programs_ask_for() -> None:
    script = ScriptDirectory(str(FOLDER))

    assert script.get_heads() == [HEAD]
    assert script.get_bases() == [FIRST]
