"""Change tokens: asked once, trusted when given, never matching when they fail."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

from graph_runtime.api import Catalogue
from graph_runtime.catalogue import InputSpec
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.testing import Recorder
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

Make = Callable[..., Engine]
SHARED_NAN = math.nan


def noisy(token: Callable[[Any], Any], **changes: Any) -> Any:
    inputs = [
        InputSpec("value", "*"),
        InputSpec("linked", "*", required=False),
        InputSpec("me", "UNIQUE_ID", required=False, hidden="UNIQUE_ID"),
    ]
    return spec("Noisy", lambda **given: 1, inputs, fingerprint=True, behaviour={"fingerprint": token}, **changes)


GRAPH = Graph([Node("1", "Noisy", {"value": 3}), Node("2", "Show", {"value": Link("1", 0)})])


async def runs(engine: Engine, graph: Graph = GRAPH) -> list[str]:
    record = Recorder()
    await engine.run(graph, emit=record)
    return record.started()


async def test_a_node_runs_again_only_when_its_token_differs(make_engine: Make) -> None:
    tokens = iter(["x", "x", "y", True, True])
    engine = make_engine(Catalogue([noisy(lambda invocation: next(tokens)), shower()]))

    assert [bool(await runs(engine)) for _ in range(5)] == [True, False, True, True, False]


@pytest.mark.parametrize("value", [math.nan, SHARED_NAN, [math.nan], object()])
async def test_nan_and_what_cannot_be_compared_never_match(make_engine: Make, value: Any) -> None:
    engine = make_engine(Catalogue([noisy(lambda invocation: value), shower()]))

    assert [await runs(engine) for _ in range(2)] == [["1", "2"], ["1", "2"]]


async def test_a_failing_function_means_always_run(make_engine: Make) -> None:
    def fail(invocation: Any) -> Any:
        raise OSError("gone")

    engine = make_engine(Catalogue([noisy(fail), shower()]))

    assert [await runs(engine) for _ in range(2)] == [["1", "2"], ["1", "2"]]


async def test_an_asynchronous_function_is_awaited(make_engine: Make) -> None:
    async def later(invocation: Any) -> str:
        await asyncio.sleep(0)
        return "same"

    engine = make_engine(Catalogue([noisy(later), shower()]))

    assert [bool(await runs(engine)) for _ in range(2)] == [True, False]


async def test_it_sees_literals_and_hidden_values_and_none_for_links(make_engine: Make) -> None:
    seen: list[dict[str, Any]] = []
    nodes = GRAPH.with_nodes([Node("0", "Show"), Node("1", "Noisy", {"value": 3, "linked": Link("0", 0), "other": 1})])
    for whole in (False, True):
        token = noisy(lambda invocation: seen.append(invocation.inputs), input_is_list=whole)
        await runs(make_engine(Catalogue([token, shower()])), nodes)

    assert seen == [
        {"value": 3, "linked": None, "me": "1"},
        {"value": [3], "linked": [None], "me": ["1"]},
    ]


async def test_it_is_asked_once_a_run_even_for_twins(make_engine: Make) -> None:
    asked: list[int] = []
    engine = make_engine(Catalogue([noisy(lambda invocation: asked.append(1)), shower()]))

    await runs(engine)

    assert asked == [1]


async def test_a_token_that_came_with_the_graph_is_trusted(make_engine: Make) -> None:
    asked: list[int] = []
    engine = make_engine(Catalogue([noisy(lambda invocation: asked.append(1)), shower()]))

    def given(token: Any) -> Graph:
        return GRAPH.with_nodes([Node("1", "Noisy", {"value": 3}, change_token=token)])

    assert [bool(await runs(engine, given(token))) for token in (["a"], ["a"], ["b"])] == [True, False, True]
    assert asked == []


async def test_tokens_stay_out_of_the_submitted_prompt(make_engine: Make) -> None:
    seen: list[Any] = []
    inputs = [InputSpec("p", "PROMPT", required=False, hidden="PROMPT"), InputSpec("value", "*")]
    look = spec("Look", lambda p, value: seen.append(p), inputs, terminal=True)
    engine = make_engine(Catalogue([noisy(lambda invocation: math.nan), look]))

    await runs(engine, Graph([Node("1", "Noisy", {"value": 3}), Node("2", "Look", {"value": Link("1", 0)})]))

    assert "is_changed" not in seen[0]["1"]
