"""A PostgreSQL of the tests' own: in a folder that is removed, under a plain user, reached by a socket file."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

__all__ = ["Cluster", "programs"]

_KNOWN = "/usr/lib/postgresql"
_MEMORY = Path("/dev/shm")
_ROOM = 2 * 1024**3
"""Free bytes that a place in memory must have; an empty database takes 8 MB, and each test has its own."""
START_SECONDS = 30.0


def programs() -> Path | None:
    """The folder with the database server's programs; None where PostgreSQL is not installed."""
    installed = sorted(Path(_KNOWN).glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found is not None]
    for folder in (*installed, *on_path):
        if all((folder / name).is_file() for name in ("initdb", "postgres", "createdb", "pg_isready")):
            return folder
    return None


class Cluster:
    """A database server that can be stopped, killed and started again.

    Args:
        bin: where the programs are.
    """

    def __init__(self, bin: Path) -> None:
        self._bin = bin
        self.folder = Path(tempfile.mkdtemp(prefix="heddle-pg-", dir=_place()))
        self._user = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "--auth=trust", "--username=heddle", "--no-sync", "--locale=C.UTF-8", "-D", self._data)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}"]
        options += ["-c", "shared_buffers=16MB", "-c", "max_connections=40"]
        options += ["-c", "fsync=off"]  # processes are killed here, never the machine
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *options], stdout=log, stderr=log, **self._as_user()
            )
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", str(self.folder)], check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT ends sessions in order, SIGQUIT at once as after a crash."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(START_SECONDS)

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        self._made += 1
        name = f"jobs{self._made}"
        self._run("createdb", "-h", str(self.folder), "-U", "heddle", name)
        return f"postgresql://heddle@/{name}?host={self.folder}"

    def remove(self) -> None:
        """Stop and delete everything."""
        if self._process is not None and self._process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._bin / program, *arguments], check=True, capture_output=True, **self._as_user())

    def _as_user(self) -> dict[str, object]:
        more: dict[str, object] = {} if self._user is None else {"user": self._user, "extra_groups": []}
        return more | {"cwd": self.folder, "env": {**os.environ, "LC_ALL": "C.UTF-8"}}


def _place() -> Path:
    """Where files of databases come and go quickly: in memory if it has room; the path of a socket must be short."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM else Path("/tmp")


def _unprivileged() -> str | None:
    """The user to run as; PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
