"""Queue control over our own API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest


@pytest.fixture
async def paused(bench: Any) -> Any:
    """A server whose queue is paused."""
    assert (await bench.client.post("/api/v1/queue/pause")).status == 200
    return bench


async def post(bench: Any, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await bench.client.post(f"/api/v1{path}", json=body)
    data = await answer.json()
    assert answer.status == status, data
    return data


async def fill(bench: Any, graph: dict[str, Any], *ids: str, **more: Any) -> None:
    for name in ids:
        await post(bench, "/jobs", {"prompt": graph, "id": name, **more}, 202)


async def order(bench: Any) -> list[str]:
    return [job["id"] for job in (await bench.json("/api/v1/jobs?state=queued"))["jobs"]]


async def test_a_paused_queue_holds_jobs_until_it_is_resumed(paused, picture) -> None:
    await fill(paused, picture, "a")
    standing = await paused.json("/api/v1/queue")
    await post(paused, "/queue/resume")
    await paused.until("a", "succeeded")

    assert standing == {"paused": True, "queued": 1, "running": 0}
    assert (await paused.json("/api/v1/queue"))["paused"] is False


async def test_a_paused_server_is_paused_after_a_restart(start, picture) -> None:
    async with start() as first:
        await post(first, "/queue/pause")
        await fill(first, picture, "a")
    async with start() as second:
        assert (await second.json("/api/v1/queue")) == {"paused": True, "queued": 1, "running": 0}


async def test_jobs_are_reordered_and_prioritised(paused, picture) -> None:
    await fill(paused, picture, "a", "b", "c", "d")
    await post(paused, "/jobs/d/move", {"before": "b"})
    await post(paused, "/jobs/a/move", {"to": "back"})
    moved = await post(paused, "/jobs/c/priority", {"priority": 7})
    await fill(paused, picture, "e", priority=3)

    assert await order(paused) == ["c", "e", "d", "b", "a"]
    assert (moved["id"], moved["priority"]) == ("c", 7)
    assert [item[1] for item in (await paused.json("/queue"))["queue_pending"]] == ["c", "e", "d", "b", "a"]


@pytest.mark.parametrize("body", [{}, {"before": "a", "to": "front"}, {"to": "middle"}, {"before": ""}])
async def test_a_place_that_is_no_place_is_refused(paused, picture, body) -> None:
    await fill(paused, picture, "a")

    assert (await post(paused, "/jobs/a/move", body, 422))["problems"]


async def test_only_queued_jobs_can_be_moved_and_only_finished_ones_forgotten(paused, picture) -> None:
    await fill(paused, picture, "a")

    assert (await post(paused, "/jobs/x/move", {"to": "front"}, 404))["problems"][0]["code"] == "no_such_job"
    assert (await paused.client.delete("/api/v1/jobs/a")).status == 409
    await post(paused, "/jobs/a/cancel")
    assert (await post(paused, "/jobs/a/move", {"to": "front"}, 409))["problems"][0]["code"] == "not_queued"
    assert (await paused.client.delete("/api/v1/jobs/a")).status == 200
    assert (await paused.json("/api/v1/jobs"))["total"] == 0


async def test_all_jobs_are_cancelled_running_ones_too(bench, waiting, picture) -> None:
    await fill(bench, waiting(30.0, 100), "running")
    await bench.until("running", "running")
    await fill(bench, picture, "a", "b")
    changed = await post(bench, "/jobs/cancel", {"states": ["queued", "running"]})
    await bench.until("running", "cancelled")

    assert sorted(changed["ids"]) == ["a", "b", "running"]
    assert (await bench.json("/api/v1/jobs"))["counts"] == {"cancelled": 3}


async def test_cancelled_jobs_are_queued_again_together_and_then_forgotten(paused, picture) -> None:
    await fill(paused, picture, "a", "b", "c")
    assert (await post(paused, "/jobs/cancel", {"ids": ["b", "a", "x"]}))["ids"] == ["a", "b"]
    assert (await post(paused, "/jobs/retry", {"states": ["cancelled"]}))["ids"] == ["a", "b"]
    assert await order(paused) == ["c", "a", "b"]
    await post(paused, "/jobs/cancel", {"states": ["queued"]})
    assert len((await post(paused, "/jobs/forget", {"states": ["cancelled"]}))["ids"]) == 3
    assert (await post(paused, "/jobs/retry", {}, 422))["problems"]


async def test_one_clients_many_jobs_do_not_starve_anothers_one(paused, picture) -> None:
    await fill(paused, picture, *(f"many{n}" for n in range(30)), client_id="greedy")
    await fill(paused, picture, "one", client_id="modest")

    assert (await order(paused)).index("one") <= 1


async def test_a_job_is_named_after_its_document_or_as_it_was_told(paused, picture) -> None:
    nodes = {"1": {"type": "FakeSource"}, "2": {"type": "FakeImage", "inputs": {"image": {"link": ["1", "IMAGE"]}}}}
    document = {"format": "heddle-workflow", "version": 1, "name": "Red ships", "nodes": nodes}
    await post(paused, "/jobs", {"document": document, "id": "a"}, 202)
    await fill(paused, picture, "b", name="My own")
    await fill(paused, picture, "c")
    jobs = (await paused.json("/api/v1/jobs?order=oldest"))["jobs"]
    found = (await paused.json("/api/v1/jobs?q=red"))["jobs"]

    assert [job["name"] for job in jobs] == ["Red ships", "My own", None]
    assert [job["id"] for job in found] == ["a"]


async def test_a_key_with_another_priority_is_another_body(paused, picture) -> None:
    await fill(paused, picture, "a")
    await fill(paused, picture, "a")

    body = {"prompt": picture, "id": "a", "priority": 2}
    assert (await post(paused, "/jobs", body, 409))["problems"][0]["code"] == "key_in_use"


async def test_old_history_is_dropped_as_the_settings_say(start, picture) -> None:
    async with start() as first:
        for name in ("a", "b", "c"):
            await fill(first, picture, name)
            await first.until(name, "succeeded")
    async with start(keep_jobs=1) as second:
        await until_there_are(second, ["c"])
    async with start(keep_days=1e-9, keep_jobs=100) as third:
        await until_there_are(third, [])


async def until_there_are(bench: Any, ids: list[str]) -> None:
    async with asyncio.timeout(5):
        while [job["id"] for job in (await bench.json("/api/v1/jobs"))["jobs"]] != ids:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.02)
