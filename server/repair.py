"""Bringing files and rows together again, whatever happened to either: findings, and what mends them.

Run only while no server works on the data folder. Files that no job has ever claimed (what people put there, or
whose job was removed from history) are nobody's business here and stay.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from sqlalchemy import Executable, delete, exists, insert, select

from graph_runtime.attempts import journals
from graph_runtime.folders import Folders
from server.artifacts import FOLDER, shown_files
from server.leftovers import Leftovers
from server.store.database import Database
from server.store.jobs import JobTable
from server.store.reads import JobReads
from server.store.rows import FINISHED
from server.store.schema import artifacts, jobs
from server.store.writer import Transaction, Writer, now_ms

__all__ = ["Finding", "Repair"]

_PART = re.compile(r"^\..+\.(\d+)\.\d+\.part$")
"""Temporary names that `graph_runtime.files.Files` gives; they tell the process."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit together.

    Attributes:
        kind: a short name for programs.
        what: what was found, for people.
        mend: what mends it, for people; None for what only a person can decide.
    """

    kind: str
    what: str
    mend: str | None


class Repair:
    """Finds what does not fit together, and mends it unless it is only to look.

    Args:
        folders: the folders of the server.
        database: its job table.
        writer: makes the changes.
        only_look: change nothing.
    """

    def __init__(self, folders: Folders, database: Database, writer: Writer, only_look: bool = False) -> None:
        self._folders = folders
        self._database = database
        self._writer = writer
        self._reads = JobReads(database)
        self._only_look = only_look
        self._root = folders.output.resolve()

    async def run(self) -> AsyncIterator[Finding]:
        """Yield each finding after it was mended."""
        for check in (self._left_running, self._unsettled, self._without_job, self._missing, self._unregistered):
            async for finding in check():
                yield finding
        for path in self._half_written():
            if not self._only_look:
                path.unlink(missing_ok=True)
            yield Finding("half_written", f"{path} was never finished.", "removed")

    async def _left_running(self) -> AsyncIterator[Finding]:
        """Jobs that a server left running are queued again."""
        running = await self._reads.running()
        if running and not self._only_look:
            await JobTable(self._writer).recover()
        for job, attempt in running:
            yield Finding(
                "left_running", f"Job {job} is running (attempt {attempt}), but no server is.", "queued again"
            )

    async def _unsettled(self) -> AsyncIterator[Finding]:
        """Attempts that have ended, and of whose files nobody knows whether they are published."""
        found = list(journals(self._folders.data_dir))
        if found and not self._only_look:
            await Leftovers(self._folders, self._reads).settle_all()
        for journal in found:
            what = f"Attempt {journal.attempt} of job {journal.job} has ended without its files being settled."
            yield Finding("unsettled", what, "what it did not publish is removed")

    async def _without_job(self) -> AsyncIterator[Finding]:
        """Rows of files whose job is gone."""
        gone = ~exists().where(jobs.c.id == artifacts.c.job)
        rows = await self._database.read(select(artifacts.c.job, artifacts.c.path).where(gone))
        if rows and not self._only_look:
            await self._change(delete(artifacts).where(gone))
        for row in rows:
            what = f"The file {row.path} is registered for job {row.job}, which is not in history."
            yield Finding("row_without_job", what, "the row is removed; the file stays")

    async def _missing(self) -> AsyncIterator[Finding]:
        """Rows whose file is gone or has another size."""
        for row in await self._database.read(select(artifacts).order_by(artifacts.c.job, artifacts.c.path)):
            path = self._root / row.path
            if not path.is_file():
                if not self._only_look:
                    same = (artifacts.c.job == row.job, artifacts.c.folder == row.folder, artifacts.c.path == row.path)
                    await self._change(delete(artifacts).where(*same))
                what = f"The file {row.path} of job {row.job} is not there any more."
                yield Finding("row_without_file", what, "the row is removed")
            elif (size := path.stat().st_size) != row.bytes:
                what = f"The file {row.path} of job {row.job} has {size} bytes; {row.bytes} were registered."
                yield Finding("changed_file", what, None)

    async def _unregistered(self) -> AsyncIterator[Finding]:
        """Files that finished jobs show and that no row registers."""
        known = {(row.job, row.path) for row in await self._database.read(select(artifacts.c.job, artifacts.c.path))}
        wanted = select(jobs.c.id, jobs.c.attempt, jobs.c.outputs)
        for job in await self._database.read(wanted.where(jobs.c.state.in_(FINISHED), jobs.c.outputs.is_not(None))):
            for shown, node in shown_files(self._root, json.loads(job.outputs)):
                path = self._root / shown
                if (job.id, shown) in known or not path.is_file():
                    continue
                known.add((job.id, shown))
                if not self._only_look:
                    values = {"job": job.id, "folder": FOLDER, "path": shown, "attempt": job.attempt, "node": node}
                    size = path.stat().st_size
                    await self._change(insert(artifacts).values(**values, bytes=size, at=now_ms()))
                yield Finding("file_without_row", f"The file {shown} of job {job.id} is not registered.", "registered")

    def _half_written(self) -> Iterator[Path]:
        """Temporary files that no process writes any more."""
        for folder in (self._folders.output, self._folders.temp):
            for root, _, names in os.walk(folder):
                for name in names:
                    part = _PART.match(name)
                    if part is not None and not psutil.pid_exists(int(part[1])):
                        yield Path(root) / name

    async def _change(self, statement: Executable) -> None:
        async def operation(transaction: Transaction) -> None:
            await transaction.execute(statement)

        await self._writer.write(operation)
