"""One server a data folder: two on one job table would each believe the other's jobs were lost."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from server.errors import SettingsError

__all__ = ["lock_data_folder"]


@contextlib.contextmanager
def lock_data_folder(folder: Path) -> Iterator[None]:
    """Hold the data folder; the lock ends with the process, however it ends.

    Raises:
        SettingsError: if the folder cannot be made or another server holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".heddle.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SettingsError(
            f"The data folder {folder.absolute()} cannot be used: {error.strerror}. Name another with --data-dir."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    except BlockingIOError:
        holder = os.read(handle, 32).decode("ascii", "replace") or "unknown"
        raise SettingsError(
            f"Another server (process {holder}) uses the data folder {folder.absolute()}. "
            "Stop it, or name another folder with --data-dir."
        ) from None
    finally:
        os.close(handle)
