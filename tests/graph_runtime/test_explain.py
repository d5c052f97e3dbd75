"""For every node that runs, what changed since the last run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from graph_runtime.api import Catalogue, Context, Result
from graph_runtime.api import node as declare
from graph_runtime.cache import Cache
from graph_runtime.declare import spec_of
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.testing import FakeRunner, Recorder, any_spec
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

Make = Callable[..., Engine]
FILES = {"a.png": "one", "b.png": "one"}


def digest(file: str, ctx: Context) -> str:
    return FILES[file]


@declare("Load", fingerprint=digest)
def load(file: str, scale: int = 1) -> str:
    return FILES[file] * scale


LOAD = spec_of(load)
GRAPH = Graph([Node("1", "Load", {"file": "a.png", "scale": 1}), Node("2", "Show", {"value": Link("1", 0)})])


async def reasons(engine: Engine, graph: Graph) -> dict[str, list[dict[str, Any]]]:
    record = Recorder()
    await engine.run(graph, emit=record)
    return {event.node: list(event.reasons) for event in record.of("node_explained")}


def texts(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {node: [reason["text"] for reason in given] for node, given in found.items()}


async def test_the_first_run_and_a_cached_one(make_engine: Make) -> None:
    engine = make_engine(Catalogue([LOAD, shower()]))

    first = await reasons(engine, GRAPH)
    second = await reasons(engine, GRAPH)

    assert {node: [r["kind"] for r in given] for node, given in first.items()} == {
        "1": ["never_seen"],
        "2": ["never_seen"],
    }
    assert second == {}


async def test_a_changed_input_is_named_with_both_values(make_engine: Make) -> None:
    engine = make_engine(Catalogue([LOAD, shower()]))
    await reasons(engine, GRAPH)

    found = await reasons(engine, GRAPH.with_inputs("1", scale=25))

    assert found["1"] == [
        {"kind": "input", "input": "scale", "before": 1, "after": 25, "text": "'scale' changed from 1 to 25."}
    ]
    assert texts(found)["2"] == ["Node 1, connected to 'value', changed."]


async def test_a_files_content_counts_and_its_name_does_not(make_engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(Catalogue([LOAD, shower()]))
    await reasons(engine, GRAPH)

    assert await reasons(engine, GRAPH.with_inputs("1", file="b.png")) == {}
    monkeypatch.setitem(FILES, "b.png", "two")
    found = await reasons(engine, GRAPH.with_inputs("1", file="b.png"))
    assert [(r["kind"], r["before"], r["after"]) for r in found["1"]] == [("fingerprint", "['one']", "['two']")]


async def test_a_new_version_of_a_node(make_engine: Make) -> None:
    engine = make_engine(Catalogue([LOAD, shower()]))
    await reasons(engine, GRAPH)
    engine.catalogue = Catalogue([replace(LOAD, version=2), shower()])

    assert texts(await reasons(engine, GRAPH))["1"] == ["Version of 'Load' changed from 1 to 2."]


async def test_inputs_that_come_and_go_and_links_that_move(make_engine: Make) -> None:
    specs = [any_spec("a", terminal=False), any_spec("b")]
    engine = make_engine(Catalogue(specs), runner=FakeRunner())
    before = Graph(
        [Node("a", "a"), Node("c", "a", {"n": 1}), Node("b", "b", {"x": Link("a", 0), "y": 1, "z": Link("a", 0)})]
    )
    after = Graph(
        [Node("a", "a"), Node("c", "a", {"n": 1}), Node("b", "b", {"x": Link("a", 1), "w": 2, "z": Link("c", 0)})]
    )
    await reasons(engine, before)

    assert texts(await reasons(engine, after))["b"] == [
        "'x' is connected to output 1 instead of 0.",
        "'w' is new.",
        "Node c, connected to 'z', changed.",
        "'y' is gone.",
    ]


async def test_an_evicted_result_says_when_why_and_how_big(make_engine: Make) -> None:
    class Blob:
        nbytes = 60

    make = spec("Make", lambda value: Blob(), ["value"])
    engine = make_engine(Catalogue([make, shower()]), Cache(100, now=lambda: 77.0))
    graph = Graph([Node("1", "Make", {"value": 1}), Node("s", "Show", {"value": Link("1", 0)})])
    other = Graph([Node("8", "Make", {"value": 2}), Node("9", "Show", {"value": Link("8", 0)})])
    await reasons(engine, graph)
    await reasons(engine, other)

    found = await reasons(engine, graph.with_inputs("s", n=1))

    assert found["1"] == [
        {
            "kind": "evicted",
            "at": 77.0,
            "nbytes": 60,
            "why": "the cache was full (100 bytes)",
            "text": "Its result was dropped because the cache was full (100 bytes); it held 60 bytes.",
        }
    ]


async def test_a_result_that_was_dropped_between_two_equal_runs(make_engine: Make) -> None:
    engine = make_engine(Catalogue([LOAD, shower()]))
    await reasons(engine, GRAPH)
    engine.clear()

    found = await reasons(engine, GRAPH)

    assert found["1"][0]["kind"] == "evicted" and "the cache was cleared" in found["1"][0]["text"]


async def test_nodes_that_always_run_say_so(make_engine: Make) -> None:
    def never(value: int) -> float:
        return float("nan")

    @declare("Restless", fingerprint=never)
    def restless(value: int) -> int:
        return value

    specs = [spec_of(restless), shower(), any_spec("Stubborn", cache=False)]
    engine = make_engine(Catalogue(specs))
    graph = Graph(
        [Node("1", "Restless", {"value": 1}), Node("2", "Show", {"value": Link("1", 0)}), Node("3", "Stubborn")]
    )
    await reasons(engine, graph)

    found = texts(await reasons(engine, graph))
    assert found == {
        "1": ["Its change token never matches (it is NaN, or cannot be compared)."],
        "2": ["Node 1, connected to 'value', always runs."],
        "3": ["'Stubborn' never reuses results."],
    }


async def test_a_token_that_cannot_be_computed_says_why(make_engine: Make) -> None:
    engine = make_engine(Catalogue([LOAD, shower()]))
    missing = GRAPH.with_inputs("1", file="gone.png")
    await reasons(engine, missing)

    assert texts(await reasons(engine, missing))["1"] == [
        "Its change token could not be computed: KeyError: 'gone.png'"
    ]


async def test_what_did_not_finish_last_time(make_engine: Make) -> None:
    attempts: list[int] = []

    def sometimes() -> Result:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError
        return Result()

    engine = make_engine(Catalogue([spec("Sometimes", sometimes, (), 0, terminal=True)]))
    graph = Graph([Node("1", "Sometimes")])
    await reasons(engine, graph)

    assert texts(await reasons(engine, graph))["1"] == ["It did not finish, or was not needed, last time."]


async def test_other_graphs_in_between_do_not_confuse_the_comparison(make_engine: Make) -> None:
    engine = make_engine(Catalogue([LOAD, shower()]))
    other = Graph([Node("9", "Show", {"value": 1})])
    await reasons(engine, GRAPH)
    await reasons(engine, other)

    assert texts(await reasons(engine, GRAPH.with_inputs("1", scale=2)))["1"] == ["'scale' changed from 1 to 2."]
