"""What `main.py doctor` looks at: installation, folders, database, address, editor, models, devices.

Nothing is changed: no folder is made, no table upgraded, no worker started.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from server.assembly import folders_of
from server.settings import PROJECT, Settings

__all__ = ["CHECKS", "Finding"]

LITTLE_SPACE = 2 * 1024**3
"""Free bytes below which saving pictures will soon fail."""
SHORT_TOKEN = 16
DEVICE_SECONDS = 180.0
"""How long torch may take to find the devices."""
_PICKLES = (".ckpt", ".pt", ".pth", ".bin")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it is, and what to do when that is not good."""

    level: Literal["ok", "warning", "failure"]
    what: str
    fix: str = ""


def installation(settings: Settings) -> Iterator[Finding]:
    """Every library the project asks for, and the Python that has them."""
    yield Finding("ok", f"Python {'.'.join(map(str, sys.version_info[:3]))} at {sys.executable}")
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    wrong = [fault for fault in map(_fault, map(Requirement, wanted)) if fault]
    fix = "Run `make` in the project's folder, or pip install --constraint constraints.txt --editable ."
    if wrong:
        yield Finding("failure", f"Libraries are missing or too old: {', '.join(wrong)}.", fix)
    else:
        yield Finding("ok", f"{len(wanted)} libraries are there")


def _fault(wanted: Requirement) -> str | None:
    try:
        found = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return wanted.name
    return None if wanted.specifier.contains(found, prereleases=True) else f"{wanted.name} {found}"


def folders(settings: Settings) -> Iterator[Finding]:
    """Whether the folders can be written and have space."""
    found = folders_of(settings)
    for path in dict.fromkeys([found.data_dir, found.input, found.output, found.temp, found.user]):
        there = next(each for each in (path, *path.parents) if each.exists())
        if not there.is_dir():
            yield Finding("failure", f"{there} is a file, not a folder.", "Move it away, or name another folder.")
        elif not os.access(there, os.W_OK | os.X_OK):
            yield Finding("failure", f"{there} cannot be written.", "Change its owner or mode, or name another folder.")
        elif (free := shutil.disk_usage(there).free) < LITTLE_SPACE:
            fix = "Free some space, or name a folder on another disk."
            yield Finding("warning", f"{path} has only {free / 1024**3:.1f} GiB left.", fix)
        else:
            yield Finding("ok", f"{path}" + ("" if path.exists() else " (will be made)"))


def database(settings: Settings) -> Iterator[Finding]:
    """Whether the job table can be read and is whole."""
    url = make_url(settings.database_url)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() != "sqlite":
        try:
            asyncio.run(_connect(settings.database_url))
        except (SQLAlchemyError, OSError, ImportError) as error:
            fix = "Check that it runs and exists, and the name and password in --database."
            yield Finding("failure", f"The job database {shown} cannot be reached: {error}.", fix)
        else:
            yield Finding("ok", f"job database {shown}")
        return
    file = Path(url.database or "")
    if not file.exists():
        yield Finding("ok", f"job database {file} (will be made)")
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as table:
            said = [row[0] for row in table.execute("PRAGMA quick_check(3)")]
            jobs = table.execute("SELECT count(*) FROM jobs").fetchone()[0]
    except sqlite3.Error as error:
        yield Finding("failure", f"The job database {file} cannot be read: {error}.", _RESTORE.format(file=file.name))
        return
    if said != ["ok"]:
        what = f"The job database {file} is damaged: {'; '.join(said)}."
        yield Finding("failure", what, _RESTORE.format(file=file.name))
    else:
        yield Finding("ok", f"job database {file}: {jobs} jobs")


_RESTORE = "Restore it from a copy, or move {file} and its -wal and -shm away: a new, empty one is made."


async def _connect(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    finally:
        await engine.dispose()


def address(settings: Settings) -> Iterator[Finding]:
    """Whether the addresses are free, or a server of ours is there already; and how safe they are."""
    for host in settings.hosts:
        where = f"{host}, port {settings.port}"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, settings.port))
            yield Finding("ok", f"{where} is free")
        except OSError as error:
            if _serves(settings):
                yield Finding("ok", f"{where}: a server runs there")
            else:
                fix = f"Stop the other program, or choose another port, such as --port {settings.port + 1}."
                yield Finding("failure", f"{where} cannot be used: {error.strerror or error}.", fix)
    if settings.is_exposed and settings.token is None:
        fix = "Give a password with --token, unless everybody who reaches this machine may run anything on it."
        yield Finding("warning", "Other machines may run workflows here without a password (--insecure).", fix)
    if settings.token is not None and len(settings.token) < SHORT_TOKEN:
        fix = 'Make a long one: python -c "import secrets; print(secrets.token_urlsafe(24))".'
        yield Finding("warning", f"The token has only {len(settings.token)} characters and can be guessed.", fix)
    if settings.is_exposed and settings.tls_key is None:
        fix = "Give --tls-keyfile and --tls-certfile, or put the server behind a proxy that speaks TLS."
        yield Finding("warning", "What is sent over the network can be read on its way, the token as well.", fix)


def _serves(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/healthz", timeout=3) as answer:
            return bool(json.load(answer) == {"status": "ok"})
    except (OSError, ValueError):
        return False


def editor(settings: Settings) -> Iterator[Finding]:
    """Whether the editor is built."""
    root = settings.front_end_root or PROJECT / "web" / "dist"
    if (root / "index.html").is_file():
        yield Finding("ok", f"editor at {root}")
    else:
        yield Finding("warning", "The editor is not built; only the API will answer.", "Run `make serve` once.")


def models(settings: Settings) -> Iterator[Finding]:
    """What there is to load, and what will not be opened."""
    found = folders_of(settings)
    names = {key: found.names(key) for key in found.keys if key not in ("custom_nodes", "configs")}
    shown = ", ".join(f"{len(each)} {key}" for key, each in names.items() if each)
    yield Finding("ok", f"models: {shown}")
    pickles = [f"{key}/{name}" for key, each in names.items() for name in each if name.lower().endswith(_PICKLES)]
    if pickles and not settings.allow_pickle:
        what = f"{len(pickles)} model files are pickles and will not be opened, such as {pickles[0]}."
        yield Finding("warning", what, "Convert them to safetensors, or use --allow-pickle if you trust them.")


def devices(settings: Settings) -> Iterator[Finding]:
    """What torch would compute on, asked in a process of its own."""
    script = "import json; from worker.devices import describe_devices; print(json.dumps(describe_devices()))"
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if settings.cpu else {}
    fix = "Install torch as constraints.txt names it; try: python -c 'import torch'."
    try:
        answer = subprocess.run(
            [sys.executable, "-c", script],
            cwd=PROJECT,
            env={**os.environ, **hidden},
            capture_output=True,
            text=True,
            timeout=DEVICE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        yield Finding("failure", f"torch did not tell of its devices within {DEVICE_SECONDS:g} s.", fix)
        return
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or [f"status {answer.returncode}"])[-1]
        yield Finding("failure", f"torch cannot be used: {reason}.", fix)
        return
    for device in json.loads(answer.stdout.splitlines()[-1]):
        free, total = (device[key] / 1024**3 for key in ("vram_free", "vram_total"))
        yield Finding("ok", f"device {device['name']}: {free:.1f} of {total:.1f} GiB free")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    installation,
    folders,
    database,
    address,
    editor,
    models,
    devices,
)
