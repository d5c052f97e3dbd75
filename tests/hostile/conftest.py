"""Server processes to attack, and raw requests that no polite client would send."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


PACK = '''
"""A pack with a slow node, a loud node and a web folder."""
import time

from server import PromptServer

class Slow:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "seconds": ("FLOAT", {"default": 0.0})}}
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"
    CATEGORY = "test"
    def run(self, image, seconds):
        time.sleep(seconds)
        return (image,)

class Shout:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"times": ("INT", {"default": 1, "max": 100000}), "size": ("INT", {"max": 10000000})}}
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True
    CATEGORY = "test"
    def run(self, times, size):
        for number in range(times):
            PromptServer.instance.send_sync("shout", {"number": number, "noise": "x" * size})
        return {"ui": {"text": ["done"]}}

class Paid:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"fails": ("BOOLEAN", {"default": False})},
                "hidden": {"key": "API_KEY_COMFY_ORG", "token": "AUTH_TOKEN_COMFY_ORG"}}
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    CATEGORY = "test"
    def run(self, fails, key=None, token=None):
        print("a paid service is asked")
        if fails:
            raise RuntimeError("the service refused")
        return (len(key or "") * 1000 + len(token or ""),)

NODE_CLASS_MAPPINGS = {"Slow": Slow, "Shout": Shout, "Paid": Paid}
WEB_DIRECTORY = "web"
'''


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Attacked:
    """`main.py serve` as a process on a loopback port.

    Args:
        data_dir: its data folder.
        flags: further flags.
    """

    def __init__(self, data_dir: Path, *flags: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.log_file = data_dir.parent / f"{data_dir.name}.log"
        address = [] if "--host" in flags else ["--host", "127.0.0.1"]
        command = [sys.executable, "main.py", "serve", *address, "--port", str(self.port), "--data-dir", str(data_dir)]
        pack = data_dir / "custom_nodes" / "hostile_pack"
        (pack / "web").mkdir(parents=True)
        (pack / "__init__.py").write_text(PACK)
        (pack / "web" / "ours.js").write_text("export const ours = true;")
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--cpu", *flags],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it wrote to the terminal so far."""
        return self.log_file.read_text(errors="replace")

    def request(
        self, method: str, path: str, body: bytes | None = None, timeout: float = 30.0, **headers: str
    ) -> Answer:
        """Send one request as it is; header names are given with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.putrequest(method, path, skip_host="Host" in named, skip_accept_encoding=True)
            for name, value in named.items():
                connection.putheader(name, value)
            if body is not None and "Content-Length" not in named:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """POST JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data, **{"Content_Type": "application/json", **headers})

    def upload(
        self, name: str, data: bytes, path: str = "/upload/image", headers: dict[str, str] | None = None, **fields: str
    ) -> Answer:
        """POST a multipart form with one file in the part `image`."""
        edge = "hostile-boundary"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'.encode(
            "latin-1", "ignore"
        )
        body = b"".join(parts) + head + data + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        return self.request("POST", path, body, **{"Content_Type": kind, **(headers or {})})

    def run(self, graph: dict[str, Any], headers: dict[str, str] | None = None, **more: Any) -> str:
        """Submit a graph and return the job's id."""
        answer = self.post("/prompt", {"prompt": graph, **more}, **(headers or {}))
        assert answer.status == 200, answer.body
        job: str = answer.json["prompt_id"]
        return job

    def history(self, job: str, within: float = 60.0, **headers: str) -> dict[str, Any]:
        """Wait for the end of a job."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            entry: dict[str, Any] | None = self.get(f"/history/{job}", **headers).json.get(job)
            if entry is not None:
                return entry
            time.sleep(0.05)
        raise AssertionError(f"job {job} did not end within {within} s\n{self.log}")

    def wait(self, path: str = "/readyz", within: float = 90.0, **headers: str) -> None:
        """Wait until a path answers 200."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            assert self.process.poll() is None, f"the server ended:\n{self.log}"
            with contextlib.suppress(OSError):
                if self.get(path, **headers).status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{path} did not answer 200 within {within} s\n{self.log}")

    def end(self) -> None:
        """Stop it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Attacked]]:
    """Start servers with other flags: `attack("--token", "s3cret")`; they end with the module."""
    started: list[Attacked] = []

    def start(*flags: str) -> Attacked:
        server = Attacked(tmp_path_factory.mktemp("server") / "data", *flags)
        started.append(server)
        return server

    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """One server without special flags for all tests, ready to run jobs. Whoever breaks it fails the next test."""
    server = Attacked(tmp_path_factory.mktemp("victim") / "data")
    try:
        server.wait()
        server.wait("/extensions/hostile_pack/ours.js")
        yield server
    finally:
        server.end()


@pytest.fixture(autouse=True)
def _still_serving(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each attack on the shared server it answers as before, and has noted no failure of its own."""
    if "victim" not in request.fixturenames:
        yield
        return
    server: Attacked = request.getfixturevalue("victim")
    before = len(server.log)
    yield
    said = server.log[before:]
    assert server.process.poll() is None, f"the server ended:\n{said[-4000:]}"
    assert server.get("/healthz").status == 200
    assert "Traceback" not in said, said[-4000:]
