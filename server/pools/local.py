"""Workers as processes on this machine: `python -m worker` at the other end of a socket pair.

The child inherits its end of the socket and nothing else; when the server dies, by whatever cause, the socket closes
and the kernel ends the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, MutableSequence, Sequence

from server.pools.accelerators import accelerators, device_of
from server.pools.connection import Connection
from server.security import worker_key
from server.settings import PROJECT, Settings, is_loopback

__all__ = ["FD_VARIABLE", "LocalWorker", "launch", "local_launcher", "way_back", "worker_command"]

FD_VARIABLE = "HEDDLE_WORKER_FD"
"""Environment variable that tells a worker the number of its socket."""
ADDRESS_VARIABLE, KEY_VARIABLE = "HEDDLE_SERVER", "HEDDLE_SERVER_KEY"
CERTIFICATE_VARIABLE = "HEDDLE_SERVER_CERTIFICATE"
"""Environment variables that tell packs in a worker where the queue is, and how to show that they belong to it."""
KILLED_VARIABLE = "HEDDLE_KILLED_WORKERS"
"""Environment variable that tells a worker which others were killed, so that it blames no pack for their ends."""


class LocalWorker:
    """A worker process and the server's end of its socket."""

    def __init__(
        self, process: subprocess.Popen[bytes], end: socket.socket, killed: MutableSequence[int] | None = None
    ) -> None:
        self._process = process
        self._end = end
        self._killed = killed
        self.pid = process.pid

    async def connect(self) -> Connection:
        """Open the frames to it."""
        return await Connection.over(self._end)

    def kill(self) -> None:
        """End it at once; harmless when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> str:
        """Wait until it is gone and say how it ended."""
        status = await asyncio.to_thread(self._process.wait)
        if status >= 0:
            return f"it ended with status {status}"
        name = signal.Signals(-status).name
        if -status == signal.SIGKILL:
            if self._killed is not None and self.pid not in self._killed:
                self._killed.append(self.pid)
            return f"it was killed by {name}, perhaps for using too much memory"
        return f"it was killed by {name}"


def launch(
    command: Sequence[str], killed: MutableSequence[int] | None = None, environment: Mapping[str, str] | None = None
) -> LocalWorker:
    """Start a worker process. Must be called in the main thread: the child dies when the thread that made it ends.

    Args:
        killed: process numbers of workers that ended by SIGKILL; told to this one, and this one is added.
        environment: added to this process' own.
    Raises:
        OSError: if the process cannot be started.
    """
    ours, theirs = socket.socketpair()
    try:
        variables = {**os.environ, **(environment or {}), FD_VARIABLE: str(theirs.fileno()), "PYTHONUNBUFFERED": "1"}
        if killed:
            variables[KILLED_VARIABLE] = ",".join(str(pid) for pid in killed)
        process = subprocess.Popen(
            list(command),
            cwd=PROJECT,
            env=variables,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C in the terminal is for the server, which then ends its workers
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return LocalWorker(process, ours, killed)


def local_launcher(settings: Settings) -> Callable[[int], LocalWorker]:
    """What starts the worker of a slot with these settings, on a device of its own where there are several."""
    count = accelerators()
    killed: deque[int] = deque(maxlen=64)

    def launcher(slot: int) -> LocalWorker:
        device = device_of(slot, settings, count)
        command = [*worker_command(settings), *(("--device", device) if device else ())]
        return launch(command, killed, {**_threads(settings, device), **way_back(settings)})

    return launcher


def _threads(settings: Settings, device: str | None) -> dict[str, str]:
    """Shares the processor's cores out between several workers that compute on it, unless somebody else has."""
    if settings.workers == 1 or device is not None or "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, _cores() // settings.workers))}


def way_back(settings: Settings) -> dict[str, str]:
    """Where packs in a worker reach this server, and what they show it."""
    own = next((host for host in settings.hosts if is_loopback(host)), settings.hosts[0])
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(own, own)
    scheme = "http" if settings.tls_certificate is None else "https"
    way = {ADDRESS_VARIABLE: f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"}
    if settings.token is not None:
        way[KEY_VARIABLE] = worker_key(settings.token)
    if settings.tls_certificate is not None:
        way[CERTIFICATE_VARIABLE] = str(settings.tls_certificate.absolute())
    return way


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_command(settings: Settings) -> list[str]:
    """The command line of a worker with these settings."""
    command = [sys.executable, "-m", "worker", "--data-dir", str(settings.data_dir.absolute())]
    for directory in settings.models_dirs:
        command += ["--models-dir", str(directory.absolute())]
    places = (
        ("--input-directory", settings.input_dir),
        ("--output-directory", settings.output_dir),
        ("--temp-directory", settings.temp_dir),
        ("--user-directory", settings.user_dir),
    )
    for flag, path in places:
        if path is not None:
            command += [flag, str(path.absolute())]
    for extra in settings.extra_paths:
        flag = "--extra-default-path" if extra.is_default else "--extra-path"
        command += [flag, f"{extra.key}={extra.path.absolute()}"]
    match settings.cache.mode:
        case "classic" | "none" as mode:
            command.append(f"--cache-{mode}")
        case "lru":
            command += ["--cache-lru", str(settings.cache.size)]
    command += ["--disk-cache", str(settings.disk_cache_bytes)]
    if settings.memory_limit:
        command += ["--memory-limit", str(settings.memory_limit)]
    if settings.checkpoint_steps:
        command += ["--checkpoint-steps", str(settings.checkpoint_steps)]
    if not settings.warm_up:
        command.append("--no-warm-up")
    if settings.cpu:
        command.append("--cpu")
    if settings.allow_pickle:
        command.append("--allow-pickle")
    if settings.disable_metadata:
        command.append("--disable-metadata")
    command += ["--server-port", str(settings.port)]
    command += ["--preview-method", settings.preview_method, "--preview-size", str(settings.preview_size)]
    if settings.disable_custom_nodes:
        command.append("--disable-all-custom-nodes")
    if settings.whitelist_custom_nodes:
        command += ["--whitelist-custom-nodes", *settings.whitelist_custom_nodes]
    return command
