"""What durability costs, and how quick a long queue is.

Prints one JSON line a figure:

- a submission over HTTP, answered when it is on disk, against the same without a flush to disk, and against a server
  that keeps nothing; one client and sixteen at once
- with 10,000 queued jobs: claiming one, listing the first page, and moving one, on SQLite and, where its programs are
  installed, on PostgreSQL

    python benchmarks/server/bench_store.py [--submissions 400] [--queued 10000]
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
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from sqlalchemy import event

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from server import assembly  # noqa: E402
from server.pools.fake import FakeLauncher  # noqa: E402
from server.pools.framed import FramedPool  # noqa: E402
from server.settings import Settings  # noqa: E402
from server.store.control import QueueControl  # noqa: E402
from server.store.database import Database, open_database  # noqa: E402
from server.store.jobs import JobTable  # noqa: E402
from server.store.reads import JobReads  # noqa: E402
from server.store.rows import NewJob, Submitted  # noqa: E402
from server.store.writer import Writer  # noqa: E402
from tests.server.store.cluster import Cluster, programs  # noqa: E402

GRAPH = {
    "0": {"class_type": "FakeSource", "inputs": {"value": 1}},
    **{str(number): {"class_type": "FakeImage", "inputs": {"image": ["0", 0]}} for number in range(1, 40)},
}
"""Forty nodes, as a usual workflow has."""
ROUNDS = 5
MOST_MS = 20.0


def say(figure: str, value: float, unit: str, **more: Any) -> None:
    """Print one figure."""
    print(json.dumps({"benchmark": f"store.{figure}", "value": round(value, 3), "unit": unit, **more}), flush=True)


class _Forgetful(JobTable):
    """Keeps nothing: what a submission costs besides storing it."""

    async def submit(self, new: NewJob) -> Submitted:
        return Submitted(new.id, new.number, False, {})


async def _without_flush(url: str) -> Database:
    """The database, told not to wait for the disk."""
    database = await open_database(url)
    await database.writer.dispose()

    @event.listens_for(database.writer.sync_engine, "connect")
    def relax(connection: Any, record: Any) -> None:
        connection.cursor().execute("PRAGMA synchronous=OFF")

    return database


@contextlib.asynccontextmanager
async def _server(folder: Path, **replaced: Any) -> AsyncIterator[str]:
    """A server whose queue is paused, parts of it replaced; yields its address."""
    before = {name: getattr(assembly, name) for name in replaced}
    for name, part in replaced.items():
        setattr(assembly, name, part)
    try:
        async with assembly.assemble(Settings(data_dir=folder), FramedPool(FakeLauncher(), 1)) as server:
            runner = web.AppRunner(server.app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession(address) as session, session.post("/api/v1/queue/pause") as answer:
                assert answer.status == 200, await answer.text()
            try:
                yield address
            finally:
                await runner.cleanup()
    finally:
        for name, part in before.items():
            setattr(assembly, name, part)


async def _submit(address: str, clients: int, total: int) -> float:
    """Milliseconds that a submission takes of the server's time."""
    body = json.dumps({"prompt": GRAPH, "client_id": "bench"}).encode()
    async with aiohttp.ClientSession(address, headers={"Content-Type": "application/json"}) as session:

        async def client(count: int) -> None:
            for _ in range(count):
                async with session.post("/prompt", data=body) as answer:
                    assert answer.status == 200, await answer.text()
                    await answer.read()

        await client(20)
        started = time.perf_counter()
        await asyncio.gather(*(client(total // clients) for _ in range(clients)))
        return (time.perf_counter() - started) * 1000 / total


async def durability(total: int) -> None:
    """The cost of a submission that is on disk, in turn with what it is compared with."""
    kinds: dict[str, dict[str, Any]] = {
        "durable": {},
        "without_flush": {"open_database": _without_flush},
        "kept_nowhere": {"JobTable": _Forgetful},
    }
    for clients in (16, 1):
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind, replaced in kinds.items():
                with tempfile.TemporaryDirectory(prefix="heddle-bench-") as folder:
                    async with _server(Path(folder), **replaced) as address:
                        times[kind].append(await _submit(address, clients, total))
        middle = {kind: round(statistics.median(values), 3) for kind, values in times.items()}
        ratio = middle["durable"] / middle["without_flush"]
        nothing = round(middle["durable"] / middle["kept_nowhere"], 3)
        say(f"durable_over_not_{clients}_clients", ratio, "ratio", target="<= 2", ms=middle, over_kept_nowhere=nothing)


async def long_queue(url: str, kind: str, count: int) -> None:
    """Claim, list and move with many queued jobs of several clients."""
    database = await open_database(url)
    writer = Writer(database, lambda events: None)
    await writer.start()
    table, reads = JobTable(writer), JobReads(database)
    control = QueueControl(writer, table.turns)
    prompt = json.dumps(GRAPH)
    try:
        for first in range(0, count, 500):
            await asyncio.gather(
                *(
                    table.submit(NewJob(f"j{n:06}", prompt, ("1",), "{}", float(n), n, f"client {n % 7}"))
                    for n in range(first, min(first + 500, count))
                )
            )
        moving = iter(range(count - 1, 0, -7))

        async def move() -> None:
            number = next(moving)
            await control.move(f"j{number:06}", before=f"j{count // 2 + number % 100:06}")

        await _measure(f"claim_of_{count}_{kind}", lambda: table.claim("bench", 60_000))
        await _measure(f"first_page_of_{count}_{kind}", lambda: reads.listing(["queued", "running"], 50, 0))
        await _measure(f"move_in_{count}_{kind}", move)
        await _measure(f"move_to_front_of_{count}_{kind}", lambda: control.move(f"j{next(moving):06}", to="front"))
    finally:
        await writer.close()
        await database.close()


async def _measure(name: str, once: Callable[[], Awaitable[Any]], rounds: int = 100) -> None:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        await once()
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    p99 = round(times[int(len(times) * 0.99) - 1], 3)
    say(name, statistics.median(times), "ms", p99=p99, target=f"<= {MOST_MS:g}")


async def main() -> None:
    """Run every figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--submissions", type=int, default=400)
    parser.add_argument("--queued", type=int, default=10_000)
    chosen = parser.parse_args()
    await durability(chosen.submissions)
    with tempfile.TemporaryDirectory(prefix="heddle-bench-") as folder:
        await long_queue(f"sqlite:///{folder}/jobs.sqlite3", "sqlite", chosen.queued)
    found = programs()
    if found is None:
        print("PostgreSQL is not installed; its figures are left out.", file=sys.stderr)
        return
    cluster = Cluster(found)
    try:
        cluster.start()
        await long_queue(cluster.new_database(), "postgresql", chosen.queued)
    finally:
        cluster.remove()


if __name__ == "__main__":
    asyncio.run(main())
