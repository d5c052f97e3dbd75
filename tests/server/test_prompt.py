"""Submitting work over the established route."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest


async def test_the_counter_gives_numbers_and_advances_for_rejected_prompts_too(bench, picture) -> None:
    first = await bench.prompt(picture)
    rejected = await bench.client.post("/prompt", json={"prompt": {}})
    third = await bench.prompt(picture)

    assert (first["number"], rejected.status, third["number"]) == (0, 400, 2)
    assert first["node_errors"] == {}


async def test_a_given_number_is_echoed_as_a_float_and_does_not_advance_the_counter(bench, picture) -> None:
    given = await bench.prompt(picture, number=7)
    counted = await bench.prompt(picture)

    assert isinstance(given["number"], float) and given["number"] == 7.0
    assert counted["number"] == 0 and isinstance(counted["number"], int)


async def test_front_and_lower_numbers_run_first(bench, picture, waiting) -> None:
    await bench.prompt(waiting(1.0), prompt_id="blocker")
    await bench.until("blocker", "running")
    await bench.prompt(picture, prompt_id="normal")
    await bench.prompt(picture, prompt_id="front", front=True)
    await bench.prompt(picture, prompt_id="numbered", number=0.5)
    for job in ("normal", "front", "numbered"):
        await bench.finished(job)

    assert list(await bench.json("/history")) == ["blocker", "front", "numbered", "normal"]
    assert (await bench.json("/history/front"))["front"]["prompt"][0] == -2


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_missing_prompt_is_told_in_the_established_shape(bench, prefix) -> None:
    answer = await bench.client.post(f"{prefix}/prompt", json={})

    assert answer.status == 400
    assert await answer.json() == {
        "error": {
            "type": "no_prompt",
            "message": "No prompt provided",
            "details": "No prompt provided",
            "extra_info": {},
        },
        "node_errors": {},
    }


@pytest.mark.parametrize(
    ("graph", "kind", "message"),
    [
        ({}, "prompt_no_outputs", "Prompt has no outputs"),
        ({"7": {"inputs": {}}}, "invalid_prompt", "Cannot execute because a node is missing the class_type property."),
        (
            {"7": {"class_type": "Nope", "inputs": {}}},
            "invalid_prompt",
            "Cannot execute because node Nope does not exist.",
        ),
    ],
)
async def test_graphs_without_anything_to_run_are_refused(bench, graph, kind, message) -> None:
    answer = await bench.client.post("/prompt", json={"prompt": graph})
    error = (await answer.json())["error"]

    assert answer.status == 400
    assert (error["type"], error["message"], error["extra_info"]) == (kind, message, {})
    assert (await bench.json("/prompt"))["exec_info"]["queue_remaining"] == 0


async def test_every_problem_is_reported_at_once_and_nothing_is_queued(bench) -> None:
    graph = {
        "1": {"class_type": "FakeImage", "inputs": {}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["3", 0]}},
        "3": {"class_type": "FakeWait", "inputs": {"seconds": "soon", "steps": 2}},
    }
    answer = await bench.client.post("/prompt", json={"prompt": graph})
    body = await answer.json()

    assert answer.status == 400 and body["error"]["type"] == "prompt_outputs_failed_validation"
    assert body["node_errors"]["1"]["errors"][0]["type"] == "required_input_missing"
    assert body["node_errors"]["3"]["errors"][0]["type"] == "invalid_input_type"
    assert body["node_errors"]["3"]["dependent_outputs"] == ["2"]
    assert await bench.json("/queue") == {"queue_running": [], "queue_pending": []}


async def test_valid_outputs_run_and_the_failing_ones_are_told_with_the_success(bench, picture) -> None:
    graph = {**picture, "9": {"class_type": "FakeImage", "inputs": {}}}
    answer = await bench.prompt(graph)
    entry = await bench.finished(answer["prompt_id"])

    assert set(answer["node_errors"]) == {"9"}
    assert entry["prompt"][4] == ["2"] and set(entry["outputs"]) == {"2"}


async def test_partial_targets_select_outputs(bench, picture) -> None:
    graph = {**picture, "3": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}}}
    job = await bench.prompt(graph, partial_execution_targets=["3"])
    none = await bench.client.post("/prompt", json={"prompt": graph, "partial_execution_targets": []})

    assert set((await bench.finished(job["prompt_id"]))["outputs"]) == {"3"}
    assert (await none.json())["error"]["type"] == "prompt_no_outputs"


async def test_validation_hooks_of_packs_are_asked_in_the_worker(bench) -> None:
    bad = await bench.client.post(
        "/prompt", json={"prompt": {"1": {"class_type": "FakeChecked", "inputs": {"text": "bad"}}}}
    )
    good = await bench.prompt({"1": {"class_type": "FakeChecked", "inputs": {"text": "good"}}})
    error = (await bad.json())["node_errors"]["1"]["errors"][0]

    assert bad.status == 400
    assert (error["type"], error["details"]) == ("custom_validation_failed", "text - bad is not allowed")
    assert (await bench.finished(good["prompt_id"]))["status"]["completed"] is True


async def test_a_built_in_hook_is_not_asked_about_a_file_that_is_there(bench) -> None:
    (bench.settings.data_dir / "input" / "bad").touch()  # which the hook of this worker would refuse

    job = await bench.prompt({"1": {"class_type": "FakeChecked", "inputs": {"text": "bad"}}})

    assert (await bench.finished(job["prompt_id"]))["status"]["completed"] is True


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{nope", 400, "not JSON"),
        (b"\xff\xfe", 400, "not UTF-8"),
        (b"[1, 2]", 400, "must be a JSON object"),
        (b'{"prompt": {"1": {"class_type": "FakeSource", "inputs": {"value": NaN}}}}', 400, "NaN"),
        (b'{"prompt": {"1": {}, "1": {}}}', 400, "twice"),
        (b'{"prompt": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, "deep"),
        (b'{"prompt": ' + b"[" * 500 + b"]" * 500 + b"}", 400, "deep"),
        (b'{"prompt": 7}', 400, "object"),
        (b'{"prompt": {"1": 7}}', 400, "object"),
        (b'{"prompt": {}, "number": "high"}', 400, "number"),
        (b'{"prompt": {}, "extra_data": 3}', 400, "extra_data"),
    ],
)
async def test_bodies_that_cannot_be_used_get_a_clear_400(bench, body: bytes, status: int, words: str) -> None:
    answer = await bench.client.post("/prompt", data=body)
    error = (await answer.json())["error"]

    assert answer.status == status
    assert words in f"{error['message']} {error['details']}"


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(bench) -> None:
    answer = await bench.client.post("/prompt", data=io.BytesIO(b" " * (49 * 1024 * 1024)))

    assert answer.status == 413 and "Maximum request body size" in (await answer.json())["error"]["message"]


async def test_seeds_of_64_bits_survive(bench) -> None:
    seed = 18446744073709551615
    graph = {
        "1": {"class_type": "FakeSource", "inputs": {"value": seed}},
        "2": {"class_type": "FakeImage", "inputs": {"image": ["1", 0]}},
    }
    job = await bench.prompt(graph)

    assert (await bench.finished(job["prompt_id"]))["prompt"][2]["1"]["inputs"]["value"] == seed


async def test_the_same_prompt_id_and_body_make_one_job(bench, picture) -> None:
    first = await bench.prompt(picture, prompt_id="mine")
    second = await bench.prompt(picture, prompt_id="mine")
    await bench.finished("mine")

    assert first == second
    assert list(await bench.json("/history")) == ["mine"]


async def test_another_body_under_an_unfinished_prompt_id_is_refused(bench, picture, waiting) -> None:
    await bench.prompt(waiting(0.3), prompt_id="mine")
    answer = await bench.client.post("/prompt", json={"prompt": picture, "prompt_id": "mine"})
    await bench.finished("mine")
    again = await bench.prompt(picture, prompt_id="mine")

    assert answer.status == 400 and (await answer.json())["error"]["type"] == "prompt_id_in_use"
    assert again["prompt_id"] == "mine"
    await bench.until("mine", "succeeded")
    assert (await bench.finished("mine"))["prompt"][2] != waiting(0.3)


async def test_secrets_are_never_shown(bench, waiting) -> None:
    extra: dict[str, Any] = {"auth_token_comfy_org": "s3cret", "api_key_comfy_org": "s3cret", "kept": 1}
    job = (await bench.prompt(waiting(0.2), extra_data=extra))["prompt_id"]
    shown = [await bench.json("/queue"), await bench.json(f"/api/v1/jobs/{job}"), await bench.json(f"/jobs/{job}")]
    shown.append(await bench.finished(job))

    assert "s3cret" not in json.dumps(shown)
    assert '"kept": 1' in json.dumps(shown[0])
