"""What each attempt at a job has written, noted before it appears, so that a lost attempt leaves nothing behind.

A worker opens an `AttemptJournal` for a run; `Files` notes in it every file before that gets its final name. Whoever
learns how the attempt ended removes what was not published, and closes the journal. A file is told by its inode and
time besides its name, so that nobody else's file of the same name is ever removed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from graph_runtime.folders import Folders

__all__ = ["AttemptJournal", "journals", "published_files", "remove_unpublished"]

_FOLDER = ("cache", "attempts")


class AttemptJournal:
    """The notes of one attempt, in the data folder.

    Args:
        data_dir: the data folder that server and workers share.
    """

    __slots__ = ("attempt", "job", "path")

    def __init__(self, data_dir: Path, job: str, attempt: int) -> None:
        self.job, self.attempt = job, attempt
        name = hashlib.blake2b(job.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        self.path = data_dir.joinpath(*_FOLDER) / f"{name}.{attempt}"

    def begins(self, temporary: Path) -> None:
        """A file is about to be written under a temporary name."""
        self._note({"job": self.job, "attempt": self.attempt, "temporary": str(temporary)})

    def appears(self, temporary: Path, final: Path) -> None:
        """A complete file is about to get its final name."""
        state = os.stat(temporary)
        self._note({"final": str(final), "inode": state.st_ino, "time": state.st_mtime_ns})

    def entries(self) -> Iterator[dict[str, Any]]:
        """What was noted; a last line that was cut off counts as not written."""
        try:
            text = self.path.read_text("utf-8", "surrogateescape")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return

    def close(self) -> None:
        """The attempt's files are as they have to be; the notes are not needed any more."""
        self.path.unlink(missing_ok=True)

    def _note(self, entry: dict[str, Any]) -> None:
        line = (json.dumps(entry) + "\n").encode()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            handle = os.open(self.path, flags, 0o644)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, flags, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


def remove_unpublished(journal: AttemptJournal, published: Collection[Path]) -> list[Path]:
    """Remove what an attempt wrote and did not publish; returns the final names that are gone.

    Args:
        published: the final names that stay.
    """
    removed = []
    for entry in journal.entries():
        if "temporary" in entry:
            Path(entry["temporary"]).unlink(missing_ok=True)
        elif (final := Path(entry["final"])) not in published and _is_same(final, entry):
            final.unlink(missing_ok=True)
            removed.append(final)
    return removed


def published_files(outputs: Mapping[str, Any], folders: Folders) -> set[Path]:
    """Final names of the files that nodes show, from what each node shows."""
    roots = {"output": folders.output.resolve(), "temp": folders.temp.resolve()}
    found = set()
    for ui in outputs.values():
        for items in ui.values() if isinstance(ui, Mapping) else ():
            for item in items if isinstance(items, list | tuple) else ():
                if isinstance(item, Mapping) and isinstance(item.get("filename"), str) and item.get("type") in roots:
                    found.add(roots[item["type"]] / str(item.get("subfolder") or "") / item["filename"])
    return found


def journals(data_dir: Path) -> Iterator[AttemptJournal]:
    """Journals that nobody has settled; ones without a readable line are removed."""
    folder = data_dir.joinpath(*_FOLDER)
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        found = AttemptJournal(data_dir, "", 0)
        found.path = path
        first = next(found.entries(), None)
        if first is None or "job" not in first:
            path.unlink(missing_ok=True)
            continue
        found.job, found.attempt = str(first["job"]), int(first["attempt"])
        yield found


def _is_same(path: Path, entry: dict[str, Any]) -> bool:
    try:
        state = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return bool(state.st_ino == entry["inode"] and state.st_mtime_ns == entry["time"])
