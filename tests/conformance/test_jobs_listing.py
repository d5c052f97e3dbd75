"""`/jobs`, which newer clients ask for; one wrong row empties their list (client endpoints §1, §4)."""

from __future__ import annotations

import uuid
from typing import Any

import jsonschema

from tests.conformance.client import Client, node

TIME = {"type": "number", "minimum": 1.6e12}
JOB = {
    "type": "object",
    "required": ["id", "status", "create_time"],
    "properties": {
        "id": {"type": "string"},
        "status": {"enum": ["pending", "in_progress", "completed", "failed", "cancelled"]},
        "create_time": TIME,
        "execution_start_time": TIME,
        "execution_end_time": TIME,
        "outputs_count": {"type": ["integer", "null"]},
        "priority": {"type": "number"},
        "workflow_id": {"type": "string"},
        "preview_output": {
            "type": "object",
            "required": ["filename", "subfolder", "type", "nodeId", "mediaType"],
            "additionalProperties": {"type": "string"},
        },
        "execution_error": {
            "type": "object",
            "required": ["node_id", "node_type", "exception_message", "exception_type", "traceback"],
            "properties": {"traceback": {"type": "array", "items": {"type": "string"}}},
            "additionalProperties": {"type": ["string", "array"]},
        },
    },
}
LISTING = {
    "type": "object",
    "required": ["jobs", "pagination"],
    "properties": {
        "jobs": {"type": "array", "items": JOB},
        "pagination": {
            "type": "object",
            "required": ["offset", "limit", "total", "has_more"],
            "properties": {"has_more": {"type": "boolean"}, "total": {"type": "integer"}},
        },
    },
}


async def listing(client: Client, query: str) -> list[dict[str, Any]]:
    """The rows of a listing that keeps the strict shape."""
    found = await client.get(f"/api/jobs?{query}")
    jsonschema.validate(found, LISTING)
    return list(found["jobs"])


async def test_jobs_of_every_fate_keep_the_strict_shape(client: Client) -> None:
    good = await client.queue(
        {
            "1": node("EmptyImage", width=8, height=8, batch_size=1, color=uuid.uuid4().int % 2**24),
            "2": node("SaveImage", images=["1", 0], filename_prefix="listed"),
        }
    )
    await client.finished(good)
    bad = await client.queue({"1": node("ProbeFailOwn")})
    await client.finished(bad)
    stopped = await client.queue({"1": node("ProbeWaitForever")})
    waiting = await client.queue({"1": node("ProbeShow", value="x")})
    rows = {row["id"]: row for row in await listing(client, "status=in_progress,pending&limit=200&offset=0")}
    assert rows[stopped]["status"] in ("in_progress", "pending")
    assert rows[waiting]["status"] == "pending"
    assert (await client.ask("POST", f"/api/jobs/{stopped}/cancel"))[0] == 200
    await client.finished(stopped)

    rows = {row["id"]: row for row in await listing(client, "status=completed,failed,cancelled&limit=64&offset=0")}

    assert rows[good]["status"] == "completed"
    assert rows[good]["outputs_count"] == 1
    assert rows[good]["preview_output"] == {
        "filename": "listed_00001_.png",
        "subfolder": "",
        "type": "output",
        "nodeId": "2",
        "mediaType": "images",
    }
    assert rows[bad]["status"] == "failed"
    assert rows[bad]["execution_error"]["node_type"] == "ProbeFailOwn"
    assert rows[bad]["execution_error"]["exception_message"].startswith("mine")
    assert rows[stopped]["status"] == "cancelled"


async def test_the_listing_is_paged_newest_first(client: Client) -> None:
    ids = [await client.queue({"1": node("ProbeShow", value=str(n))}) for n in range(3)]
    await client.finished(ids[-1])

    found = await client.get("/jobs?status=completed&limit=2&offset=1")

    assert [job["id"] for job in found["jobs"]] == [ids[1], ids[0]]
    assert found["pagination"]["offset"] == 1 and found["pagination"]["limit"] == 2
    assert found["pagination"]["has_more"] is (found["pagination"]["total"] > 3)


async def test_one_job_tells_its_workflow_and_outputs(client: Client) -> None:
    job = await client.queue({"1": node("ProbeShow", value="x")}, extra_data={"extra_pnginfo": {"workflow": {"a": 1}}})
    await client.finished(job)

    found = await client.get(f"/api/jobs/{job}")

    jsonschema.validate(found, JOB)
    assert found["outputs"] == {"1": {"text": ["'x'"]}}
    assert found["workflow"]["prompt"]["1"]["class_type"] == "ProbeShow"
    assert found["workflow"]["extra_data"]["extra_pnginfo"] == {"workflow": {"a": 1}}
    assert (await client.ask("GET", "/api/jobs/unknown"))[0] == 404


async def test_every_node_of_a_run_is_explained(client: Client) -> None:
    text = uuid.uuid4().hex
    graph = {
        "1": node("ProbeText", text=text),
        "2": node("ProbeText", text=text),
        "3": node("ProbeJoin", a=["1", 0], b=["2", 0]),
        "4": node("ProbeShow", value=["3", 0]),
        "5": node("ProbeText", text="unused"),
    }
    await client.finished(await client.queue(graph))
    graph["3"]["inputs"]["b"] = "!"
    second = await client.queue(graph)
    await client.finished(second)
    failing = {"1": node("ProbeFail", message="no"), "2": node("ProbeShow", value=["1", 0])}
    failed = await client.queue(failing)
    await client.finished(failed)

    async def told(job: str) -> dict[str, tuple[bool, str]]:
        nodes = (await client.get(f"/api/v1/jobs/{job}/explain"))["nodes"]
        return {entry["node"]: (entry["ran"], entry["reasons"][0]["kind"]) for entry in nodes}

    assert await told(second) == {
        "1": (False, "cached"),
        "2": (False, "cached"),
        "3": (True, "input"),
        "4": (True, "upstream"),
        "5": (False, "not_needed"),
    }
    assert (await told(failed))["2"] == (False, "not_reached")
    reasons = (await client.get(f"/api/v1/jobs/{second}/explain"))["nodes"][2]["reasons"]
    assert (reasons[0]["input"], reasons[0]["after"]) == ("b", "!")
