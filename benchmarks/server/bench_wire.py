"""What a node costs from POST to success over the websocket: everything between a client and the engine and back.

    python benchmarks/server/bench_wire.py [--largest 10000] [--rounds 3]

Starts `main.py serve` with a pack of trivial nodes in the established class convention, and prints one JSON line a
shape and size: microseconds a node, the best of the rounds, for a graph that is new, the same again, and the same with
one node added; and the bytes of all messages of the cold run. Goals at 1,000 nodes: cold ≤ 150, cached ≤ 20, edited
≤ 25, messages ≤ 1 MB; and the same per node for a chain, a fan and a binary join at every size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.server.bench_server import server_as_process

PACK = """
class Start:
    CATEGORY, FUNCTION, RETURN_TYPES = "bench", "run", ("INT",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT", {"default": 0, "min": -(2**53), "max": 2**53})}}

    def run(self, value):
        return (value,)


class Add(Start):
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT", {"forceInput": True}), "b": ("INT", {"min": -(2**53), "max": 2**53})}}

    def run(self, a, b):
        return (a + b,)


class End(Start):
    RETURN_TYPES, OUTPUT_NODE = (), True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT", {"forceInput": True})}}

    def run(self, value):
        return {"ui": {"value": [value]}}


NODE_CLASS_MAPPINGS = {"BenchStart": Start, "BenchAdd": Add, "BenchEnd": End}
"""
Prompt = dict[str, dict[str, Any]]


def _node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": f"Bench{kind}", "inputs": inputs}


def chain(count: int, seed: int) -> Prompt:
    """Each node feeds the next."""
    nodes = {str(i): _node("Add", a=[str(i - 1), 0], b=i) for i in range(1, count - 1)}
    return {"0": _node("Start", value=seed), **nodes, "end": _node("End", value=[str(count - 2), 0])}


def fan(count: int, seed: int) -> Prompt:
    """One node feeds all others, and each of them is shown."""
    middle = range(1, count // 2)
    nodes = {str(i): _node("Add", a=["0", 0], b=i) for i in middle}
    ends = {f"end{i}": _node("End", value=[str(i), 0]) for i in middle}
    return {"0": _node("Start", value=seed), **nodes, **ends, "end": _node("End", value=["0", 0])}


def join(count: int, seed: int) -> Prompt:
    """A binary tree: every node adds two others."""
    nodes: Prompt = {"end": _node("End", value=["0", 0])}
    for i in range(count - 1):
        left, right = 2 * i + 1, 2 * i + 2
        leaf = right >= count - 1
        nodes[str(i)] = _node("Start", value=seed + i) if leaf else _node("Add", a=[str(left), 0], b=[str(right), 0])
    return nodes


SHAPES = {"chain": chain, "fan": fan, "join": join}


async def run(
    session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, prompt: Prompt
) -> tuple[float, int]:
    """Seconds from POST to success, and the bytes of all messages."""
    body = json.dumps({"prompt": prompt, "client_id": "bench"}).encode()
    size = 0
    started = time.perf_counter()
    async with session.post("/prompt", data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 200, await answer.text()
        job = (await answer.json())["prompt_id"]
    while True:
        message = await socket.receive(timeout=600)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        size += len(message.data)
        if '"execution_success"' in message.data and job in message.data:
            return time.perf_counter() - started, size
        assert '"execution_error"' not in message.data, message.data


async def measure(address: str, shape: str, count: int, rounds: int) -> dict[str, Any]:
    """The figures of one shape and size."""
    best: dict[str, float] = {}
    sizes: list[int] = []
    async with aiohttp.ClientSession(address) as session:
        socket = await session.ws_connect("/ws?clientId=bench", max_msg_size=0)
        for number in range(rounds):
            prompt = SHAPES[shape](count, (number + 1) * 10_000_000 + count)
            edited = {**prompt, "extra": _node("Start", value=number), "shown": _node("End", value=["extra", 0])}
            for name, graph in [("cold", prompt), ("cached", prompt), ("edited", edited)]:
                seconds, size = await run(session, socket, graph)
                spent = round(seconds / len(graph) * 1e6, 2)
                best[name] = min(best.get(name, spent), spent)
                if name == "cold":
                    sizes.append(size)
        await socket.close()
    figures = {"shape": shape, "nodes": len(prompt), **best, "message_bytes": max(sizes)}
    return {"benchmark": "server.wire", "unit": "µs per node", **figures}


async def main() -> None:
    """Run every shape and size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--largest", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heddle-bench-") as folder:
        data = Path(folder)
        (data / "custom_nodes").mkdir()
        (data / "custom_nodes" / "bench.py").write_text(PACK)
        async with server_as_process(data) as address:
            for count in [size for size in (10, 100, 1_000, 10_000, 100_000) if size <= chosen.largest]:
                for shape in SHAPES:
                    rounds = chosen.rounds if count < 100_000 else 1
                    print(json.dumps(await measure(address, shape, count, rounds)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
