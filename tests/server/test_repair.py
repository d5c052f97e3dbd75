"""`main.py repair` finds what does not fit together, both ways, and mends it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, insert

from graph_runtime.attempts import AttemptJournal
from graph_runtime.folders import Folders
from server.lock import lock_data_folder
from server.repair_command import main
from server.store.rows import Artifact, Finish
from server.store.schema import artifacts
from server.store.writer import Transaction
from tests.server.store.conftest import Table, job


@pytest.fixture
def folders(data_dir: Path) -> Folders:
    folders = Folders(data_dir)
    folders.create()
    return folders


@pytest.fixture
def url(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'heddle.sqlite3'}"


def put(folder: Path, name: str, content: bytes = b"12345") -> Path:
    path = folder.resolve() / name
    path.write_bytes(content)
    return path


async def finish(table: Table, id: str, *names: str) -> None:
    """Run a job that shows and registers files of five bytes."""
    await table.jobs.submit(job(id))
    claimed = await table.jobs.claim("w", 60_000)
    images = [{"filename": name, "subfolder": "", "type": "output"} for name in names]
    made = tuple(Artifact("output", name, 5, "1") for name in names)
    outputs = json.dumps({"1": {"images": images}})
    await table.jobs.finish(id, claimed.attempt, Finish("succeeded", outputs=outputs, artifacts=made))


async def _damage(transaction: Transaction) -> None:
    await transaction.execute(delete(artifacts).where(artifacts.c.path == "there.png"))
    lonely = {"job": "nobody", "folder": "output", "path": "x.png", "attempt": 1, "bytes": 5, "at": 0}
    await transaction.execute(insert(artifacts).values(**lonely))


async def repair(data_dir: Path, *flags: str) -> int:
    return await asyncio.to_thread(main, ["--data-dir", str(data_dir), *flags])


async def test_what_fits_together_is_left_alone(data_dir, folders, url, capsys) -> None:
    async with Table(url) as table:
        await finish(table, "a", "a.png")
    put(folders.output, "a.png")
    put(folders.output, "somebody's own.png")

    assert await repair(data_dir) == 0
    assert capsys.readouterr().out == "Files and jobs fit together.\n"
    assert sorted(os.listdir(folders.output)) == ["a.png", "somebody's own.png"]


async def test_rows_without_files_and_files_without_rows_are_mended(data_dir, folders, url, capsys) -> None:
    async with Table(url) as table:
        await finish(table, "a", "gone.png", "there.png")
        await table.writer.write(_damage)
    put(folders.output, "there.png")
    put(folders.output, "x.png")
    looked = await repair(data_dir, "--dry-run"), capsys.readouterr().out
    mended = await repair(data_dir), capsys.readouterr().out
    again = await repair(data_dir)

    assert (looked[0], mended[0], again) == (1, 0, 0)
    assert "To do: registered." in looked[1] and "Done: registered." in mended[1]
    assert [line.split(" Done")[0] for line in mended[1].splitlines()] == [
        "The file x.png is registered for job nobody, which is not in history.",
        "The file gone.png of job a is not there any more.",
        "The file there.png of job a is not registered.",
        "3 finding(s), 0 left.",
    ]
    async with Table(url) as table:
        assert await table.reads.artifacts("a") == [Artifact("output", "there.png", 5, "1")]
    assert sorted(os.listdir(folders.output)) == ["there.png", "x.png"]


async def test_files_of_a_lost_attempt_and_half_written_ones_are_removed(data_dir, folders, url) -> None:
    async with Table(url) as table:
        await table.jobs.submit(job("a"))
        await table.jobs.claim("w", 60_000)
    journal = AttemptJournal(data_dir, "a", 1)
    lost = put(folders.output, "lost.png")
    journal.begins(folders.output / ".lost.part")
    journal.appears(lost, lost)
    put(folders.output, f".half.{await ended_process()}.2.part")
    mine = put(folders.output, f".mine.{os.getpid()}.2.part")
    assert await repair(data_dir) == 0

    assert os.listdir(folders.output) == [mine.name]
    async with Table(url) as table:
        assert (await table.reads.job("a")).state == "queued"


async def ended_process() -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    return process.pid


async def test_a_file_that_was_changed_is_told_and_left(data_dir, folders, url, capsys) -> None:
    async with Table(url) as table:
        await finish(table, "a", "a.png")
    put(folders.output, "a.png", b"edited since")

    assert await repair(data_dir) == 1
    said = "The file a.png of job a has 12 bytes; 5 were registered. Look at it yourself.\n"
    assert capsys.readouterr().out.startswith(said)


async def test_a_data_folder_in_use_or_missing_is_refused(data_dir, capsys) -> None:
    assert await repair(data_dir) == 1
    assert "There is no job database" in capsys.readouterr().err and os.listdir(data_dir) == []
    (data_dir / "heddle.sqlite3").touch()
    with lock_data_folder(data_dir):
        assert await repair(data_dir) == 1
    assert "Another server" in capsys.readouterr().err
    assert await repair(data_dir / "missing") == 1
    assert "There is no data folder" in capsys.readouterr().err
