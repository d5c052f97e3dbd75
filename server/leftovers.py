"""Files of attempts that were lost: they go, so that every file in the output folder belongs to a job."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from graph_runtime.attempts import AttemptJournal, journals, published_files, remove_unpublished
from graph_runtime.folders import Folders
from graph_runtime.last_node import LastWords, read_last_node
from server.artifacts import artifacts_of
from server.store.reads import JobReads
from server.store.rows import FINISHED, Artifact

__all__ = ["Leftovers"]

log = logging.getLogger("heddle.jobs")


class Leftovers:
    """Settles what attempts have written once it is known how they ended.

    Args:
        folders: the server's folders.
        reads: says how jobs stand.
    """

    def __init__(self, folders: Folders, reads: JobReads) -> None:
        self._folders = folders
        self._reads = reads

    def written(self, job: str, attempt: int, outputs: Mapping[str, Any]) -> tuple[Artifact, ...]:
        """The files that an attempt will have published once its end is stored."""
        return artifacts_of(self._folders, AttemptJournal(self._folders.data_dir, job, attempt), outputs)

    def published(self, job: str, attempt: int) -> None:
        """The outcome of an attempt is stored: all of its files are published."""
        AttemptJournal(self._folders.data_dir, job, attempt).close()

    def last_words(self, pid: int, job: str, attempt: int) -> LastWords | None:
        """What a dead worker noted of this attempt; None where it could note nothing."""
        return read_last_node(self._folders.data_dir, pid, job, attempt)

    async def lost(self, job: str, attempt: int, outputs: Mapping[str, Any]) -> None:
        """An attempt is over whose worker cannot be asked any more.

        Args:
            outputs: what its nodes show, if the job has ended with it; empty if it runs again.
        """
        await asyncio.to_thread(self._settle, AttemptJournal(self._folders.data_dir, job, attempt), outputs)

    async def settle_all(self) -> None:
        """Settle every attempt that is over and that nobody had the time to settle."""
        for journal in await asyncio.to_thread(lambda: list(journals(self._folders.data_dir))):
            job = await self._reads.job(journal.job)
            if job is not None and job.state == "running" and job.row["attempt"] == journal.attempt:
                continue
            ended = job is not None and job.state in FINISHED and job.row["attempt"] == journal.attempt
            if job is None or (ended and job.state == "succeeded"):
                journal.close()
            else:
                outputs = json.loads(job.row["outputs"] or "{}") if ended else {}
                await asyncio.to_thread(self._settle, journal, outputs)

    def _settle(self, journal: AttemptJournal, outputs: Mapping[str, Any]) -> None:
        try:
            removed = remove_unpublished(journal, published_files(outputs, self._folders))
            journal.close()
        except OSError as error:
            log.error("files of job %s attempt %d cannot be removed: %s", journal.job, journal.attempt, error)
            return
        if removed:
            log.info("job %s attempt %d left %d file(s) behind; removed", journal.job, journal.attempt, len(removed))
