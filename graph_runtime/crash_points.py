"""Named places at which a process can be told to die, so that tests can prove what survives there.

    HEDDLE_CRASH_AT=name[:count][,name[:count]…]     die the count-th time this place is reached (default: the first)
    HEDDLE_CRASH_ONCE=FOLDER                         each name ends one process only; the file FOLDER/name says it did

The end is SIGKILL: nothing is flushed, closed or told to anybody. Without the variables a crash point is one look at
an empty dict. The variables can only name the places listed in `POINTS`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

__all__ = ["POINTS", "crash_point"]

POINTS = {
    "submit.before_commit": "server: a job is in the open transaction",
    "submit.before_answer": "server: a job is committed, its client was not answered",
    "claim.before_start": "server: a job is claimed, no worker has heard of it",
    "cancel.before_frame": "server: a cancellation is committed, its worker was not told",
    "done.before_registration": "server: a run has ended, its outcome and files are not stored",
    "done.before_announcement": "server: outcome and files are stored, no client was told",
    "recover.after_commit": "server: jobs of a former server are queued again, none was claimed",
    "file.before_rename": "worker: a file is complete under its temporary name",
    "file.after_rename": "worker: a file has its final name, the server does not know of it",
    "done.before_frame": "worker: a run has ended, the server was not told",
}
"""Every crash point, the process it is in, and what is true there."""


def _armed(text: str) -> dict[str, int]:
    points: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, count = part.partition(":")
        if name not in POINTS:
            raise ValueError(f"HEDDLE_CRASH_AT names no crash point: {name!r}. Use one of {', '.join(POINTS)}.")
        points[name] = int(count or 1)
    return points


_left = _armed(os.environ.get("HEDDLE_CRASH_AT", ""))


def crash_point(name: str) -> None:
    """End this process at once if the environment asks for it here.

    Args:
        name: one of `POINTS`.
    """
    if not _left or name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0 and _is_first(name):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_first(name: str) -> bool:
    """Whether no other process has ended here; true where that is not asked."""
    folder = os.environ.get("HEDDLE_CRASH_ONCE")
    if not folder:
        return True
    try:
        os.close(os.open(Path(folder) / name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
