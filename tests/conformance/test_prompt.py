"""Submitting prompts: `/prompt` (protocol §1.2, §4.1)."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client, node

GOOD = {"1": node("ProbeText", text="a"), "2": node("ProbeShow", value=["1", 0])}
NUMBERS = {"whole": 1, "real": 0.5, "words": "w", "flag": True, "choice": "one", "modern": "x"}


def numbers(**changed: Any) -> dict[str, Any]:
    """A prompt of one node with every kind of literal."""
    return {"1": node("ProbeNumbers", **{**NUMBERS, **changed})}


async def test_the_queue_is_counted(client: Client) -> None:
    assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 0}}

    await client.queue({"1": node("ProbeSleep", seconds=5.0, value=1), "2": node("ProbeShow", value=["1", 0])})
    await client.queue(GOOD)

    assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 2}}


async def test_success_tells_id_number_and_no_errors(client: Client) -> None:
    answer = await client.post("/prompt", {"prompt": GOOD})

    assert set(answer) == {"prompt_id", "number", "node_errors"}
    assert uuid.UUID(answer["prompt_id"]).version == 4
    assert type(answer["number"]) is int
    assert answer["node_errors"] == {}


async def test_the_counter_also_counts_refused_prompts_but_not_numbered_ones(client: Client) -> None:
    first = (await client.post("/prompt", {"prompt": GOOD}))["number"]
    await client.refused({"1": node("ProbeText", text="a")})
    await client.refused({"1": {"inputs": {}}})
    numbered = await client.post("/prompt", {"prompt": GOOD, "number": 7})
    in_front = await client.post("/prompt", {"prompt": GOOD, "front": True})
    both = await client.post("/prompt", {"prompt": GOOD, "front": True, "number": "-2.5"})

    assert numbered["number"] == 7.0 and type(numbered["number"]) is float
    assert in_front["number"] == -(first + 3)
    assert both["number"] == -2.5


async def test_a_client_chooses_the_id_and_any_value_is_a_text(client: Client) -> None:
    number = uuid.uuid4().int % 10**9

    answer = await client.post("/prompt", {"prompt": GOOD, "prompt_id": number})

    assert answer["prompt_id"] == str(number)
    assert (await client.finished(str(number)))["status"]["completed"] is True


async def test_a_finished_id_can_be_used_again(client: Client) -> None:
    name = uuid.uuid4().hex
    await client.run(GOOD, prompt_id=name)

    entry = await client.run({"1": node("ProbeNoInputs"), "2": node("ProbeShow", value=["1", 0])}, prompt_id=name)

    assert entry["outputs"]["2"]["text"] == ["42"]


@pytest.mark.parametrize(
    ("body", "kind", "message", "details"),
    [
        ({}, "no_prompt", "No prompt provided", "No prompt provided"),
        (
            {"prompt": {"7": {"inputs": {}}}},
            "invalid_prompt",
            "Cannot execute because a node is missing the class_type property.",
            "Node ID '#7'",
        ),
        (
            {"prompt": {"7": node("NoSuchNode"), "2": node("ProbeNoInputs")}},
            "invalid_prompt",
            "Cannot execute because node NoSuchNode does not exist.",
            "Node ID '#7'",
        ),
        ({"prompt": {"1": node("ProbeNoInputs")}}, "prompt_no_outputs", "Prompt has no outputs", ""),
        ({"prompt": {}}, "prompt_no_outputs", "Prompt has no outputs", ""),
        ({"prompt": {"1": node("ProbeOutputNotQuite")}}, "prompt_no_outputs", "Prompt has no outputs", ""),
        ({"prompt": GOOD, "partial_execution_targets": []}, "prompt_no_outputs", "Prompt has no outputs", ""),
        ({"prompt": GOOD, "partial_execution_targets": ["1"]}, "prompt_no_outputs", "Prompt has no outputs", ""),
    ],
)
async def test_what_has_no_chance_is_refused(
    client: Client, body: dict[str, Any], kind: str, message: str, details: str
) -> None:
    answer = await client.post("/prompt", body, 400)

    error = {"type": kind, "message": message, "details": details, "extra_info": {}}
    assert answer["error"] == error
    assert answer["node_errors"] == {}


@pytest.mark.parametrize("prompt", [[], "text", 5, None, {"1": []}, {"1": "text"}, {"1": None}])
async def test_what_is_no_prompt_is_refused_in_words(client: Client, prompt: Any) -> None:
    answer = await client.post("/prompt", {"prompt": prompt}, 400)

    assert answer["error"]["type"] == "invalid_prompt"
    assert answer["error"]["message"]


async def test_only_the_chosen_outputs_run(client: Client) -> None:
    graph = {**GOOD, "3": node("ProbeShow", value="three"), "4": node("ProbeShow", value=["2", 0])}

    entry = await client.run(graph, partial_execution_targets=["4"])

    assert entry["prompt"][4] == ["4"]
    assert sorted(entry["outputs"]) == ["2", "4"]


async def test_no_choice_of_outputs_runs_all(client: Client) -> None:
    entry = await client.run({**GOOD, "3": node("ProbeShow", value="x")}, partial_execution_targets=None)

    assert sorted(entry["prompt"][4]) == ["2", "3"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        (
            {"whole": 11},
            {
                "type": "value_bigger_than_max",
                "message": "Value 11 bigger than max of 10",
                "details": "whole",
                "extra_info": {
                    "input_name": "whole",
                    "input_config": ["INT", {"default": 1, "min": -10, "max": 10}],
                    "received_value": 11,
                },
            },
        ),
        (
            {"real": -1},
            {
                "type": "value_smaller_than_min",
                "message": "Value -1.0 smaller than min of 0.0",
                "details": "real",
                "extra_info": {
                    "input_name": "real",
                    "input_config": ["FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0}],
                    "received_value": -1.0,
                },
            },
        ),
        (
            {"choice": "three"},
            {
                "type": "value_not_in_list",
                "message": "Value not in list",
                "details": "choice: 'three' not in ['one', 'two']",
                "extra_info": {"input_name": "choice", "input_config": [["one", "two"]], "received_value": "three"},
            },
        ),
        (
            {"long": "x"},
            {
                "type": "value_not_in_list",
                "message": "Value not in list",
                "details": "long: 'x' not in (list of length 30)",
                "extra_info": {"input_name": "long", "input_config": None, "received_value": "x"},
            },
        ),
        (
            {"whole": ["1", 0, 5]},
            {
                "type": "bad_linked_input",
                "message": "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                "details": "whole",
                "extra_info": {
                    "input_name": "whole",
                    "input_config": ["INT", {"default": 1, "min": -10, "max": 10}],
                    "received_value": ["1", 0, 5],
                },
            },
        ),
        (
            {"whole": "1.5"},
            {
                "type": "invalid_input_type",
                "message": "Failed to convert an input value to a INT value",
                "details": "whole, 1.5, invalid literal for int() with base 10: '1.5'",
                "extra_info": {
                    "input_name": "whole",
                    "input_config": ["INT", {"default": 1, "min": -10, "max": 10}],
                    "received_value": "1.5",
                    "exception_message": "invalid literal for int() with base 10: '1.5'",
                },
            },
        ),
    ],
)
async def test_a_wrong_literal_is_reported_exactly(
    client: Client, changed: dict[str, Any], error: dict[str, Any]
) -> None:
    answer = await client.refused(numbers(**changed))

    assert answer["node_errors"] == {"1": {"errors": [error], "dependent_outputs": ["1"], "class_type": "ProbeNumbers"}}
    assert answer["error"] == {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
        "details": f"{error['message']}: {error['details']}",
        "extra_info": {},
    }


async def test_every_input_is_reported_at_once(client: Client) -> None:
    graph = {"1": node("ProbeNumbers", whole=None, real="x", choice=1)}

    answer = await client.refused(graph)

    found = {
        error["details"].split(",")[0].split(":")[0]: error["type"] for error in answer["node_errors"]["1"]["errors"]
    }
    assert found == {
        "whole": "invalid_input_type",
        "real": "invalid_input_type",
        "words": "required_input_missing",
        "flag": "required_input_missing",
        "choice": "value_not_in_list",
        "modern": "required_input_missing",
    }
    missing = answer["node_errors"]["1"]["errors"][2]
    assert missing["extra_info"] == {"input_name": "words"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"whole": "7"}, {"whole": 7}),
        ({"whole": 3.9}, {"whole": 3}),
        ({"real": "0.25"}, {"real": 0.25}),
        ({"real": 1}, {"real": 1.0}),
        ({"words": None}, {"words": "None"}),
        ({"words": 5}, {"words": "5"}),
        ({"flag": "false"}, {"flag": True}),
        ({"flag": 0}, {"flag": False}),
        ({"modern": "unknown"}, {"modern": "unknown"}),
        ({"words": {"__value__": "w"}}, {"words": "w"}),
        ({"words": {"__value__": [1, 2]}}, {"words": "[1, 2]"}),
    ],
)
async def test_literals_become_what_the_input_declares(
    client: Client, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    entry = await client.run(numbers(**given))

    name, value = next(iter(kept.items()))
    seen, stored = entry["outputs"]["1"]["given"][0][name], entry["prompt"][2]["1"]["inputs"][name]
    assert (seen, type(seen)) == (stored, type(stored)) == (value, type(value))


async def test_a_wrapped_list_is_a_literal(client: Client) -> None:
    entry = await client.run({"1": node("ProbeShow", value={"__value__": [1, 2, 3]})})

    assert entry["outputs"]["1"]["text"] == ["[1, 2, 3]"]
    assert entry["prompt"][2]["1"]["inputs"]["value"] == [1, 2, 3]


async def test_links_of_wrong_types_are_refused(client: Client) -> None:
    graph = {"1": node("ProbeText", text="a"), "2": node("ProbeTakesInt", value=["1", 0])}

    answer = await client.refused(graph)

    assert answer["node_errors"]["2"]["errors"] == [
        {
            "type": "return_type_mismatch",
            "message": "Return type mismatch between linked nodes",
            "details": "value, received_type(STRING) mismatch input_type(INT)",
            "extra_info": {
                "input_name": "value",
                "input_config": ["INT"],
                "received_type": "STRING",
                "linked_node": ["1", 0],
            },
        }
    ]


@pytest.mark.parametrize(("slot", "good"), [(1, True), (0, False)])
async def test_unions_of_types_that_meet_are_accepted(client: Client, slot: int, good: bool) -> None:
    graph = {"1": node("ProbeOld", seed=5), "2": node("ProbeTakesB", value=["1", slot])}

    if good:
        assert await client.shown(graph, "2") == ["5"]
    else:
        error = (await client.refused(graph))["node_errors"]["2"]["errors"][0]
        assert error["type"] == "return_type_mismatch"
        assert error["extra_info"]["received_type"] == ["one", "two"]


@pytest.mark.parametrize("link", [["9", 0], ["1", 5], ["1", -1]])
async def test_a_link_to_what_is_not_there_is_reported_on_the_output(client: Client, link: list[Any]) -> None:
    answer = await client.refused({"1": node("ProbeText", text="a"), "2": node("ProbeTakesInt", value=link)})

    error = answer["node_errors"]["2"]["errors"][0]
    assert error["type"] == "exception_during_validation"
    assert {"exception_type", "traceback"} <= set(error["extra_info"])


async def test_a_link_to_what_is_not_there_is_reported_on_the_inner_node(client: Client) -> None:
    graph = {"1": node("ProbeJoin", a=["9", 0], b="x"), "2": node("ProbeShow", value=["1", 0])}

    answer = await client.refused(graph)

    assert list(answer["node_errors"]) == ["1"]
    error = answer["node_errors"]["1"]["errors"][0]
    assert error["type"] == "exception_during_inner_validation"
    assert error["extra_info"]["input_name"] == "value"
    assert error["extra_info"]["linked_node"] == ["1", 0]
    assert {"input_config", "exception_message", "exception_type", "traceback"} <= set(error["extra_info"])
    assert answer["error"]["details"] == ""


async def test_only_the_faulty_node_is_reported(client: Client) -> None:
    graph = {
        "1": node("ProbeTakesInt", value="x"),
        "2": node("ProbeTakesInt", value=["1", 0]),
        "3": node("ProbeShow", value=["2", 0]),
        "4": node("ProbeShow", value="fine"),
    }

    answer = await client.post("/prompt", {"prompt": graph})

    assert set(answer["node_errors"]) == {"1"}
    assert sorted(answer["node_errors"]["1"]["dependent_outputs"]) == ["1", "2", "3"]
    entry = await client.finished(answer["prompt_id"])
    assert entry["prompt"][4] == ["4"]
    assert list(entry["outputs"]) == ["4"]
    assert entry["status"]["status_str"] == "success"


async def test_only_what_an_output_needs_is_checked(client: Client) -> None:
    graph = {**GOOD, "3": node("ProbeJoin", a=["3", 9])}

    assert (await client.post("/prompt", {"prompt": graph}))["node_errors"] == {}


async def test_a_cycle_is_named(client: Client) -> None:
    graph = {
        "1": node("ProbeJoin", a=["2", 0], b="x"),
        "2": node("ProbeJoin", a=["1", 0], b="y"),
        "3": node("ProbeShow", value=["2", 0]),
    }

    answer = await client.refused(graph)

    assert answer["error"]["type"] == "prompt_outputs_failed_validation"
    assert "1" in answer["error"]["details"] and "2" in answer["error"]["details"]


async def test_a_prompt_out_of_an_older_picture_may_have_change_tokens_that_are_no_number(client: Client) -> None:
    body = '{"prompt": {"1": {"class_type": "ProbeShow", "inputs": {"value": %s}, "is_changed": [NaN, 1]}}}'

    status, answer, _ = await client.ask("POST", "/prompt", data=body % '"x"')
    refused, reason, _ = await client.ask("POST", "/prompt", data=body % "NaN")

    assert status == 200, answer
    entry = await client.finished(json.loads(answer)["prompt_id"])
    assert entry["outputs"]["1"]["text"] == ["'x'"]
    assert "is_changed" not in entry["prompt"][2]["1"]
    assert refused == 400 and "NaN" in reason


async def test_secrets_reach_nodes_but_are_never_shown(client: Client) -> None:
    sleeping = {"1": node("ProbeSleep", seconds=1.0, value=1), "2": node("ProbeShow", value=["1", 0])}
    await client.queue(sleeping)
    extra = {"auth_token_comfy_org": "T", "api_key_comfy_org": "K", "extra_pnginfo": {"workflow": {"a": 1}}, "kept": 2}
    job = await client.queue({"1": node("ProbeHidden", plain=1)}, extra_data=extra, client_id="me")

    queued = (await client.get("/queue"))["queue_pending"][0]
    entry = await client.finished(job)

    shown = {"extra_pnginfo": {"workflow": {"a": 1}}, "kept": 2, "client_id": "me"}
    assert queued[3] == entry["prompt"][3] == shown
    assert entry["outputs"]["1"]["secrets"] == [True, True]
    assert entry["outputs"]["1"]["extra"] == [{"workflow": {"a": 1}}]


async def test_packs_may_change_a_submission(client: Client) -> None:
    assert await client.shown(GOOD, "2", extra_data={"mark": True}) == ["'marked'"]
    assert await client.shown(GOOD, "2", extra_data={"break": True}) == ["'a'"]
    assert await client.shown(GOOD, "2", extra_data={"mark": True, "sign": True}) == ["'marked signed'"]
    assert await client.shown(GOOD, "2", extra_data={"break": True, "sign": True}) == ["'a signed'"]
