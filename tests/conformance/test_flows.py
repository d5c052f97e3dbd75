"""Control flow as packs build it: loops out of expansions, lists through lazy nodes, types of their own."""

from __future__ import annotations

import ast
import asyncio
import uuid
from typing import Any

import pytest

from tests.conformance.client import Client, Graph, node


def numbers(*values: float) -> Graph:
    """A list at [list, 0] of numbers that nobody used before."""
    salt = uuid.uuid4().int % 1000 / 1e9
    made = {f"n{at}": node("PrimitiveFloat", value=value + salt) for at, value in enumerate(values)}
    return {**made, "list": node("FlowsList", **{f"value{at + 1}": [key, 0] for at, key in enumerate(made)})}


async def rounded(client: Client, graph: Graph, link: list[Any]) -> list[float]:
    """The numbers of a list, shown by a node."""
    (shown,) = await client.shown({**graph, "show": node("ProbeShowList", value=link)}, "show")
    return [round(value, 3) if isinstance(value, float) else value for value in ast.literal_eval(shown)]


@pytest.mark.parametrize(("share", "runs"), [(0.0, {"a"}), (1.0, {"b"}), (0.5, {"a", "b"})])
async def test_only_what_counts_is_evaluated(client: Client, share: float, runs: set[str]) -> None:
    fresh = uuid.uuid4().int % 2**20
    graph = {
        "a": node("PrimitiveFloat", value=fresh),
        "b": node("PrimitiveFloat", value=fresh + 0.5),
        "mix": node("FlowsMix", a=["a", 0], b=["b", 0], share=share),
        "show": node("ProbeShow", value=["mix", 0]),
    }
    async with client.listen() as listener:
        await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    executed = {item["data"]["node"] for item in heard if item["type"] == "executing"}
    assert executed & {"a", "b"} == runs


async def test_lazy_inputs_are_asked_for_by_list_item(client: Client) -> None:
    graph = {
        **numbers(0.0, 0.5, 1.0),
        "a": node("PrimitiveFloat", value=10.0),
        "b": node("PrimitiveFloat", value=20.0),
        "mix": node("FlowsMix", a=["a", 0], b=["b", 0], share=["list", 0]),
    }

    assert await rounded(client, graph, ["mix", 0]) == [10.0, 15.0, 20.0]


async def test_calls_that_return_in_different_ways_keep_their_order(client: Client) -> None:
    graph = {**numbers(0.5, 1.5, 8.0, 0.25), "mixed": node("FlowsMixed", number=["list", 0])}

    assert await rounded(client, graph, ["mixed", 0]) == [0.5, 1.5, 4.0, 0.25]
    assert await rounded(client, graph, ["mixed", 1]) == ["tuple", "result", "expansion", "tuple"]


@pytest.mark.parametrize("rounds", [1, 2, 5])
async def test_a_loop_of_loops_runs_as_often_as_it_says(client: Client, rounds: int) -> None:
    start = uuid.uuid4().hex
    graph = {
        "open": node("FlowsForOpen", rounds=rounds, value1=start, value2="x"),
        "body": node("ProbeJoin", a=["open", 2], b=["open", 3]),
        "close": node("FlowsForClose", flow=["open", 0], value1=["body", 0], value2=["open", 3]),
        "show": node("ProbeShow", value=["close", 0]),
    }
    async with client.listen() as listener:
        job = await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    assert (await client.finished(job))["outputs"]["show"]["text"] == [repr(start + "x" * rounds)]
    executing = [item["data"] for item in heard if item["type"] == "executing"]
    bodies = {data["node"] for data in executing if data.get("display_node") == "body"}
    assert len(bodies) == rounds, "every round shows on the node of the body"


async def test_a_changed_loop_goes_on_where_it_was_the_same(client: Client) -> None:
    start = uuid.uuid4().hex
    graph = {
        "first": node("ProbeText", text=start),
        "open": node("FlowsForOpen", rounds=2, value1=["first", 0], value2="x"),
        "body": node("ProbeJoin", a=["open", 2], b=["open", 3]),
        "close": node("FlowsForClose", flow=["open", 0], value1=["body", 0], value2=["open", 3]),
        "show": node("ProbeShow", value=["close", 0]),
    }
    await client.run(graph)
    graph["open"]["inputs"]["rounds"] = 3

    entry = await client.run(graph)

    assert entry["outputs"]["show"]["text"] == [repr(start + "xxx")]
    assert entry["status"]["messages"][1][1]["nodes"] == ["first"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"a": 2, "b": 1.5}, None),
        ({"a": ["int", 0], "b": 1.5}, None),
        ({"a": ["text", 0], "b": 1.5}, "Invalid type of a: STRING"),
        ({"a": "two", "b": 1.5}, "Invalid type of a: str"),
    ],
)
async def test_a_validator_judges_links_by_type_and_literals_by_value(
    client: Client, given: dict[str, Any], problem: str | None
) -> None:
    graph = {
        "int": node("PrimitiveInt", value=2),
        "text": node("ProbeText", text="t"),
        "own": node("FlowsOwnTypes", **given),
        "show": node("ProbeShow", value=["own", 0]),
    }

    if problem is None:
        assert await client.shown(graph, "show") == ["3.0"]
    else:
        errors = (await client.refused(graph))["node_errors"]["own"]["errors"]
        assert {error["details"].partition(" - ")[2] for error in errors} == {problem}


async def test_nodes_of_an_expansion_wait_beside_each_other(client: Client) -> None:
    started = asyncio.get_running_loop().time()
    graph = {"1": node("FlowsTogether", seconds=0.4, count=4), "2": node("ProbeShowList", value=["1", 0])}

    assert await client.shown(graph, "2") == ["[0, 1, 2, 3]"]
    assert asyncio.get_running_loop().time() - started < 1.5


async def test_progress_told_from_a_thread_is_of_its_node(client: Client) -> None:
    graph = {"1": node("FlowsProgress", value=uuid.uuid4().hex), "2": node("ProbeShow", value=["1", 0])}
    async with client.listen() as listener:
        await client.queue(graph, client_id=listener.sid)
        heard = await listener.run()

    states = [item["data"]["nodes"]["1"] for item in heard if item["type"] == "progress_state"]
    assert any(0 < state["value"] < state["max"] == 1.0 for state in states), states
    assert "progress" not in {item["type"] for item in heard}
