"""The program itself: server and worker as processes, over HTTP and websocket, killed in the middle."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]

SLOW_PACK = '''
"""A pack with one slow node that needs no torch."""
import os, time

from graph_runtime.api import Context, node

@node("wait", terminal=True, device=False)
def wait(ctx: Context, seconds: float = 0.0, marker: str = "", salt: int = 0) -> None:
    """Wait, and leave a line before and after it."""
    for word in ("begins", "ends"):
        if marker:
            with open(marker, "a") as file:
                file.write(f"{word} {os.getpid()}\\n")
        time.sleep(seconds if word == "begins" else 0)
    ctx.show({"text": ["waited"]})
'''


class Program:
    """`main.py serve` as a process."""

    def __init__(self, data_dir: Path, port: int, *flags: str) -> None:
        self.port = port
        command = [
            sys.executable,
            "main.py",
            "serve",
            "--port",
            str(port),
            "--data-dir",
            str(data_dir),
            "--cpu",
            *flags,
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def wait(self, condition: Any, what: str, within: float = 60.0) -> Any:
        end = time.monotonic() + within
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                found = condition()
                if found:
                    return found
            assert self.process.poll() is None, f"the server ended: {self.process.stdout.read()}"
            time.sleep(0.05)
        raise AssertionError(f"{what} did not happen within {within} s")

    def up(self) -> None:
        self.wait(lambda: "slow_pack.wait" in self.get("/object_info"), "loading the pack")

    def history(self, job: str) -> dict[str, Any]:
        return self.wait(lambda: self.get(f"/history/{job}").get(job), f"job {job}")

    def workers(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "worker" in child.cmdline()]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.stdout.close()


def folder(data_dir: Path) -> Path:
    """A data folder with a picture and the slow pack."""
    from PIL import Image

    packs = data_dir / "custom_nodes" / "slow_pack"
    packs.mkdir(parents=True)
    (packs / "__init__.py").write_text(SLOW_PACK)
    (data_dir / "input").mkdir()
    Image.new("RGB", (32, 24), "red").save(data_dir / "input" / "red.png")
    return data_dir


@pytest.fixture
def data(data_dir: Path) -> Path:
    return folder(data_dir)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def port() -> int:
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def program(shared: Path) -> Iterator[Program]:
    """One server for several tests: bringing torch up takes longest."""
    program = Program(shared, free_port())
    try:
        program.up()
        yield program
    finally:
        program.stop()


def slow(seconds: float = 0.0, marker: str = "", salt: int = 0) -> dict[str, Any]:
    return {"1": {"class_type": "slow_pack.wait", "inputs": {"seconds": seconds, "marker": marker, "salt": salt}}}


COPY = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "red.png"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "real"}},
}


async def test_a_real_job_runs_over_http_and_websocket(program: Program, shared: Path) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{program.port}") as session:
        async with session.ws_connect("/ws?clientId=me") as socket:
            async with session.post("/prompt", json={"prompt": COPY, "client_id": "me"}) as answer:
                job = (await answer.json())["prompt_id"]
            kinds = []
            while True:
                message = json.loads((await socket.receive(timeout=60)).data)
                kinds.append(message["type"])
                if message["data"].get("node", "") is None:
                    break
        async with session.get(f"/history/{job}") as answer:
            entry = (await answer.json())[job]
        image = entry["outputs"]["3"]["images"][0]
        async with session.get("/view", params=image) as answer:
            picture = await answer.read()

    assert kinds[0] == "status" and kinds[-3:] == ["execution_success", "status", "executing"]
    assert entry["status"]["status_str"] == "success"
    assert picture.startswith(b"\x89PNG") and (shared / "output" / image["filename"]).read_bytes() == picture
    explained = program.get(f"/api/v1/jobs/{job}/explain")["nodes"]
    assert {item["node"] for item in explained} == {"1", "3"} and all(item["reasons"] for item in explained)


def test_a_job_survives_the_sudden_death_of_its_worker(program: Program, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    job = program.post("/prompt", {"prompt": slow(1.0, str(marker))})["prompt_id"]
    program.wait(marker.exists, "the slow node")
    os.kill(int(marker.read_text().split()[1]), signal.SIGKILL)
    entry = program.history(job)
    detail = program.get(f"/api/v1/jobs/{job}")["job"]

    assert entry["status"]["status_str"] == "success"
    assert (detail["attempt"], detail["deaths"]) == (2, 1)
    lines = [line.split() for line in marker.read_text().splitlines()]
    assert [word for word, _ in lines] == ["begins", "begins", "ends"]
    assert lines[0][1] != lines[1][1] == lines[2][1]


def test_sigterm_lets_the_running_job_end(program: Program, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    program.post("/prompt", {"prompt": slow(1.0, str(marker), 1)})
    program.wait(marker.exists, "the slow node")

    assert program.stop() == 0
    assert marker.read_text().splitlines()[-1].startswith("ends")


def test_queue_and_running_job_survive_the_sudden_death_of_the_server(data: Path, port: int, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    first = Program(data, port, "--no-warm-up")
    try:
        first.up()
        running = first.post("/prompt", {"prompt": slow(1.0, str(marker))})["prompt_id"]
        queued = [first.post("/prompt", {"prompt": slow(salt=n)})["prompt_id"] for n in range(1, 4)]
        first.wait(marker.exists, "the slow node")
        workers = first.workers()
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(10)
        _, alive = psutil.wait_procs(workers, timeout=10)
        second = Program(data, port, "--no-warm-up")  # the same port, at once
        try:
            entries = [second.history(job) for job in (running, *queued)]
            order = list(second.get("/history"))
        finally:
            second.stop()
    finally:
        first.stop()

    assert workers and not alive
    assert [entry["status"]["status_str"] for entry in entries] == ["success"] * 4
    assert order == [running, *queued]


def test_object_info_is_served_before_torch_is_loaded(data: Path, port: int) -> None:
    program = Program(data, port)
    try:
        nodes = program.wait(lambda: program.get("/object_info"), "the first answer")
        versions = program.get("/system_stats")["system"]["pytorch_version"]
    finally:
        program.stop()

    assert "KSampler" in nodes
    assert versions == "", "torch was loaded before the catalogue was served"


def test_a_port_in_use_is_said_clearly(data: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        program = Program(data, port, "--no-warm-up")
        output, _ = program.process.communicate(timeout=60)

    assert program.process.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in output and "Traceback" not in output
