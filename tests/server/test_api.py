"""Our own API: jobs, events, documents, catalogue, files, and its description."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "format": "heddle-workflow",
        "version": 1,
        "name": "test",
        "nodes": {
            "1": {"type": "FakeSource", "inputs": {"value": 3}},
            "2": {"type": "FakeImage", "inputs": {"image": {"link": ["1", "IMAGE"]}}},
        },
    }


async def submit(bench: Any, body: Any, status: int = 202, **headers: str) -> Any:
    answer = await bench.client.post("/api/v1/jobs", json=body, headers=headers)
    data = await answer.json()
    assert answer.status == status, data
    return data


async def test_a_document_and_a_prompt_are_both_taken(bench, document, picture) -> None:
    first = await submit(bench, {"document": document, "client_id": "me"})
    second = await submit(bench, {"prompt": picture, "front": True})
    await bench.until(first["id"], "succeeded")
    await bench.until(second["id"], "succeeded")
    job = (await bench.json(f"/api/v1/jobs/{first['id']}"))["job"]

    assert (first["problems"], first["existed"], first["number"], second["number"]) == ([], False, 0, -1)
    saved = job["extra_data"]["extra_pnginfo"]["workflow"]
    assert (saved["version"], [node["type"] for node in saved["nodes"]]) == (0.4, ["FakeSource", "FakeImage"])
    assert saved["nodes"][0]["widgets_values"][0] == document["nodes"]["1"]["inputs"]["value"]
    assert job["prompt"]["2"]["inputs"]["image"] == ["1", 0]
    assert job["outputs"]["2"]["images"][0]["filename"] == "fake_2.png"
    assert job["started"] <= job["finished"] and job["client_id"] == "me"


async def test_every_problem_is_told_with_what_to_do(bench) -> None:
    graph = {
        "1": {"class_type": "FakeImage", "inputs": {}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["9", 0]}},
    }
    problems = (await submit(bench, {"prompt": graph}, 422))["problems"]

    assert {problem["node"] for problem in problems} == {"1", "2"}
    assert all(problem["what"] and problem["fix"] for problem in problems)
    assert (await bench.json("/api/v1/jobs"))["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": {}, "document": {}},
        {"prompt": {}, "odd": 1},
        {"prompt": []},
        {"prompt": {}, "number": "x"},
        [],
    ],
)
async def test_bodies_that_do_not_fit_are_refused_with_the_place(bench, body) -> None:
    problems = (await submit(bench, body, 422))["problems"]

    assert problems and problems[0]["what"]


async def test_the_same_key_and_body_make_one_job_and_another_body_is_a_conflict(bench, picture) -> None:
    first = await submit(bench, {"prompt": picture}, **{"Idempotency-Key": "k1"})
    second = await submit(bench, {"prompt": picture}, **{"Idempotency-Key": "k1"})
    await bench.until(first["id"], "succeeded")
    third = await submit(bench, {"prompt": picture}, **{"Idempotency-Key": "k1"})
    other = await submit(bench, {"prompt": picture, "front": True}, 409, **{"Idempotency-Key": "k1"})

    assert first["id"] == second["id"] == third["id"]
    assert (first["existed"], second["existed"], third["existed"]) == (False, True, True)
    assert "k1" in other["problems"][0]["what"] and other["job"] == first["id"]
    assert (await bench.json("/api/v1/jobs"))["total"] == 1


async def test_jobs_are_listed_by_state_with_counts(bench, picture, waiting) -> None:
    done = await submit(bench, {"prompt": picture})
    await bench.until(done["id"], "succeeded")
    running = await submit(bench, {"prompt": waiting(5.0, 50)})
    await bench.until(running["id"], "running")
    queued = await submit(bench, {"prompt": picture})
    all_jobs = await bench.json("/api/v1/jobs")
    some = await bench.json("/api/v1/jobs?state=queued,running&limit=1")
    odd = await bench.client.get("/api/v1/jobs?state=odd")

    assert {job["id"]: job["state"] for job in all_jobs["jobs"]} == {
        done["id"]: "succeeded", running["id"]: "running", queued["id"]: "queued"
    }  # fmt: skip
    assert all_jobs["counts"] == {"succeeded": 1, "running": 1, "queued": 1}
    assert ([job["id"] for job in some["jobs"]], some["total"]) == ([running["id"]], 2)
    assert odd.status == 422


async def test_cancelling_says_whether_it_was_at_once_requested_or_too_late(bench, picture, waiting) -> None:
    running = (await submit(bench, {"prompt": waiting(5.0, 50)}))["id"]
    await bench.until(running, "running")
    queued = (await submit(bench, {"prompt": picture}))["id"]
    progress = (await bench.json(f"/api/v1/jobs/{running}"))["job"]["progress"]
    results = [
        (await (await bench.client.post(f"/api/v1/jobs/{job}/cancel", json={})).json())["result"]
        for job in (queued, running)
    ]
    await bench.until(running, "cancelled")
    late = await (await bench.client.post(f"/api/v1/jobs/{running}/cancel", json={})).json()

    assert progress["1"]["state"] == "running"
    assert results == ["cancelled", "requested"] and late["result"] == "finished"
    assert (await bench.client.post("/api/v1/jobs/none/cancel", json={})).status == 404


async def test_retry_needs_a_finished_job(bench, waiting) -> None:
    job = (await submit(bench, {"prompt": waiting(0.3)}))["id"]
    early = await bench.client.post(f"/api/v1/jobs/{job}/retry", json={})
    await bench.until(job, "succeeded")
    again = await bench.client.post(f"/api/v1/jobs/{job}/retry", json={})
    await bench.until(job, "succeeded")

    assert (early.status, again.status) == (409, 202)
    assert (await bench.client.post("/api/v1/jobs/none/retry", json={})).status == 404


async def test_a_run_is_explained_node_by_node(bench, picture) -> None:
    job = (await submit(bench, {"prompt": picture}))["id"]
    await bench.until(job, "succeeded")
    nodes = (await bench.json(f"/api/v1/jobs/{job}/explain"))["nodes"]

    assert [(node["node"], node["ran"], node["reasons"][0]["kind"]) for node in nodes] == [
        ("1", True, "never_seen"), ("2", True, "never_seen")
    ]  # fmt: skip


async def read_stream(bench: Any, path: str, until: str, **headers: str) -> list[dict[str, Any]]:
    """Server-sent events up to the first of a kind."""
    items = []
    async with asyncio.timeout(5):
        async with bench.client.get(path, headers=headers) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            async for line in answer.content:
                if line.startswith(b"data: "):
                    items.append(json.loads(line[6:]))
                    if items[-1]["kind"] == until:
                        return items
    raise AssertionError("the stream ended")


async def test_events_are_numbered_and_continue_where_a_client_left_off(bench, picture) -> None:
    first = (await submit(bench, {"prompt": picture}))["id"]
    await bench.until(first, "succeeded")
    everything = await read_stream(bench, "/api/v1/events?since=0", "succeeded")
    rest = await read_stream(bench, "/api/v1/events", "succeeded", **{"Last-Event-ID": "1"})

    assert [(item["seq"], item["kind"]) for item in everything] == [(1, "queued"), (2, "running"), (3, "succeeded")]
    assert [item["seq"] for item in rest] == [2, 3]
    assert {item["job"] for item in everything} == {first}


async def test_live_events_follow_stored_ones_without_loss_or_repetition(bench, picture, waiting) -> None:
    old = (await submit(bench, {"prompt": picture}))["id"]
    await bench.until(old, "succeeded")
    new = (await submit(bench, {"prompt": waiting(0.2, 4)}))["id"]
    socket = await bench.client.ws_connect("/api/v1/events?since=0")
    items = []
    while not items or (items[-1]["job"], items[-1]["kind"]) != (new, "succeeded"):
        items.append(json.loads((await socket.receive(timeout=5)).data))
    await socket.close()

    stored = [item["seq"] for item in items if item["seq"] is not None]
    assert stored == list(range(1, 7))
    passing = [item for item in items if item["seq"] is None]
    assert "node_progress" in {item["kind"] for item in passing}
    assert all(item["after"] >= 4 for item in passing)


async def test_events_of_one_job_only(bench, picture) -> None:
    jobs = [(await submit(bench, {"prompt": picture}))["id"] for _ in range(3)]
    for job in jobs:
        await bench.until(job, "succeeded")
    items = await read_stream(bench, f"/api/v1/events?since=0&job={jobs[1]}", "succeeded")

    assert {item["job"] for item in items} == {jobs[1]}
    assert (await bench.client.get("/api/v1/events?since=-1")).status == 422


async def test_documents_are_converted_from_json_and_from_pictures(bench, document, picture) -> None:
    info = PngInfo()
    info.add_text("prompt", json.dumps(picture))
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=info)
    bodies = [json.dumps(document).encode(), json.dumps(picture).encode(), buffer.getvalue()]
    converted = [await (await bench.client.post("/api/v1/documents/convert", data=body)).json() for body in bodies]

    assert [item["source"] for item in converted] == ["heddle", "prompt", "prompt"]
    assert all(item["document"]["nodes"]["1"]["type"] == "FakeSource" for item in converted)


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b"\x89PNG nonsense", b'{"format": "other"}'])
async def test_what_is_no_document_is_refused_with_a_reason(bench, body) -> None:
    answer = await bench.client.post("/api/v1/documents/convert", data=body)
    problems = (await answer.json())["problems"]

    assert answer.status == 422 and problems[0]["what"] and problems[0]["fix"]


async def test_documents_are_exported_to_the_other_formats(bench, document, picture) -> None:
    async def export(kind: str) -> Any:
        answer = await bench.client.post("/api/v1/documents/export", json={"document": document, "format": kind})
        assert answer.status == 200, await answer.text()
        return (await answer.json())["data"]

    prompt = await export("prompt")
    assert prompt["2"]["class_type"] == "FakeImage" and prompt["2"]["inputs"] == {"image": ["1", 0]}
    assert {node["type"] for node in (await export("saved"))["nodes"]} == {"FakeSource", "FakeImage"}
    assert (await export("heddle"))["format"] == "heddle-workflow"


async def test_the_catalogue_has_choices_and_a_tag(bench) -> None:
    (bench.settings.data_dir / "models" / "checkpoints" / "m.safetensors").write_bytes(b"x")
    answer = await bench.client.get("/api/v1/catalogue")
    nodes = (await answer.json())["nodes"]
    again = await bench.client.get("/api/v1/catalogue", headers={"If-None-Match": answer.headers["ETag"]})

    assert "m.safetensors" in nodes["FakeLoad"]["inputs"][0]["choices"]
    assert again.status == 304


async def test_files_and_models_are_listed_and_fetched(bench) -> None:
    folder = bench.settings.data_dir / "output" / "sub"
    folder.mkdir()
    (folder / "a.txt").write_text("hello")
    files = (await bench.json("/api/v1/files/output"))["files"]
    answer = await bench.client.get("/api/v1/files/output/sub/a.txt")
    statuses = [
        (await bench.client.get(f"/api/v1/files/{path}")).status
        for path in ("output/none", "odd", "output/..%2F..%2Fheddle.sqlite3")
    ]

    assert [file["name"] for file in files] == ["sub/a.txt"]
    assert await answer.text() == "hello" and answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert statuses == [404, 404, 403]
    assert "loras" in (await bench.json("/api/v1/models"))["folders"]
    assert (await bench.json("/api/v1/models/loras"))["names"] == ["heddle-pastel-lora.safetensors"]
    assert (await bench.client.get("/api/v1/models/odd")).status == 404


async def test_templates_are_documents(bench) -> None:
    listed = (await bench.json("/api/v1/templates"))["templates"]

    assert listed[0]["id"] == "text-to-image"
    assert (await bench.client.get("/api/v1/templates/none")).status == 404


async def test_templates_have_small_pictures(bench) -> None:
    listed = (await bench.json("/api/v1/templates"))["templates"]

    pictured = [item["picture"] for item in listed if item["picture"]]
    answer = await bench.client.get(pictured[0])
    assert (answer.status, answer.content_type) == (200, "image/webp")
    assert (await answer.read())[:4] == b"RIFF"
    assert (await bench.client.get("/api/v1/templates/none/picture")).status == 404


async def test_the_description_names_every_operation_and_every_reference_exists(bench) -> None:
    from server.api.operations import OPERATIONS

    described = await bench.json("/api/v1/openapi.json")
    names = {operation["operationId"] for methods in described["paths"].values() for operation in methods.values()}
    text = json.dumps(described)

    assert described["openapi"] == "3.1.0"
    assert names == {operation.name for operation in OPERATIONS}
    for reference in set(text.split('"#/components/schemas/')[1:]):
        assert reference.split('"')[0] in described["components"]["schemas"]
    page = await (await bench.client.get("/api/v1")).text()
    assert all(f"{path}</h3>" in page for path in described["paths"])


async def test_answers_fit_their_description(bench, picture) -> None:
    import jsonschema

    described = await bench.json("/api/v1/openapi.json")
    job = (await submit(bench, {"prompt": picture}))["id"]
    await bench.until(job, "succeeded")
    paths = {
        "/api/v1/jobs": "/api/v1/jobs",
        "/api/v1/jobs/{id}": f"/api/v1/jobs/{job}",
        "/api/v1/jobs/{id}/explain": f"/api/v1/jobs/{job}/explain",
        "/api/v1/catalogue": "/api/v1/catalogue",
        "/api/v1/models": "/api/v1/models",
        "/api/v1/files/{kind}": "/api/v1/files/output",
        "/api/v1/templates": "/api/v1/templates",
    }
    for template, path in paths.items():
        schema = described["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(await bench.json(path), {**schema, "components": described["components"]})
