"""Where nodes write: files appear finished, under names that nothing else has.

Names follow the established rule: `<prefix>_<five digits>_<suffix>`, counting from the highest number in the folder;
`%width%`, `%height%`, `%year%`, `%month%`, `%day%`, `%hour%`, `%minute%`, `%second%`, `%batch_num%` in the prefix are
replaced, and a slash makes a subfolder.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from graph_runtime.attempts import AttemptJournal
from graph_runtime.crash_points import crash_point
from graph_runtime.errors import HeddleError
from graph_runtime.folders import Folders, UnsafePath, confine

__all__ = ["Files", "SavedFile"]


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that a client can fetch: its name, the folder below its root, and the root ("output" or "temp")."""

    filename: str
    subfolder: str
    type: str

    def to_data(self) -> dict[str, str]:
        """Return the established file reference."""
        return {"filename": self.filename, "subfolder": self.subfolder, "type": self.type}


class Files:
    """Writes results into the output and temp folders.

    Args:
        folders: gives the roots.
        now: local time as `time.struct_time`, for the tokens in names.
        journal: is told of every file before it appears; None if nobody wants to know.
    """

    def __init__(
        self,
        folders: Folders,
        now: Callable[[], time.struct_time] = time.localtime,
        journal: AttemptJournal | None = None,
    ) -> None:
        self.folders = folders
        self._now = now
        self._journal = journal
        self._lock = threading.Lock()

    def noted_in(self, journal: AttemptJournal) -> Files:
        """The same folders, with every file noted for an attempt."""
        return Files(self.folders, self._now, journal)

    def write(
        self,
        prefix: str,
        suffix: str,
        data: bytes | Callable[[BinaryIO], None],
        *,
        folder: str = "output",
        width: int = 0,
        height: int = 0,
        batch: int = 0,
    ) -> SavedFile:
        """Write one file under the next free number.

        The bytes go to a temporary name and then appear under the final name all at once. In the output folder both
        the bytes and the name are on disk when this returns; the temp folder is emptied by the next start anyway.

        Args:
            prefix: name before the number; may contain tokens and a subfolder.
            suffix: such as ".png".
            data: the bytes, or a function that writes them to an open file.
            folder: "output" or "temp".
            width, height, batch: values of the tokens.
        Raises:
            HeddleError: if the name leads outside the folder, or the disk refuses; says which path and why.
        """
        stem = self._expand(prefix, width, height, batch)
        root = self.folders.temp if folder == "temp" else self.folders.output
        try:
            target = confine(root, stem)
        except UnsafePath as error:
            raise HeddleError(
                f"The name '{prefix}' leads outside the {folder} folder.", fix="Use a name below it, without '..'."
            ) from error
        directory, name = (target.parent, target.name) if stem and not stem.endswith("/") else (target, "file")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            final = self._write_numbered(directory, name, suffix, data, lasting=folder != "temp")
        except OSError as error:
            raise HeddleError(
                f"'{directory / name}' cannot be written: {error.strerror or error}.",
                fix="Free some space, or choose a folder that may be written to.",
            ) from error
        below = final.parent.relative_to(root.resolve() if final.is_relative_to(root.resolve()) else root)
        subfolder = below.as_posix()
        return SavedFile(final.name, "" if subfolder == "." else subfolder, "temp" if folder == "temp" else "output")

    def _expand(self, prefix: str, width: int, height: int, batch: int) -> str:
        if "%" not in prefix:
            return prefix
        now = self._now()
        tokens = {
            "width": str(width),
            "height": str(height),
            "batch_num": str(batch),
            "year": str(now.tm_year),
            "month": f"{now.tm_mon:02}",
            "day": f"{now.tm_mday:02}",
            "hour": f"{now.tm_hour:02}",
            "minute": f"{now.tm_min:02}",
            "second": f"{now.tm_sec:02}",
        }
        return re.sub("%(" + "|".join(tokens) + ")%", lambda match: tokens[match[1]], prefix)

    def _write_numbered(
        self, directory: Path, name: str, suffix: str, data: bytes | Callable[[BinaryIO], None], lasting: bool
    ) -> Path:
        temporary = directory / f".{name[:100]}.{os.getpid()}.{threading.get_ident()}.part"
        if self._journal is not None:
            self._journal.begins(temporary)
        try:
            with open(temporary, "wb") as file:
                if callable(data):
                    data(file)
                else:
                    file.write(data)
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
            crash_point("file.before_rename")
            with self._lock:
                final = self._claim(temporary, directory, name, suffix)
            if lasting:
                _sync_names(directory)
            crash_point("file.after_rename")
            return final
        finally:
            temporary.unlink(missing_ok=True)

    def _claim(self, temporary: Path, directory: Path, name: str, suffix: str) -> Path:
        number = _highest(directory, name) + 1
        while True:
            final = directory / f"{name}_{number:05}_{suffix}"
            if self._journal is not None:
                self._journal.appears(temporary, final)
            try:
                os.link(temporary, final)
                return final
            except FileExistsError:
                number += 1
            except OSError:  # a file system without hard links: nobody else may claim the name between these lines
                if final.exists():
                    number += 1
                    continue
                os.replace(temporary, final)
                return final


def _sync_names(directory: Path) -> None:
    """Bring the names in a folder to disk; a file whose name is lost is lost."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _highest(directory: Path, name: str) -> int:
    start, best = f"{name}_", 0
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(start):
                digits = entry.name[len(start) :].split("_", 1)[0]
                if digits.isascii() and digits.isdigit() and len(digits) < 19:
                    best = max(best, int(digits))
    return best
