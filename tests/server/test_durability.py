"""What is accepted is on disk, runs again after a death, and is given up only after the second."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest


def crash(times: int) -> dict[str, Any]:
    return {
        "1": {"class_type": "FakeCrash", "inputs": {"times": times}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
    }


async def test_a_job_whose_worker_dies_runs_again_and_succeeds(bench) -> None:
    job = (await bench.prompt(crash(1)))["prompt_id"]
    entry = await bench.finished(job)
    detail = (await bench.json(f"/api/v1/jobs/{job}"))["job"]

    assert entry["status"]["completed"] is True
    assert (detail["attempt"], detail["deaths"]) == (2, 1)
    assert list(await bench.json("/history")) == [job]


async def test_a_free_worker_claims_a_job_in_the_transaction_that_stores_it(bench, picture) -> None:
    dispatcher, together = bench.server.dispatcher, []
    committed = dispatcher.committed

    def noted(events) -> None:
        together.append([event.kind for event in events])
        committed(events)

    await bench.finished((await bench.prompt(picture))["prompt_id"])  # the worker is up and free now
    dispatcher.committed = noted
    await bench.finished((await bench.prompt(picture, number=5))["prompt_id"])

    assert together == [["queued", "running"], ["succeeded"]]


async def test_a_job_that_kills_two_workers_is_dead_with_the_reason_and_can_be_queued_again(bench, listen) -> None:
    me = await listen("me")
    job = (await bench.prompt(crash(2), client_id="me"))["prompt_id"]
    messages = [message for message in await me.until_idle(job) if isinstance(message, dict)]
    detail = (await bench.json(f"/api/v1/jobs/{job}"))["job"]

    assert (detail["state"], detail["deaths"]) == ("dead", 2)
    assert detail["reason"] == "the fake worker crashed; node 1 (FakeCrash) was running"
    error = next(m for m in messages if m["type"] == "execution_error")["data"]
    assert (error["node_id"], error["node_type"], error["exception_type"]) == ("1", "FakeCrash", "WorkerLost")
    assert (await bench.finished(job))["status"]["messages"][-1][1]["node_id"] == "1"
    assert (await bench.client.post(f"/api/v1/jobs/{job}/retry", json={})).status == 202
    await bench.until(job, "succeeded")


async def test_the_queue_survives_a_restart_and_what_ran_runs_again(start, waiting, picture) -> None:
    async with start() as first:
        await first.prompt(waiting(30.0), prompt_id="running")
        await first.until("running", "running")
        for name in ("a", "b"):
            await first.prompt(picture, prompt_id=name)
        await first.client.post("/api/v1/jobs/b/cancel", json={})
    async with start() as second:
        await second.until("running", "running")
        queue = await second.json("/queue")
        detail = (await second.json("/api/v1/jobs/running"))["job"]
        number = (await second.prompt(picture))["number"]

    assert [item[1] for item in queue["queue_pending"]] == ["a"]
    assert (detail["attempt"], detail["deaths"]) == (2, 0)
    assert number == 3, "the counter must not give numbers again that are in the queue"


async def test_every_submission_under_load_is_in_history_exactly_once(start, picture) -> None:
    async with start(workers=3) as bench:
        answers = await asyncio.gather(*(bench.prompt(picture) for _ in range(200)))
        async with asyncio.timeout(30):
            while (await bench.json("/prompt"))["exec_info"]["queue_remaining"]:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.05)
        history = await bench.json("/history")

    assert len(history) == 200 == len({answer["prompt_id"] for answer in answers})
    assert sorted(answer["number"] for answer in answers) == list(range(200))


async def test_jobs_behind_one_that_takes_longer_wait_in_the_queue_and_count_no_death(start, picture, waiting) -> None:
    after = [f"after{number}" for number in range(20)]
    async with start() as bench:
        await bench.client.post("/api/v1/queue/pause", json={})
        for number in range(20):
            await bench.prompt(picture, prompt_id=f"short{number}")
        await bench.prompt(waiting(30.0), prompt_id="long")
        for name in after:
            await bench.prompt(picture, prompt_id=name)
        await bench.client.post("/api/v1/queue/resume", json={})
        await bench.until("long", "running")
        async with asyncio.timeout(10):
            while (queue := await bench.json("/queue"))["queue_running"][0][1] != "long":  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)  # longer than short runs take
        states = {name: (await bench.json(f"/api/v1/jobs/{name}"))["job"]["state"] for name in after}
        await bench.client.post("/interrupt")
        await bench.until("long", "cancelled")
        for name in after:
            await bench.until(name, "succeeded")
        details = [(await bench.json(f"/api/v1/jobs/{name}"))["job"] for name in after]

    assert [item[1] for item in queue["queue_running"]] == ["long"]
    assert [item[1] for item in queue["queue_pending"]] == after
    assert set(states.values()) == {"queued"}
    assert {detail["deaths"] for detail in details} == {0}
    assert {detail["attempt"] for detail in details} == {1, 2}, "none was given ahead"


async def test_few_jobs_are_seen_as_queued_until_their_turn(start, picture, waiting) -> None:
    async with start() as bench:
        for number in range(20):
            await bench.finished((await bench.prompt(picture, prompt_id=f"short{number}"))["prompt_id"])
        await bench.prompt(waiting(30.0), prompt_id="long")
        states = [
            (await bench.json(f"/api/v1/jobs/{(await bench.prompt(picture))['prompt_id']}"))["job"] for _ in "abc"
        ]

    assert [job["state"] for job in states] == ["queued"] * 3


async def test_short_and_longer_jobs_in_any_order_all_run_exactly_once(start, picture, waiting) -> None:
    lengths = random.Random(5)
    async with start() as bench:
        for _ in range(12):
            await asyncio.gather(*(bench.prompt(picture) for _ in range(12)))
            await asyncio.gather(*(bench.prompt(waiting(lengths.uniform(0.03, 0.08))) for _ in range(3)))
        async with asyncio.timeout(60):
            while (await bench.json("/prompt"))["exec_info"]["queue_remaining"]:  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.05)
        history = await bench.json("/history")

    assert len(history) == 12 * 15
    assert all(entry["status"]["completed"] for entry in history.values())


async def test_a_second_server_on_the_same_job_table_is_refused(start, tmp_path) -> None:
    from server.errors import SettingsError

    shared = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    async with start(database=shared):
        with pytest.raises(SettingsError, match=r"Another server .* uses the job database"):
            async with start(database=shared, data_dir=tmp_path / "other"):
                pass


async def test_a_second_server_on_the_same_data_is_refused(data_dir) -> None:
    from server.errors import SettingsError
    from server.lock import lock_data_folder

    with lock_data_folder(data_dir):
        with pytest.raises(SettingsError, match=r"Another server .* uses the data folder"):
            with lock_data_folder(data_dir):
                pass
