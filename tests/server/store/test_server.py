"""A whole server on PostgreSQL, which is restarted while clients submit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from server.settings import Settings
from tests.server.conftest import running
from tests.server.store.cluster import Cluster

PICTURE = {
    "1": {"class_type": "FakeSource", "inputs": {"value": 5}},
    "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
}


async def _submit(bench: Any, accepted: list[str], first: int, stop: asyncio.Event) -> None:
    number = first
    while not stop.is_set():
        answer = await bench.client.post("/prompt", json={"prompt": PICTURE, "prompt_id": f"j{number}"})
        assert answer.status == 200, await answer.text()
        accepted.append(f"j{number}")
        number += 4
        await asyncio.sleep(0.02)


async def test_nothing_accepted_is_lost_when_postgresql_restarts_under_load(cluster: Cluster, data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, database=cluster.new_database())
    accepted: list[str] = []
    stop = asyncio.Event()
    async with running(settings, 2) as bench:
        submitting = [asyncio.create_task(_submit(bench, accepted, first, stop)) for first in range(4)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(cluster.stop)
        await asyncio.to_thread(cluster.start)
        await asyncio.sleep(0.3)
        stop.set()
        await asyncio.gather(*submitting)
        async with asyncio.timeout(60):
            while (await bench.json("/prompt"))["exec_info"]["queue_remaining"]:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.05)
        history = await bench.json("/history")
        counts = (await bench.json("/api/v1/jobs"))["counts"]

    assert set(history) == set(accepted) and len(accepted) == len(set(accepted)) > 4
    assert counts == {"succeeded": len(accepted)}


async def test_the_queue_of_a_server_on_postgresql_survives_it(cluster: Cluster, data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, database=cluster.new_database())
    async with running(settings) as first:
        await first.client.post("/api/v1/queue/pause")
        for name in ("a", "b"):
            await first.prompt(PICTURE, prompt_id=name)
    async with running(settings) as second:
        assert (await second.json("/api/v1/queue")) == {"paused": True, "queued": 2, "running": 0}
        await second.client.post("/api/v1/queue/resume")
        for name in ("a", "b"):
            await second.until(name, "succeeded")
        assert list(await second.json("/object_info")) != []
