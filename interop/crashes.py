"""Packs that end the whole process while they are imported, remembered from one start of a worker to the next.

Nothing in a process can catch `os._exit` or a crash in native code. So the names of packs being imported lie in a file
for the time it takes; a worker that finds the file of a process that is gone knows which pack was at work. A pack that
was at work twice in a row is left out, until it changes. Where several were at work, each is imported alone at the next
start, after all others, so that the second time shows which one it was. No pack is blamed for a worker that somebody
killed: one whose server ended too, and one of which the server says so in `HEDDLE_KILLED_WORKERS`. Packs that did not
end in time are remembered too: the next start does not wait for them as long.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

__all__ = ["CrashRecord"]

KILLED_VARIABLE = "HEDDLE_KILLED_WORKERS"
"""Environment variable with the process numbers of workers that ended by SIGKILL, separated by commas."""
TIMES = 2
"""How often a pack may have been at work when a worker ended; once happens to any pack when somebody stops a server."""


class CrashRecord:
    """What was being imported when workers ended.

    Args:
        folder: kept between starts; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / f"importing-{os.getpid()}-{os.getppid()}.json"
        self._blamed_file = folder / "ended-workers.json"
        self._importing: dict[str, str] = {}
        self._blamed: dict[str, dict[str, Any]] = _read(self._blamed_file)
        self._take_over()

    def ended_workers(self, name: str, path: Path) -> bool:
        """Whether this pack, as it is now, ended workers too often."""
        entry = self._blamed.get(name, {})
        return entry.get("state") == _state(path) and int(entry.get("times", 0)) >= TIMES

    def suspected(self, name: str, path: Path) -> bool:
        """Whether this pack, as it is now, was at work when a worker ended."""
        entry = self._blamed.get(name, {})
        return entry.get("state") == _state(path) and int(entry.get("times", 0)) > 0

    def hung(self, name: str, path: Path) -> bool:
        """Whether this pack, as it is now, did not end in time at the last start."""
        entry = self._blamed.get(name, {})
        return bool(entry.get("hung")) and entry.get("state") == _state(path)

    def hang(self, name: str, path: Path) -> None:
        """Note that a pack did not end in time."""
        self._importing.pop(name, None)
        self._write(self._own, self._importing)
        self._blamed[name] = {"state": _state(path), "times": 0, "hung": True}
        self._write(self._blamed_file, self._blamed)

    def begin(self, name: str, path: Path) -> None:
        """Note that a pack is being imported."""
        self._importing[name] = _state(path)
        self._write(self._own, self._importing)

    def end(self, name: str) -> None:
        """Note that it is imported, or failed in a way that could be caught."""
        self._importing.pop(name, None)
        self._write(self._own, self._importing)
        if self._blamed.pop(name, None) is not None:
            self._write(self._blamed_file, self._blamed)

    def close(self) -> None:
        """Note that nothing is being imported any more."""
        self._importing.clear()
        self._write(self._own, {})

    def _take_over(self) -> None:
        """Blame what workers that are gone were importing."""
        changed = False
        killed = os.environ.get(KILLED_VARIABLE, "").split(",")
        for file in self._folder.glob("importing-*.json") if self._folder.is_dir() else ():
            pid, _, server = file.stem.partition("-")[2].partition("-")
            if pid.isdecimal() and int(pid) != os.getpid() and _lives(int(pid)):
                continue
            guilty = server in ("", str(os.getppid())) and pid not in killed
            for name, state in _read(file).items() if guilty else ():
                known = self._blamed.get(name, {})
                times = int(known.get("times", 0)) if known.get("state") == state else 0
                self._blamed[name] = {"state": state, "times": times + 1}
                changed = True
            with contextlib.suppress(OSError):
                file.unlink()
        if changed:
            self._write(self._blamed_file, self._blamed)

    def _write(self, file: Path, data: dict[str, Any]) -> None:
        """Replace a file as a whole; a disk that refuses costs this protection, not the packs."""
        with contextlib.suppress(OSError):
            if not data:
                file.unlink(missing_ok=True)
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = file.with_suffix(f".{os.getpid()}.part")
            temporary.write_text(json.dumps(data), encoding="utf-8")
            os.replace(temporary, file)


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _state(path: Path) -> str:
    """Changes whenever a file directly in the pack does."""
    try:
        files = sorted(path.glob("*.py")) if path.is_dir() else [path]
        return ",".join(f"{file.name}:{file.stat().st_mtime_ns}:{file.stat().st_size}" for file in files)
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
