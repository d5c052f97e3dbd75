"""A real server with real workers on a data folder of its own, to be killed, frozen, filled and restarted."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
PACK = Path(__file__).parent / "pack"


class Gone(Exception):
    """The server does not answer."""


class Site:
    """One data folder and the server on it.

    Args:
        folder: the data folder; made when needed.
        flags: further flags of `main.py serve`.
        environment: added to the environment of server and workers.
        warm: whether workers bring torch in at once; the nodes of the chaos pack do not need it.
    """

    def __init__(
        self, folder: Path, *flags: str, environment: Mapping[str, str] | None = None, warm: bool = False
    ) -> None:
        self.folder = folder
        self.flags = flags if warm else ("--no-warm-up", *flags)
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.accepted: list[str] = []
        self.cancelled: set[str] = set()
        self.log = folder.parent / f"{folder.name}.log"
        if not (folder / "custom_nodes" / "chaos").exists():
            shutil.copytree(PACK, folder / "custom_nodes" / "chaos", ignore=shutil.ignore_patterns("__pycache__"))

    # -- life and death

    def start(self, wait: bool = True, **environment: str) -> Site:
        """Start the server; with `wait`, until its workers have loaded the pack."""
        command = [
            sys.executable, "main.py", "serve", "--port", str(self.port), "--data-dir", str(self.folder), "--cpu",
            *self.flags,
        ]  # fmt: skip
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", **self.environment, **environment},
                stdout=log, stderr=log,
            )  # fmt: skip
        if wait:
            self.wait(lambda: "chaos.picture" in self.get("/object_info"), "the pack is loaded")
        return self

    def kill(self) -> None:
        """SIGKILL the server, and wait until its workers are gone as well."""
        workers = self.workers()
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert not alive, "workers must not outlive their server"

    def stop(self, number: int = signal.SIGTERM, within: float = 40.0) -> int:
        """Ask the server to end, and return its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(within)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(10)

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self.process is not None and self.process.poll() is None

    def workers(self) -> list[psutil.Process]:
        """The worker processes that are up."""
        if not self.alive:
            return []
        assert self.process is not None
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if "worker" in child.cmdline():
                        found.append(child)
        return found

    # -- asking

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Ask once.

        Raises:
            Gone: if there is no answer, or half of one.
            AssertionError: if the answer is no success.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Gone(str(error)) from error
        finally:
            connection.close()
        if answer.status >= 500:
            raise Gone(f"{answer.status}: {content[:300]!r}")
        assert answer.status < 300, f"{method} {path}: {answer.status} {content[:500]!r}"
        return json.loads(content) if content else None

    def get(self, path: str) -> Any:
        """GET and parse."""
        return self.request("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """POST and parse."""
        return self.request("POST", path, {} if body is None else body)

    def submit(self, graph: Mapping[str, Any], job: str | None = None, client: str = "chaos") -> str:
        """Submit by the established protocol; returns the id, and remembers that it was accepted."""
        body: dict[str, Any] = {"prompt": graph, "client_id": client}
        if job is not None:
            body["prompt_id"] = job
        accepted = str(self.post("/prompt", body)["prompt_id"])
        if accepted not in self.accepted:
            self.accepted.append(accepted)
        return accepted

    def cancel(self, job: str) -> None:
        """Ask for a job's end, and remember that somebody did."""
        self.cancelled.add(job)
        self.post(f"/api/v1/jobs/{job}/cancel")

    def job(self, job: str) -> dict[str, Any]:
        """What our own API says of a job."""
        found: dict[str, Any] = self.get(f"/api/v1/jobs/{job}")["job"]
        return found

    def wait(self, condition: Callable[[], Any], what: str, within: float = 60.0) -> Any:
        """Wait until something is true, through times in which nobody answers."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            with contextlib.suppress(Gone):
                found = condition()
                if found:
                    return found
            if self.process is not None and self.process.poll() not in (None, 0, -signal.SIGKILL):
                raise AssertionError(f"the server ended: {self.tail()}")
            time.sleep(0.03)
        raise AssertionError(f"{what}: not within {within:g} s. {self.tail()}")

    def until(self, job: str, *states: str, within: float = 60.0) -> dict[str, Any]:
        """Wait until a job is in one of these states."""
        self.wait(lambda: self.job(job)["state"] in states, f"job {job} is {' or '.join(states)}", within)
        return self.job(job)

    def settled(self, jobs: Sequence[str], within: float = 120.0) -> None:
        """Wait until every job has ended."""
        for job in jobs:
            self.until(job, "succeeded", "failed", "cancelled", "dead", within=within)

    def tail(self, count: int = 2500) -> str:
        """The end of the log, for messages."""
        return self.log.read_text(errors="replace")[-count:] if self.log.exists() else ""


def graph(value: int = 0, seconds: float = 0.0, *, journal: str = "", size: int = 16, count: int = 1) -> dict[str, Any]:
    """Number → work → picture."""
    return {
        "1": {"class_type": "chaos.number", "inputs": {"value": value}},
        "2": {
            "class_type": "chaos.work",
            "inputs": {"number": ["1", 0], "seconds": seconds, "journal": journal, "salt": value},
        },
        "3": {
            "class_type": "chaos.picture",
            "inputs": {"number": ["2", 0], "name": f"chaos{value}", "size": size, "count": count},
        },
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
