"""A server in this process with fake workers, a client for it, and what tests ask of both."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from server.assembly import Server, assemble
from server.pools.fake import FakeLauncher
from server.pools.framed import Deadlines, FramedPool
from server.settings import Settings

QUICK = Deadlines(hello=10.0, cancel=0.5, silence=5.0, ping=1.0, backoff=0.1)


@dataclass
class Bench:
    """A running server and a client of it."""

    settings: Settings
    server: Server
    client: TestClient[Any, Any]
    launcher: FakeLauncher
    pool: FramedPool

    async def prompt(self, graph: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Submit and return the answer of a success."""
        answer = await self.client.post("/prompt", json={"prompt": graph, **more})
        body = await answer.json()
        assert answer.status == 200, body
        return body

    async def finished(self, job: str, within: float = 10.0) -> dict[str, Any]:
        """Wait for a job's history entry."""
        async with asyncio.timeout(within):
            while True:
                entry = (await self.json(f"/history/{job}")).get(job)
                if entry is not None:
                    return entry
                await asyncio.sleep(0.01)

    async def state(self, job: str) -> str:
        """The state of a job."""
        return (await self.json(f"/api/v1/jobs/{job}"))["job"]["state"]

    async def until(self, job: str, state: str, within: float = 10.0) -> None:
        """Wait until a job is in a state."""
        async with asyncio.timeout(within):
            while await self.state(job) != state:  # noqa: ASYNC110 - over HTTP there is nothing to wait for
                await asyncio.sleep(0.01)

    async def json(self, path: str, **more: Any) -> Any:
        """GET and parse a success."""
        answer = await self.client.get(path, **more)
        assert answer.status == 200, await answer.text()
        return await answer.json()


@contextlib.asynccontextmanager
async def running(settings: Settings, workers: int = 1) -> AsyncIterator[Bench]:
    """Run a server with fake workers."""
    launcher = FakeLauncher()
    pool = FramedPool(launcher, workers, QUICK)
    async with assemble(settings, pool) as server:
        async with TestClient(TestServer(server.app)) as client:
            yield Bench(settings, server, client, launcher, pool)


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    """Settings of a server with a data folder of its own."""
    return Settings(data_dir=data_dir)


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    """A running server with one fake worker."""
    async with running(settings) as bench:
        yield bench


@pytest.fixture
def start(settings: Settings) -> Callable[..., Any]:
    """Start a server with other settings: `async with start(token="x") as bench`."""

    def with_settings(workers: int = 1, **changes: Any) -> Any:
        return running(replace(settings, **changes), workers)

    return with_settings


@dataclass
class Listener:
    """A connected websocket."""

    socket: aiohttp.ClientWebSocketResponse
    sid: str

    async def next(self, within: float = 5.0) -> Any:
        """The next message: a parsed text, or bytes."""
        message = await self.socket.receive(timeout=within)
        if message.type is aiohttp.WSMsgType.TEXT:
            return json.loads(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            return message.data
        raise ConnectionError(f"the socket ended: {message}")

    async def until(self, kind: str) -> list[Any]:
        """Messages up to the first one of a type."""
        messages = [await self.next()]
        while not (isinstance(messages[-1], dict) and messages[-1]["type"] == kind):
            messages.append(await self.next())
        return messages

    async def until_idle(self, job: str) -> list[Any]:
        """Messages up to the last one of a run."""
        messages = []
        while True:
            message = await self.next()
            messages.append(message)
            if message == {"type": "executing", "data": {"node": None, "prompt_id": job}}:
                return messages


@pytest.fixture
def listen(bench: Bench) -> Callable[..., Awaitable[Listener]]:
    """Connect a websocket: `await listen("client-id")`."""

    async def connect(client_id: str = "me", metadata: bool = False) -> Listener:
        socket = await bench.client.ws_connect(f"/ws?clientId={client_id}")
        first = json.loads((await socket.receive(timeout=5)).data)
        if metadata:
            await socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
            await socket.receive(timeout=5)
        return Listener(socket, first["data"]["sid"])

    return connect


@pytest.fixture
def picture() -> dict[str, Any]:
    """A graph that shows one picture."""
    return {
        "1": {"class_type": "FakeSource", "inputs": {"value": 5}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
    }


@pytest.fixture
def waiting() -> Callable[[float, int], dict[str, Any]]:
    """A graph that waits: `waiting(seconds, steps)`."""

    def graph(seconds: float, steps: int = 1) -> dict[str, Any]:
        return {
            "1": {"class_type": "FakeWait", "inputs": {"seconds": seconds, "steps": steps}},
            "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
        }

    return graph
