"""How much memory this process may use: what it was told, what its control groups allow, what the machine has.

The kernel ends a process that goes over the limit of a control group, without a word. Both hierarchies are read:
version 2 (`memory.max`) and version 1 (`memory.limit_in_bytes`), from the process' own group up to the root.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["Limit", "limits", "tightest"]

_UNLIMITED = 1 << 60
_ROOT = Path("/sys/fs/cgroup")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound on memory.

    Attributes:
        name: for people.
        total: bytes that are allowed.
        used: bytes that are taken, without what the kernel can drop at once.
        hard: going over it ends the process; otherwise the machine only gets slow first.
    """

    name: str
    total: int
    used: int
    hard: bool = True

    @property
    def left(self) -> int:
        """Bytes that can still be taken."""
        return self.total - self.used


def limits(own: int = 0, root: Path = _ROOT, groups: Path = Path("/proc/self/cgroup")) -> Iterator[Limit]:
    """Every bound there is, as it stands now.

    Args:
        own: what this process alone may use, from `--memory-limit`; 0 for no such bound.
    """
    if own:
        yield Limit("--memory-limit", own, _resident())
    for folder, names in _folders(root, groups):
        limit = _limit_of(folder, *names)
        if limit is not None:
            yield limit
    memory = psutil.virtual_memory()
    yield Limit("this machine", memory.total, memory.total - memory.available, hard=False)


def tightest(own: int = 0) -> Limit:
    """The bound of which the smallest share is left."""
    return min(limits(own), key=lambda limit: limit.left / limit.total)


def _resident() -> int:
    with open("/proc/self/statm", "rb") as file:
        fields = file.read().split()
    return (int(fields[1]) - int(fields[2])) * _PAGE  # resident, less what is shared with files


_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _folders(root: Path, groups: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Folders of the process' groups up to the root, and the names of the files in them."""
    try:
        lines = groups.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if number == "0" and not controllers:
            top, names = root, _V2
        elif "memory" in controllers.split(","):
            top, names = root / "memory", _V1
        else:
            continue
        folder = top / place.lstrip("/")
        while folder != top and top in folder.parents:
            yield folder, names
            folder = folder.parent
        yield top, names  # in a container the process' own group is mounted here


def _limit_of(folder: Path, most: str, current: str, droppable: str) -> Limit | None:
    try:
        text = (folder / most).read_text().strip()
        if text == "max" or int(text) >= _UNLIMITED:
            return None
        used = int((folder / current).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no such group here
        return None
    return Limit(f"the control group {folder}", int(text), max(0, used - int(stat.get(droppable, 0))))
