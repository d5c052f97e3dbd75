"""An established client, as far as tests need one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.conformance.program import Host

Graph = dict[str, dict[str, Any]]


def node(kind: str, /, **inputs: Any) -> dict[str, Any]:
    """A node of an API prompt."""
    return {"class_type": kind, "inputs": inputs}


def kinds(heard: list[Any]) -> list[str]:
    """Types of messages; binary ones as `binary N`."""
    return [item["type"] if isinstance(item, dict) else f"binary {struct.unpack('>I', item[:4])[0]}" for item in heard]


def identity(name: str) -> dict[str, Any]:
    """The four ids of a node that stands in the submitted prompt itself."""
    return {"node_id": name, "display_node_id": name, "parent_node_id": None, "real_node_id": name}


@dataclass
class Listener:
    """A connected websocket client that keeps what it hears."""

    sid: str
    socket: aiohttp.ClientWebSocketResponse
    heard: list[Any] = field(default_factory=list)

    async def next(self, within: float = 20.0) -> Any:
        """The next message: a parsed text, or bytes."""
        message = await asyncio.wait_for(self.socket.receive(), within)
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        found = json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else message.data
        self.heard.append(found)
        return found

    async def until(self, kind: str, within: float = 20.0, **data: Any) -> dict[str, Any]:
        """Listen until an event of a kind whose data hold these values."""
        async with asyncio.timeout(within):
            while True:
                found = await self.next(within)
                if isinstance(found, dict) and found["type"] == kind and data.items() <= found["data"].items():
                    return found["data"]

    async def run(self, within: float = 20.0) -> list[Any]:
        """Everything up to the last message of a run."""
        start = len(self.heard)
        await self.until("executing", within, node=None)
        return self.heard[start:]

    async def quiet(self, seconds: float = 0.3) -> list[Any]:
        """What is heard within a time, without the lengths of the queue."""
        start = len(self.heard)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self.next()
        return [item for item in self.heard[start:] if not (isinstance(item, dict) and item["type"] == "status")]


@dataclass
class Client:
    """An established client."""

    host: Host
    session: aiohttp.ClientSession

    async def get(self, path: str, status: int = 200, **options: Any) -> Any:
        """GET JSON, or nothing where the status says that there is none."""
        async with self.session.get(self.host.url + path, **options) as answer:
            assert answer.status == status, (answer.status, await answer.text())
            body = await answer.text()
            return json.loads(body) if answer.content_type == "application/json" else body

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str, Any]:
        """Status, body as text, headers."""
        async with self.session.request(method, self.host.url + path, **options) as answer:
            return answer.status, (await answer.read()).decode("utf-8", "replace"), answer.headers

    async def post(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        """POST JSON."""
        async with self.session.post(self.host.url + path, json=body, **options) as answer:
            text = await answer.text()
            assert answer.status == status, (answer.status, text)
            return json.loads(text) if text and answer.content_type == "application/json" else text

    async def queue(self, graph: Graph, **more: Any) -> str:
        """Submit; the id of the job."""
        return str((await self.post("/prompt", {"prompt": graph, **more}))["prompt_id"])

    async def refused(self, graph: Any, **more: Any) -> dict[str, Any]:
        """Submit what must be refused."""
        found = await self.post("/prompt", {"prompt": graph, **more}, 400)
        assert set(found) == {"error", "node_errors"}
        return dict(found)

    async def finished(self, job: str, within: float = 30.0) -> dict[str, Any]:
        """The history entry of a job, once it is there."""
        async with asyncio.timeout(within):
            while True:
                found = await self.get(f"/history/{job}")
                if found:
                    assert list(found) == [job]
                    return dict(found[job])
                await asyncio.sleep(0.02)

    async def run(self, graph: Graph, **more: Any) -> dict[str, Any]:
        """Submit and wait; the history entry."""
        return await self.finished(await self.queue(graph, **more))

    async def shown(self, graph: Graph, node: str, key: str = "text", **more: Any) -> Any:
        """Run with success; what a node shows."""
        entry = await self.run(graph, **more)
        assert entry["status"]["status_str"] == "success", entry["status"]
        return entry["outputs"][node][key]

    async def failure(self, graph: Graph, **more: Any) -> dict[str, Any]:
        """Run what must fail; the data of `execution_error`."""
        entry = await self.run(graph, **more)
        assert entry["status"]["status_str"] == "error", entry
        kind, data = entry["status"]["messages"][-1]
        assert kind == "execution_error", entry["status"]
        return dict(data)

    @contextlib.asynccontextmanager
    async def listen(self, sid: str | None = None, flags: bool = False) -> AsyncIterator[Listener]:
        """Connect a websocket and take its greeting."""
        sid = sid or uuid.uuid4().hex
        async with self.session.ws_connect(f"{self.host.url}/ws?clientId={sid}", max_msg_size=0) as ws:
            listener = Listener(sid, ws)
            greeting = await listener.next()
            assert greeting["type"] == "status" and greeting["data"]["sid"] == sid
            if flags:
                await ws.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
                await listener.until("feature_flags")
            yield listener
