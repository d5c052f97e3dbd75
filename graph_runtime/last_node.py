"""Which node a worker began last, legible after its death.

A worker that ends in the middle of a node has often not sent that it began it. So it also writes the node into a page
of memory that belongs to a file: the kernel keeps what was written, however the process ends, and a note is no call.
"""

from __future__ import annotations

import json
import mmap
import os
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LastNode", "LastWords", "read_last_node"]

_FOLDER = ("cache", "workers")
_SIZE = 4096
_OLD = 600.0
"""Seconds after which a page whose process is gone is not read any more."""


class LastNode:
    """The page of one worker.

    Args:
        data_dir: the data folder that server and workers share.
        pid: of the worker.
    """

    def __init__(self, data_dir: Path, pid: int) -> None:
        self._path = _path(data_dir, pid)
        self._place = ""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _remove_old(self._path.parent)
            self._path.write_bytes(bytes(_SIZE))
            with open(self._path, "r+b") as file:
                self._page = mmap.mmap(file.fileno(), _SIZE)
        except OSError:  # a full disk costs this note, not the worker
            self._page = mmap.mmap(-1, _SIZE)

    def run(self, job: str, attempt: int) -> None:
        """A run begins."""
        self._place = f"{json.dumps(job)}, {attempt}"
        self._note(None)

    def begin(self, node: str) -> None:
        """A node begins."""
        self._note(node)

    def _note(self, node: str | None) -> None:
        text = f"[{self._place}, {json.dumps(node)}]".encode()
        if len(text) <= _SIZE - 2:
            self._page[2 : 2 + len(text)] = text
            self._page[:2] = len(text).to_bytes(2, "big")

    def close(self) -> None:
        """The worker ends in order."""
        self._page.close()
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class LastWords:
    """What the page of a dead worker says of an attempt.

    Attributes:
        began: whether the worker had begun with it.
        node: the node that began last, if any.
    """

    began: bool
    node: str | None = None


def read_last_node(data_dir: Path, pid: int, job: str, attempt: int) -> LastWords | None:
    """Return what a dead worker noted of an attempt, and remove its page; None if there is no page."""
    path = _path(data_dir, pid)
    try:
        page = path.read_bytes()
        path.unlink(missing_ok=True)
    except OSError:
        return None
    try:
        found = json.loads(page[2 : 2 + int.from_bytes(page[:2], "big")])
    except ValueError:  # it had begun with nothing yet
        return LastWords(began=False)
    return LastWords(True, found[2]) if found[:2] == [job, attempt] else LastWords(began=False)


def _path(data_dir: Path, pid: int) -> Path:
    return data_dir.joinpath(*_FOLDER) / str(pid)


def _remove_old(folder: Path) -> None:
    """Remove pages of processes that are long gone: ones that were idle when they died, so that nobody asked."""
    for path in folder.iterdir():
        if time.time() - path.stat().st_mtime > _OLD and not _lives(path.name):
            path.unlink(missing_ok=True)


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
