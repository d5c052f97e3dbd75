"""Result files: bounded in bytes, complete or absent, shared by the worker processes of one data folder.

Each result is one file under its name, written under a temporary name first. The sum of all sizes is kept beside them
and changed under a file lock, so that several processes keep one bound together; files used least recently go first.
Nothing is flushed to disk: after a power cut a file may be damaged, which reading it finds out.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ResultStore"]

_log = logging.getLogger(__name__)

_SUFFIX = ".safetensors"
_OVERHEAD = 512
"""Bytes that a file costs besides its content, so that very many small ones are bounded too."""
_ABANDONED = 600.0
"""Seconds after which a temporary file belongs to a process that has died."""
_ROOM = 0.9
"""Share of the bound that is left filled when files have to go, so that they do not go one by one."""


class ResultStore:
    """Named results in a folder.

    Args:
        folder: made when needed.
        max_bytes: bound on all files together.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, name: str) -> bool:
        """Say whether there is a file of this name."""
        return os.path.exists(f"{self.folder}/{name[:2]}/{name[2:]}{_SUFFIX}")

    def read(self, name: str) -> bytes | None:
        """Return the content of a file and count it as used; None if there is none."""
        path = self._path(name)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return content

    def write(self, name: str, content: bytes) -> bool:
        """Write a file, making room for it; False if it is larger than the bound or the disk refuses.

        A full disk makes the store give half of its own space back: what people save matters more.
        """
        size = len(content) + _OVERHEAD
        if size > self.max_bytes or self.has(name):
            return size <= self.max_bytes
        path = self._path(name)
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        try:
            path.parent.mkdir(exist_ok=True)
            with self._locked():
                self._reserve(size)
            temporary.write_bytes(content)
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                with self._locked():
                    self._shrink(self.max_bytes // 2)
            _log.warning("A result cannot be kept on disk: %s. The job goes on without.", error)
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove every file."""
        with self._locked():
            self._shrink(0)

    @property
    def nbytes(self) -> int:
        """Bytes of all files, as last summed up."""
        with self._locked():
            return self._total()

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name[2:]}{_SUFFIX}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _reserve(self, size: int) -> None:
        """Count a file before it is there: a process that dies in between leaves the sum too high, never too low."""
        total = self._total()
        if total + size > self.max_bytes:
            total = self._shrink(max(0, int(self.max_bytes * _ROOM) - size))
        self._set_total(total + size)

    def _total(self) -> int:
        try:
            return int((self.folder / "total").read_text())
        except (OSError, ValueError):
            return self._shrink(self.max_bytes)

    def _set_total(self, total: int) -> None:
        (self.folder / "total").write_text(str(total))

    def _shrink(self, max_bytes: int) -> int:
        """Sum up what is there, and remove files until it is at most `max_bytes`; returns the new sum."""
        found = sorted(self._files())
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= max_bytes:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= size
        self._set_total(total)
        return total

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """Time of last use, size and path of every file; temporary ones of dead processes are removed."""
        for folder in self.folder.iterdir():
            if not folder.is_dir():
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        state = entry.stat()
                        if entry.name.endswith(_SUFFIX):
                            yield state.st_mtime, state.st_size + _OVERHEAD, entry.path
                        elif time.time() - state.st_mtime > _ABANDONED:
                            os.unlink(entry.path)
