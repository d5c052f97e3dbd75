"""Queue, interruption, history and the jobs listing."""

from __future__ import annotations

import asyncio


async def test_queue_shows_five_element_items_and_drops_what_is_asked(bench, picture, waiting) -> None:
    await bench.prompt(waiting(0.5), prompt_id="running", client_id="me")
    await bench.until("running", "running")
    for name in ("a", "b", "c"):
        await bench.prompt(picture, prompt_id=name)
    queue = await bench.json("/queue")
    await bench.client.post("/queue", json={"delete": ["a", "unknown", "running"]})
    after_delete = [item[1] for item in (await bench.json("/queue"))["queue_pending"]]
    cleared = await bench.client.post("/api/queue", json={"clear": True})

    assert [item[1] for item in queue["queue_running"]] == ["running"]
    assert [item[0] for item in queue["queue_pending"]] == [1, 2, 3]
    assert queue["queue_pending"][0] == [1, "a", picture, {}, ["2"]]
    assert after_delete == ["b", "c"]
    assert (cleared.status, await cleared.read()) == (200, b"")
    assert (await bench.json("/queue"))["queue_pending"] == []
    await bench.finished("running")
    assert list(await bench.json("/history")) == ["running"]


async def test_interrupt_ends_the_named_running_job_only(bench, waiting) -> None:
    await bench.prompt(waiting(5.0, 50), prompt_id="long")
    await bench.prompt(waiting(0.01), prompt_id="next")
    await bench.until("long", "running")
    other = await bench.client.post("/interrupt", json={"prompt_id": "next"})
    assert await bench.state("long") == "running"
    named = await bench.client.post("/interrupt", json={"prompt_id": "long"})
    entry = await bench.finished("long")

    assert (other.status, named.status) == (200, 200)
    assert entry["status"]["status_str"] == "error" and entry["status"]["completed"] is False
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert (await bench.finished("next"))["status"]["completed"] is True


async def test_interrupt_without_or_with_a_broken_body_ends_what_runs(bench, waiting) -> None:
    for body in (b"", b"{nope"):
        job = (await bench.prompt(waiting(5.0, 50)))["prompt_id"]
        await bench.until(job, "running")
        answer = await bench.client.post("/interrupt", data=body)
        await bench.until(job, "cancelled")

        assert (answer.status, await answer.read()) == (200, b"")


async def test_an_idle_interrupt_has_no_later_effect(bench, picture) -> None:
    await bench.client.post("/interrupt")
    job = await bench.prompt(picture)

    assert (await bench.finished(job["prompt_id"]))["status"]["completed"] is True


async def test_a_node_deaf_to_cancellation_costs_its_worker_not_the_server(bench, picture) -> None:
    deaf = {
        "1": {"class_type": "FakeDeaf", "inputs": {"seconds": 30.0}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
    }
    job = (await bench.prompt(deaf))["prompt_id"]
    await bench.until(job, "running")
    await bench.client.post("/interrupt")
    await bench.until(job, "cancelled", within=5)
    after = await bench.prompt(picture)

    assert (await bench.finished(after["prompt_id"]))["status"]["completed"] is True
    assert len(bench.launcher.workers) == 2


async def test_free_is_accepted_and_broken_bodies_are_not(bench) -> None:
    good = await bench.client.post("/free", json={"unload_models": True, "free_memory": True})
    bad = await bench.client.post("/free", data=b"{")

    assert (good.status, await good.read(), bad.status) == (200, b"", 400)


async def test_history_pages_from_either_end_and_forgets(bench, picture) -> None:
    names = [f"job-{number}" for number in range(5)]
    for name in names:
        await bench.prompt(picture, prompt_id=name)
        await bench.finished(name)

    assert list(await bench.json("/history")) == names
    assert list(await bench.json("/history?max_items=2")) == names[-2:]
    assert list(await bench.json("/history?max_items=2&offset=1")) == names[1:3]
    assert list(await bench.json("/history?offset=-3")) == names
    assert await bench.json("/history?offset=99") == {}
    assert (await bench.client.get("/history?max_items=two")).status == 400
    assert await bench.json("/history/unknown") == {}
    await bench.client.post("/history", json={"delete": ["job-0", "unknown"]})
    assert list(await bench.json("/api/history")) == names[1:]
    await bench.client.post("/history", json={"clear": True})
    assert await bench.json("/history") == {}


async def test_the_jobs_listing_has_its_strict_shape(bench, picture, waiting) -> None:
    fail = {
        "1": {"class_type": "FakeFail", "inputs": {"text": "no"}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
    }
    for name, graph in (("good", picture), ("bad", fail)):
        await bench.prompt(graph, prompt_id=name)
        await bench.finished(name)
    await bench.prompt(waiting(0.5), prompt_id="running")
    await bench.until("running", "running")
    await bench.prompt(picture, prompt_id="pending")
    open_jobs = await bench.json("/api/jobs?status=in_progress,pending&limit=200&offset=0")
    done = await bench.json("/api/jobs?status=completed,failed,cancelled&limit=1&offset=0")
    rest = await bench.json("/api/jobs?status=completed,failed,cancelled&limit=64&offset=1")

    assert [(job["id"], job["status"]) for job in open_jobs["jobs"]] == [
        ("running", "in_progress"),
        ("pending", "pending"),
    ]
    assert open_jobs["pagination"] == {"offset": 0, "limit": 200, "total": 2, "has_more": False}
    assert done["pagination"] == {"offset": 0, "limit": 1, "total": 2, "has_more": True}
    failed, good = done["jobs"][0], rest["jobs"][0]
    assert set(failed["execution_error"]) == {
        "node_id",
        "node_type",
        "exception_message",
        "exception_type",
        "traceback",
    }
    assert good["preview_output"] == {
        "filename": "fake_2.png",
        "subfolder": "",
        "type": "output",
        "nodeId": "2",
        "mediaType": "images",
    }
    assert good["outputs_count"] == 1 and isinstance(good["create_time"], int)
    assert good["execution_end_time"] >= good["execution_start_time"] >= good["create_time"]
    assert None not in [value for key, value in good.items() if key != "outputs_count"]
    assert (await bench.client.get("/api/jobs?status=odd")).status == 400


async def test_single_jobs_are_shown_and_cancelled(bench, waiting) -> None:
    await bench.prompt(waiting(5.0, 50), prompt_id="one")
    await bench.prompt(waiting(5.0, 50), prompt_id="two")
    await bench.until("one", "running")
    several = await bench.client.post("/api/jobs/cancel", json={"job_ids": ["two", "unknown"]})
    one = await bench.client.post("/api/jobs/one/cancel")
    await bench.until("one", "cancelled")

    assert await several.json() == {"cancelled": ["two"]}
    assert await one.json() == {"cancelled": True}
    assert (await bench.json("/api/jobs/one"))["status"] == "cancelled"
    assert (await bench.client.get("/api/jobs/unknown")).status == 404
    assert (await bench.client.post("/api/jobs/unknown/cancel")).status == 404


async def test_the_queue_answers_while_a_job_saturates_the_worker(bench, waiting) -> None:
    await bench.prompt(waiting(0.5, 500), prompt_id="busy")
    await bench.until("busy", "running")
    answers = await asyncio.gather(*(bench.json("/queue") for _ in range(20)))

    assert all(answer["queue_running"][0][1] == "busy" for answer in answers)
