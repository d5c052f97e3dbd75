"""What nodes are given and what they may return: lists, blockers, hidden values (protocol §4.6, §4.7, §4.9)."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client, Graph, node


def letters(text: str) -> Graph:
    """A list of letters at [1, 0], the text at [1, 1]."""
    return {"1": node("ProbeSplit", text=text)}


async def test_a_node_is_called_once_an_item(client: Client) -> None:
    graph = {**letters("abc"), "2": node("ProbeJoin", a=["1", 0], b="!"), "3": node("ProbeShow", value=["2", 0])}

    assert await client.shown(graph, "3") == ["'a!'", "'b!'", "'c!'"]


async def test_a_shorter_list_repeats_its_last_item(client: Client) -> None:
    graph = {
        **letters("abc"),
        "2": node("ProbeSplit", text="xy"),
        "3": node("ProbeJoin", a=["1", 0], b=["2", 0]),
        "4": node("ProbeShow", value=["3", 0]),
    }

    assert await client.shown(graph, "4") == ["'ax'", "'by'", "'cy'"]


async def test_lists_are_received_whole_with_hidden_and_widget_values(client: Client) -> None:
    graph = {**letters("abc"), "4": node("ProbeShowList", value=["1", 0], plain=7)}

    entry = await client.run(graph)

    assert entry["outputs"]["4"] == {"text": ["['a', 'b', 'c']"], "id": ["4"], "plain": [7]}


async def test_outputs_that_are_lists_are_joined_over_calls(client: Client) -> None:
    graph = {
        **letters("ab"),
        "2": node("ProbeJoin", a=["1", 0], b="12"),
        "3": node("ProbeSplit", text=["2", 0]),
        "4": node("ProbeShowList", value=["3", 0]),
        "5": node("ProbeShowList", value=["3", 1]),
    }

    entry = await client.run(graph)

    assert entry["outputs"]["4"]["text"] == ["['a', '1', '2', 'b', '1', '2']"]
    assert entry["outputs"]["5"]["text"] == ["['a12', 'b12']"]


async def test_an_empty_list_beside_other_inputs_is_an_index_error(client: Client) -> None:
    graph = {**letters(""), "2": node("ProbeJoin", a=["1", 0], b="!"), "3": node("ProbeShow", value=["2", 0])}

    data = await client.failure(graph)

    assert data["node_id"] == "2"
    assert "list index out of range" in data["exception_message"]


async def test_only_empty_lists_give_one_call_without_arguments(client: Client) -> None:
    graph = {**letters(""), "3": node("ProbeShow", value=["1", 0])}

    data = await client.failure(graph)

    assert data["exception_type"] == "TypeError"
    assert "value" in data["exception_message"]


async def test_a_node_without_inputs_is_called_once(client: Client) -> None:
    assert await client.shown({"1": node("ProbeNoInputs"), "2": node("ProbeShow", value=["1", 0])}, "2") == ["42"]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("tuple", ["'a'", "'b'"]),
        ("list", ["'a'", "'b'"]),
        ("string", ["'a'", "'b'"]),
        ("both", ["'a'", "'b'"]),
        ("short", ["'a'", "None"]),
        ("long", ["'a'", "'b'"]),
    ],
)
async def test_results_come_in_many_forms(client: Client, form: str, values: list[str]) -> None:
    graph = {
        "1": node("ProbeReturns", form=form),
        "2": node("ProbeShow", value=["1", 0]),
        "3": node("ProbeShow", value=["1", 1]),
    }

    entry = await client.run(graph)

    assert entry["outputs"]["2"]["text"] + entry["outputs"]["3"]["text"] == values
    assert entry["outputs"].get("1") == ({"text": ["u"]} if form == "both" else None)


async def test_a_result_may_be_what_is_shown_alone(client: Client) -> None:
    assert await client.shown({"1": node("ProbeReturns", form="ui")}, "1") == ["u"]


@pytest.mark.parametrize("form", ["none", "number", "shown"])
async def test_what_is_no_result_is_a_type_error(client: Client, form: str) -> None:
    data = await client.failure({"1": node("ProbeReturns", form=form)})

    assert data["exception_type"] == "TypeError"
    assert data["node_type"] == "ProbeReturns"


@pytest.mark.parametrize(("form", "text"), [("dict", "'from a dict'"), ("tuple", "'from a tuple'"), ("text", "'text'")])
async def test_schema_results_come_in_many_forms(client: Client, form: str, text: str) -> None:
    graph = {"1": node("SchemaReturns", form=form), "2": node("ProbeShow", value=["1", 0])}

    assert await client.shown(graph, "2") == [text]


@pytest.mark.parametrize("form", ["block", "silent"])
async def test_a_schema_node_may_block_with_or_without_values(client: Client, form: str) -> None:
    graph = {"1": node("SchemaReturns", form=form), "2": node("ProbeShow", value=["1", 0])}
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    entry = await client.finished(job)
    assert entry["outputs"] == {}
    errors = [item["data"] for item in heard if item["type"] == "execution_error"]
    assert [error["exception_message"] for error in errors] == ["Execution Blocked: closed"]


async def test_a_schema_node_gets_its_hidden_values_by_class(client: Client) -> None:
    graph = {"5": node("SchemaPlain", whole=4, real=0.5, words="w", flag=False, pick="x")}

    assert await client.shown(graph, "5", "given") == [4, 0.5, "w", False, "x", True, "5", True]


async def test_a_schema_validator_refuses(client: Client) -> None:
    graph = {"5": node("SchemaPlain", whole=7, real=0.5, words="w", flag=False, pick="x")}

    errors = (await client.refused(graph))["node_errors"]["5"]["errors"]

    assert sorted(error["details"] for error in errors) == [
        "pick - seven is not allowed",
        "whole - seven is not allowed",
    ]


async def test_what_comes_after_a_silent_blocker_does_not_run(client: Client) -> None:
    graph = {
        "1": node("ProbeBlock", value="x", message="", only=""),
        "2": node("ProbeShow", value=["1", 0]),
        "3": node("ProbeShow", value=["2", 0]),
        "4": node("ProbeShow", value="runs"),
    }
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    entry = await client.finished(job)
    assert list(entry["outputs"]) == ["4"]
    assert entry["status"]["status_str"] == "success"
    assert not [item for item in heard if item["type"] == "execution_error"]


async def test_a_blocker_with_a_message_tells_once_and_the_run_goes_on(client: Client) -> None:
    graph = {
        "1": node("ProbeBlock", value=uuid.uuid4().hex, message="stop here", only=""),
        "2": node("ProbeShow", value=["1", 0]),
        "3": node("ProbeShow", value=["2", 0]),
    }
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    (error,) = [item["data"] for item in heard if item["type"] == "execution_error"]
    assert error == {
        "prompt_id": job,
        "node_id": "2",
        "node_type": "ProbeShow",
        "executed": ["1"],
        "exception_message": "Execution Blocked: stop here",
        "exception_type": "ExecutionBlocked",
        "traceback": [],
        "current_inputs": [],
        "current_outputs": [],
    }
    entry = await client.finished(job)
    assert [kind for kind, _ in entry["status"]["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]


async def test_blockers_count_by_list_item(client: Client) -> None:
    graph = {
        **letters("abc"),
        "2": node("ProbeBlock", value=["1", 0], message="", only="b"),
        "3": node("ProbeShow", value=["2", 0]),
        "4": node("ProbeShowList", value=["2", 0]),
    }

    entry = await client.run(graph)

    assert entry["outputs"]["3"]["text"] == ["'a'", "'c'"]
    assert "4" not in entry["outputs"]


async def test_a_blocker_alone_fills_every_output(client: Client) -> None:
    graph = {
        "1": node("ProbeBlockAlone"),
        "2": node("ProbeShow", value=["1", 0]),
        "3": node("ProbeShow", value=["1", 1]),
    }

    assert (await client.run(graph))["outputs"] == {}


async def test_hidden_values_are_given_by_kind(client: Client) -> None:
    graph = {
        "4": {
            "class_type": "ProbeHidden",
            "inputs": {"plain": "5", "me": "forged", "own": "given"},
            "_meta": {"title": "T"},
        }
    }

    entry = await client.run(graph, extra_data={"extra_pnginfo": {"workflow": {"x": 1}}})

    shown = entry["outputs"]["4"]
    assert shown["me"] == ["4"]
    assert shown["own"] == ["given"]
    assert shown["extra"] == [{"workflow": {"x": 1}}]
    assert shown["secrets"] == [False, False]
    assert shown["prompt"][0]["4"]["inputs"]["plain"] == 5
    assert shown["dyn"] == ["ProbeHidden", "4", "4", None, False, ["4"]]


async def test_the_prompt_is_given_without_wrappers(client: Client) -> None:
    graph = {"1": node("ProbeHidden", plain=1), "2": node("ProbeShow", value={"__value__": ["a", 1]})}

    entry = await client.run(graph)

    assert entry["outputs"]["1"]["prompt"][0]["2"]["inputs"] == {"value": ["a", 1]}
    assert entry["outputs"]["2"]["text"] == ["['a', 1]"]


async def test_undeclared_links_are_passed_and_undeclared_literals_are_not(client: Client) -> None:
    graph = {"1": node("ProbeText", text="t"), "2": node("ProbePlain", a=1, extra=["1", 0], literal=5)}

    assert await client.shown(graph, "2") == ["(1, [('extra', 't')])"]


async def test_dynamic_inputs_get_links_and_literals(client: Client) -> None:
    graph = {"1": node("ProbeText", text="t"), "2": node("ProbeDynamic", a=["1", 0], b=5)}

    assert await client.shown(graph, "2") == ["[('a', 't'), ('b', 5)]"]


async def test_an_undeclared_link_to_nothing_fails_that_prompt_only(client: Client) -> None:
    graph = {"2": node("ProbePlain", a=1, extra=["9", 0])}

    status, body, _ = await client.ask("POST", "/prompt", json={"prompt": graph})

    if status == 200:
        assert (await client.finished(json.loads(body)["prompt_id"]))["status"]["status_str"] == "error"
    else:
        assert status == 400
    assert await client.shown({"1": node("ProbeShow", value="still here")}, "1") == ["'still here'"]


async def test_a_raw_link_is_given_as_it_is_and_still_depended_on(client: Client) -> None:
    graph = {"1": node("ProbeFail", message="ran"), "2": node("ProbeRaw", link=["1", 0])}
    assert (await client.failure(graph))["node_id"] == "1"

    assert await client.shown({"1": node("ProbeNoInputs"), "2": node("ProbeRaw", link=["1", 0])}, "2") == ["['1', 0]"]


async def test_what_json_cannot_say_still_ends_the_job(client: Client) -> None:
    entry = await client.run({"1": node("ProbeNan")})

    assert entry["status"]["status_str"] == "success"
    async with client.session.get(f"{client.host.url}/history") as answer:
        json.loads(await answer.text(), parse_constant=_refuse)


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} is not JSON")


async def test_independent_branches_run_beside_each_other(client: Client) -> None:
    graph = {
        "1": node("ProbeWait", seconds=0.8, value=uuid.uuid4().hex),
        "2": node("ProbeWait", seconds=0.8, value=uuid.uuid4().hex),
        "3": node("ProbeSleep", seconds=0.8, value=uuid.uuid4().hex),
        "4": node("ProbeShow", value=["1", 0]),
        "5": node("ProbeShow", value=["2", 0]),
        "6": node("ProbeShow", value=["3", 0]),
    }
    loop = asyncio.get_running_loop()
    started = loop.time()

    await client.run(graph)

    assert loop.time() - started < 1.9
