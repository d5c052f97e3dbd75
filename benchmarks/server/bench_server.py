"""How fast the server takes, runs and remembers work, and how fast it answers meanwhile.

Starts `main.py serve` on a data folder of its own and prints one JSON line a figure. The jobs need no model: a value
and a preview of it. Every submission is durable, and counted in history.

    python benchmarks/server/bench_server.py [--prompts 500] [--fake]

`--fake` uses the fake worker, so that only the server is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

READY_SECONDS = 300.0
"""How long workers may take until they can run jobs."""
FAKE_GRAPH = {
    "1": {"class_type": "FakeSource", "inputs": {"value": 1}},
    "2": {"class_type": "FakeSource", "inputs": {"value": 2}},
    "3": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
}

SATURATING = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "heddle-shapes-128.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red circle", "clip": ["1", 1]}},
    "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 128, "height": 128, "batch_size": 8}},
    "4": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0], "seed": 1,
            "steps": 1000, "cfg": 4.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        },
    },
    "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
    "6": {"class_type": "PreviewImage", "inputs": {"images": ["5", 0]}},
}  # fmt: skip
"""Keeps a worker at work for minutes."""


def say(figure: str, value: float, unit: str, **more: Any) -> None:
    """Print one figure."""
    print(json.dumps({"benchmark": f"server.{figure}", "value": round(value, 3), "unit": unit, **more}), flush=True)


@contextlib.asynccontextmanager
async def server_with_fake_workers(data: Path) -> AsyncIterator[str]:
    """The server in this process with fake workers; yields its address."""
    from server.assembly import assemble
    from server.pools.fake import FakeLauncher
    from server.pools.framed import FramedPool
    from server.settings import Settings

    async with assemble(Settings(data_dir=data), FramedPool(FakeLauncher(), 1)) as server:
        runner = web.AppRunner(server.app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def server_as_process(data: Path) -> AsyncIterator[str]:
    """The server and a real worker as processes; yields the address."""
    command = [
        sys.executable,
        "main.py",
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(data),
        "--cpu",
        "--verbose",
        "ERROR",
    ]
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().rsplit(" ", 1)[-1].strip()
    async with aiohttp.ClientSession(address) as session:
        async with session.get("/object_info") as answer:
            await answer.read()
        say("object_info_after_start", time.perf_counter() - started, "s", target="< 1")
        await _until_ready(session)
        say("ready_after_start", time.perf_counter() - started, "s")
    try:
        yield address
    finally:
        process.terminate()
        await process.wait()


async def _until_ready(session: aiohttp.ClientSession) -> None:
    """Wait until workers can run jobs, so that bringing up torch is not counted as work on prompts."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            async with session.get("/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.1)


async def prompts_per_second(address: str, graph: Any, clients: int, total: int) -> None:
    """From the first POST until every job is in history."""
    async with aiohttp.ClientSession(address) as session:
        socket = await session.ws_connect("/ws?clientId=bench")
        before = await _history_length(session)
        started = time.perf_counter()

        async def submit(count: int) -> None:
            for _ in range(count):
                async with session.post("/prompt", json={"prompt": graph, "client_id": "bench"}) as answer:
                    assert answer.status == 200, await answer.text()
                    await answer.read()

        async def listen() -> None:
            done = 0
            while done < total:
                message = await socket.receive()
                done += message.type is aiohttp.WSMsgType.TEXT and '"execution_success"' in message.data

        listening = asyncio.create_task(listen())
        await asyncio.gather(*(submit(total // clients) for _ in range(clients)))
        posted = time.perf_counter() - started
        await listening
        seconds = time.perf_counter() - started
        assert await _history_length(session) == before + total, "every job must be in history exactly once"
        await socket.close()
    say(f"prompts_per_second_{clients}_clients", total / seconds, "1/s", posted_per_second=round(total / posted, 1))


async def _history_length(session: aiohttp.ClientSession) -> int:
    async with session.get("/api/v1/jobs?limit=1&state=succeeded") as answer:
        return int((await answer.json())["total"])


async def latencies(address: str, path: str, name: str, count: int, **headers: str) -> None:
    """Median and 99th percentile of GET."""
    async with aiohttp.ClientSession(address, headers=headers) as session:
        times = []
        for _ in range(count):
            started = time.perf_counter()
            async with session.get(path) as answer:
                await answer.read()
            times.append((time.perf_counter() - started) * 1000)
    times.sort()
    say(name, statistics.median(times), "ms", p99=round(times[int(len(times) * 0.99) - 1], 3))


@contextlib.asynccontextmanager
async def busy(address: str, graph: Any) -> AsyncIterator[None]:
    """Run one long job meanwhile, and cancel it afterwards; without a graph, nothing runs."""
    if graph is None:
        yield
        return
    async with aiohttp.ClientSession(address) as session:
        async with session.post("/prompt", json={"prompt": graph}) as answer:
            assert answer.status == 200, await answer.text()
        while True:
            async with session.get("/queue") as answer:
                if (await answer.json())["queue_running"]:
                    break
            await asyncio.sleep(0.05)
        yield
        await session.post("/interrupt")


async def idle_sockets(address: str, graph: Any, count: int, rounds: int = 30) -> None:
    """What connected clients that have nothing to do with it add to one prompt."""

    async def median(session: aiohttp.ClientSession) -> float:
        socket = await session.ws_connect("/ws?clientId=lonely")
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            async with session.post("/prompt", json={"prompt": graph, "client_id": "lonely"}) as answer:
                await answer.read()
            while True:
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT and '"node":null' in message.data:
                    break
            times.append((time.perf_counter() - started) * 1000)
        await socket.close()
        return statistics.median(times)

    async with aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(limit=0)) as session:
        alone = await median(session)
        sockets = [await session.ws_connect(f"/ws?clientId=idle{number}") for number in range(count)]
        together = await median(session)
        await asyncio.gather(*(socket.close() for socket in sockets))
    say(f"{count}_idle_sockets_add", together - alone, "ms", alone=round(alone, 3), together=round(together, 3))


async def main() -> None:
    """Run every figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prompts", type=int, default=480)
    parser.add_argument("--fake", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heddle-bench-") as folder:
        data = Path(folder)
        serve = server_with_fake_workers if chosen.fake else server_as_process
        async with serve(data) as address:
            graph: Any = FAKE_GRAPH
            if not chosen.fake:
                graph = await _real_graph(data)
            await prompts_per_second(address, graph, 1, 16)  # warm up
            await prompts_per_second(address, graph, 1, chosen.prompts)
            await prompts_per_second(address, graph, 16, chosen.prompts)
            await latencies(address, "/object_info", "object_info", 200)
            await latencies(address, "/object_info", "object_info_gzip", 200, **{"Accept-Encoding": "gzip"})
            async with busy(address, None if chosen.fake else SATURATING):
                await latencies(address, "/queue", "queue_while_a_job_runs", 200)
            await idle_sockets(address, graph, 200)


async def _real_graph(data: Path) -> Any:
    from PIL import Image

    Image.new("RGB", (16, 16), "red").save(data / "input" / "red.png")
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "red.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }


if __name__ == "__main__":
    asyncio.run(main())
