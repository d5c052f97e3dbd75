"""One server a data folder and a job table: two on one would each believe the other's jobs were lost."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from server.errors import SettingsError

__all__ = ["lock_data_folder", "lock_database"]


@contextlib.contextmanager
def lock_data_folder(folder: Path) -> Iterator[None]:
    """Hold the data folder; the lock ends with the process, however it ends.

    Raises:
        SettingsError: if the folder cannot be made or another server holds it.
    """
    what, flag = f"data folder {folder.absolute()}", "--data-dir"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The {what} cannot be used: {error.strerror}. Name another with {flag}.") from error
    with _lock(folder / ".heddle.lock", what, flag):
        yield


@contextlib.contextmanager
def lock_database(url: str) -> Iterator[None]:
    """Hold a SQLite job table, which may lie outside the data folder; a PostgreSQL one holds itself.

    Raises:
        SettingsError: if another server holds it.
    """
    kind, _, path = url.partition(":///")
    if not kind.startswith("sqlite") or not path:
        yield
        return
    file = Path(path.partition("?")[0]).absolute()
    if not file.parent.is_dir():
        yield  # opening it will say what is wrong
        return
    with _lock(file.with_name(f".{file.name}.lock"), f"job database {file}", "--database"):
        yield


@contextlib.contextmanager
def _lock(file: Path, what: str, flag: str) -> Iterator[None]:
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SettingsError(f"The {what} cannot be used: {error.strerror}. Name another with {flag}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    except BlockingIOError:
        holder = os.read(handle, 32).decode("ascii", "replace") or "unknown"
        raise SettingsError(
            f"Another server (process {holder}) uses the {what}. Stop it, or name another with {flag}."
        ) from None
    finally:
        os.close(handle)
