"""Writing files so that they are whole or absent: a temporary name, flushed to disk, then renamed. Blocking."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["digest_of", "is_unfinished", "numbered_names", "write_file"]


def write_file(path: Path, data: bytes) -> None:
    """Store bytes under a path, replacing what was there; makes missing folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _flush_folder(path.parent)


def is_unfinished(name: str) -> bool:
    """Whether this is the name of a file that is still being written."""
    return name.startswith(".") and name.endswith(".part")


def numbered_names(path: Path) -> Iterator[Path]:
    """The path itself, then `name (1).ext`, `name (2).ext`, … without end."""
    yield path
    for number in itertools.count(1):
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")


def digest_of(path: Path, algorithm: str) -> str:
    """Hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
