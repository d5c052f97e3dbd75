"""`/queue`, `/interrupt`, `/free` and `/history` (protocol §1.3, §1.4)."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client, Graph, node


def slow(seconds: float = 5.0, **more: Any) -> Graph:
    """A prompt that takes a while, and is never cached."""
    return {
        "1": node("ProbeSleep", seconds=seconds, value=uuid.uuid4().hex),
        "2": node("ProbeShow", value=["1", 0]),
        **more,
    }


async def running(client: Client, job: str) -> None:
    """Wait until a job runs."""
    async with asyncio.timeout(20):
        while [item[1] for item in (await client.get("/queue"))["queue_running"]] != [job]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_queue_shows_five_element_arrays(client: Client) -> None:
    first = await client.queue(slow(), client_id="me")
    await running(client, first)
    second = await client.queue({"7": node("ProbeShow", value="x")}, number=-1.5, extra_data={"a": 1})

    queue = await client.get("/queue")

    assert set(queue) == {"queue_running", "queue_pending"}
    number, job, prompt, extra, outputs = queue["queue_running"][0]
    assert (type(number), job, extra, outputs) == (int, first, {"client_id": "me"}, ["2"])
    assert prompt["2"] == {"inputs": {"value": ["1", 0]}, "class_type": "ProbeShow"}
    assert queue["queue_pending"] == [
        [-1.5, second, {"7": {"inputs": {"value": "x"}, "class_type": "ProbeShow"}}, {"a": 1}, ["7"]]
    ]


async def test_lower_numbers_run_first_and_front_goes_ahead(client: Client) -> None:
    await client.queue(slow(0.5))
    names = {
        "last": {"number": 1e9},
        "normal": {},
        "front": {"front": True},
        "first": {"number": -1e9},
    }
    ids = {
        await client.queue({"1": node("ProbeShow", value=uuid.uuid4().hex)}, **more): name
        for name, more in names.items()
    }
    for job in ids:
        await client.finished(job)

    history = await client.get("/history")

    assert [ids[job] for job in history if job in ids] == ["first", "front", "normal", "last"]


async def test_equal_numbers_run_in_the_order_of_their_ids(client: Client) -> None:
    salt = uuid.uuid4().hex
    await running(client, await client.queue(slow(0.4)))
    ids = [f"{salt}-{letter}" for letter in "cab"]
    for job in ids:
        await client.queue({"1": node("ProbeShow", value=job)}, prompt_id=job, number=7)
    for job in ids:
        await client.finished(job)

    assert [job for job in await client.get("/history") if job.startswith(salt)] == sorted(ids)


async def test_pending_jobs_are_deleted_and_cleared_and_running_ones_are_not(client: Client) -> None:
    first = await client.queue(slow())
    await running(client, first)
    others = [await client.queue(slow()) for _ in range(3)]

    status, body, _ = await client.ask("POST", "/queue", json={"delete": [others[1], first, "unknown"]})
    assert (status, body) == (200, "")
    queue = await client.get("/queue")
    assert [item[1] for item in queue["queue_pending"]] == [others[0], others[2]]
    assert [item[1] for item in queue["queue_running"]] == [first]

    assert (await client.ask("POST", "/queue", json={"clear": True, "delete": []}))[:2] == (200, "")
    queue = await client.get("/queue")
    assert queue["queue_pending"] == []
    assert [item[1] for item in queue["queue_running"]] == [first]
    assert await client.get(f"/history/{others[0]}") == {}
    assert await client.get(f"/history/{first}") == {}


@pytest.mark.parametrize("body", [None, "", "{", "[]", "{}", '{"prompt_id": null}', '{"prompt_id": ""}', "own"])
async def test_interrupting_ends_what_runs(client: Client, body: str | None) -> None:
    job = await client.queue(slow())
    await running(client, job)
    text = f'{{"prompt_id": "{job}"}}' if body == "own" else body

    assert (await client.ask("POST", "/interrupt", data=text))[:2] == (200, "")

    entry = await client.finished(job, 3)
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("error", False)
    assert [message[0] for message in entry["status"]["messages"]][-1] == "execution_interrupted"


async def test_interrupting_another_job_does_nothing(client: Client) -> None:
    job = await client.queue(slow(0.6))
    pending = await client.queue(slow(0.1))
    await running(client, job)

    for other in ("unknown", pending):
        assert (await client.ask("POST", "/interrupt", json={"prompt_id": other}))[:2] == (200, "")

    assert (await client.finished(job))["status"]["completed"] is True
    assert (await client.finished(pending))["status"]["completed"] is True


async def test_interrupting_an_idle_server_has_no_effect(client: Client) -> None:
    await client.ask("POST", "/interrupt")

    assert (await client.run(slow(0.05)))["status"]["completed"] is True


async def test_interruption_reaches_a_node_that_waits_forever(client: Client) -> None:
    job = await client.queue({"1": node("ProbeWaitForever")})
    await running(client, job)

    await client.ask("POST", "/interrupt")

    kind, data = (await client.finished(job, 3))["status"]["messages"][-1]
    assert kind == "execution_interrupted"
    assert data == {
        "prompt_id": job,
        "node_id": "1",
        "node_type": "ProbeWaitForever",
        "executed": [],
        "timestamp": data["timestamp"],
    }


async def test_freeing_memory_drops_every_result(client: Client) -> None:
    graph = {"1": node("ProbeText", text=uuid.uuid4().hex), "2": node("ProbeShow", value=["1", 0])}
    await client.run(graph)
    assert _cached(await client.run(graph)) == ["1", "2"]

    for body in ({}, {"unload_models": False, "free_memory": None}, {"unload_models": True}):
        assert (await client.ask("POST", "/free", json=body))[:2] == (200, "")
    assert _cached(await client.run(graph)) == ["1", "2"]

    await client.ask("POST", "/free", json={"free_memory": True})
    assert _cached(await client.run(graph)) == []


async def test_history_has_the_established_layout(client: Client) -> None:
    graph = {"1": node("ProbeText", text=uuid.uuid4().hex), "9": node("ProbeShow", value=["1", 0])}

    job = await client.queue(graph, client_id="abc", extra_data={"kept": 1})
    entry = await client.finished(job)

    assert set(entry) == {"prompt", "outputs", "status", "meta"}
    assert entry["prompt"][1:] == [job, graph, {"kept": 1, "client_id": "abc"}, ["9"]]
    assert entry["outputs"] == {"9": {"text": [repr(graph["1"]["inputs"]["text"])]}}
    assert entry["meta"] == {"9": {"node_id": "9", "display_node": "9", "parent_node": None, "real_node_id": "9"}}
    status = entry["status"]
    assert (status["status_str"], status["completed"], set(status)) == (
        "success",
        True,
        {"status_str", "completed", "messages"},
    )
    stamps = [data.pop("timestamp") for _, data in status["messages"]]
    assert stamps == sorted(stamps) and all(type(stamp) is int for stamp in stamps)
    assert status["messages"] == [
        ["execution_start", {"prompt_id": job}],
        ["execution_cached", {"nodes": [], "prompt_id": job}],
        ["execution_success", {"prompt_id": job}],
    ]


async def test_history_is_oldest_first_and_paged(client: Client) -> None:
    await client.post("/history", {"clear": True})
    ids = [await client.queue({"1": node("ProbeShow", value=str(n))}) for n in range(5)]
    await client.finished(ids[-1])

    async def listed(query: str) -> list[int]:
        return [ids.index(job) for job in await client.get(f"/history{query}")]

    assert await listed("") == [0, 1, 2, 3, 4]
    assert await listed("?max_items=2") == [3, 4]
    assert await listed("?offset=1") == [1, 2, 3, 4]
    assert await listed("?offset=1&max_items=2") == [1, 2]
    assert await listed("?offset=-1&max_items=2") == [3, 4]
    assert await listed("?offset=9") == []
    assert (await client.ask("GET", "/history?max_items=x"))[0] >= 400


async def test_history_entries_are_deleted_and_cleared(client: Client) -> None:
    ids = [await client.queue({"1": node("ProbeShow", value=str(n))}) for n in range(3)]
    await client.finished(ids[-1])

    assert (await client.ask("POST", "/history", json={"delete": [ids[1], "unknown"]}))[:2] == (200, "")
    assert [job for job in await client.get("/history") if job in ids] == [ids[0], ids[2]]
    assert await client.get(f"/history/{ids[1]}") == {}

    assert (await client.ask("POST", "/history", json={"clear": True}))[:2] == (200, "")
    assert await client.get("/history") == {}


async def test_a_failed_run_keeps_what_was_shown_before(client: Client) -> None:
    graph = {
        "1": node("ProbeShow", value=uuid.uuid4().hex),
        "2": node("ProbeFail", message="no", value=["1", 0]),
        "3": node("ProbeShow", value=["2", 0]),
    }

    entry = await client.run(graph)

    assert list(entry["outputs"]) == ["1"]
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("error", False)
    assert [kind for kind, _ in entry["status"]["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_error",
    ]


def _cached(entry: dict[str, Any]) -> list[str]:
    return sorted(entry["status"]["messages"][1][1]["nodes"])
