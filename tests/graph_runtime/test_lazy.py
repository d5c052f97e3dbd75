"""Lazy inputs, asked for by a check or awaited: only what is needed runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from graph_runtime.api import Blocker, Catalogue, Lazy, Many, Result
from graph_runtime.api import node as declare
from graph_runtime.cache import Cache
from graph_runtime.declare import spec_of
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.testing import Recorder, run_graph
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

T = TypeVar("T")


@declare("Choose")
async def choose(when: bool, if_true: Lazy[T], if_false: Lazy[T]) -> T:
    """Pass on one of two values."""
    return await (if_true if when else if_false)


@declare("Gather", terminal=True)
async def both(a: Lazy[Any], b: Lazy[Any]) -> Any:
    return Result((await asyncio.gather(a, b),))


def start(value: Any) -> Any:
    return value


START = spec("Start", start, ["value"])
EACH = spec("Each", lambda value: Result((list(value),)), ["value"], 1)


def switch(when: bool, a: Any, b: Any) -> Any:
    return a if when else b


def needed(invocation: Any) -> list[str]:
    return ["a"] if invocation.inputs["when"] else ["b"]


SWITCH = spec("Switch", switch, ["when", "a~", "b~"], behaviour={"lazy": "check", "needed": needed})


def switching(kind: str, when: bool) -> Graph:
    names = ("if_true", "if_false") if kind == "Choose" else ("a", "b")
    return Graph(
        [
            Node("yes", "Start", {"value": "yes"}),
            Node("no", "Start", {"value": "no"}),
            Node("s", kind, {"when": when, names[0]: Link("yes", 0), names[1]: Link("no", 0)}),
            Node("end", "Show", {"value": Link("s", 0)}),
        ]
    )


SPECS = Catalogue([START, SWITCH, shower(), spec_of(choose), spec_of(both)])


@pytest.mark.parametrize("kind", ["Switch", "Choose"])
@pytest.mark.parametrize("when", [True, False])
@pytest.mark.parametrize("cache", [Cache, Cache.none])
async def test_only_the_chosen_branch_runs(kind: str, when: bool, cache: Callable[[], Cache]) -> None:
    record = Recorder()

    outcome = await run_graph(switching(kind, when), SPECS, emit=record, cache=cache())

    assert outcome.outputs == {"end": {"value": ["yes" if when else "no"]}}
    assert ("yes" in record.started(), "no" in record.started()) == (when, not when)


async def test_a_node_sent_back_for_lazy_inputs_starts_again() -> None:
    record = Recorder()

    await run_graph(switching("Switch", True), SPECS, emit=record)

    assert record.started() == ["s", "yes", "s", "end"]


async def test_a_lazy_check_repeats_until_nothing_new_is_needed() -> None:
    asked: list[dict[str, Any]] = []

    def more(invocation: Any) -> list[str]:
        asked.append(dict(invocation.inputs))
        return [name for name in ("a", "b") if invocation.inputs[name] is None][:1]

    add = spec("Add", lambda a, b: a + b, ["a~", "b~"], behaviour={"lazy": "check", "needed": more})
    nodes = [
        Node("1", "Start", {"value": 1}),
        Node("2", "Start", {"value": 2}),
        Node("s", "Add", {"a": Link("1", 0), "b": Link("2", 0)}),
        Node("e", "Show", {"value": Link("s", 0)}),
    ]

    outcome = await run_graph(Graph(nodes), [START, add, shower()])

    assert outcome.outputs == {"e": {"value": [3]}}
    assert asked == [{"a": None, "b": None}, {"a": 1, "b": None}, {"a": 1, "b": 2}]


async def test_an_asynchronous_lazy_check_is_awaited() -> None:
    async def later(invocation: Any) -> list[str]:
        await asyncio.sleep(0)
        return needed(invocation)

    for asynchronous in (False, True):

        async def switch_later(**given: Any) -> Any:
            return switch(**given)

        function = switch_later if asynchronous else switch
        late = spec(
            "Switch",
            function,
            ["when", "a~", "b~"],
            behaviour={"lazy": "check", "needed": later, "asynchronous": asynchronous},
        )
        outcome = await run_graph(switching("Switch", False), [START, late, shower()])

        assert outcome.outputs == {"end": {"value": ["no"]}}


async def test_names_that_are_available_are_ignored_and_absent_ones_are_errors() -> None:
    def ask(*names: str) -> Any:
        return spec(
            "Switch",
            lambda **given: Result(),
            ["when", "a~", "b?"],
            0,
            terminal=True,
            behaviour={"lazy": "check", "needed": lambda invocation: names},
        )

    nodes = Graph([Node("s", "Switch", {"when": True})])

    assert (await run_graph(nodes, [ask("when")])).status == "succeeded"
    failed = await run_graph(nodes, [ask("a")])
    assert failed.error is not None and "needs input 'a', but nothing is connected there" in failed.error.message


async def test_without_a_check_lazy_inputs_arrive_as_none() -> None:
    plain = spec("Switch", lambda when, a, b: Result((repr((when, a, b)),)), ["when", "a~", "b~"])

    outcome = await run_graph(switching("Switch", True), [START, plain, shower()])

    assert outcome.outputs == {"end": {"value": ["(True, None, None)"]}}


async def test_a_whole_list_check_sees_a_tuple_of_none() -> None:
    seen: list[Any] = []

    def ask(invocation: Any) -> list[str]:
        seen.append(dict(invocation.inputs))
        return ["a"] if invocation.inputs["a"] == (None,) else []

    take = spec("Take", lambda a: a, ["a~"], input_is_list=True, behaviour={"lazy": "check", "needed": ask})
    nodes = [
        Node("1", "Start", {"value": 5}),
        Node("t", "Take", {"a": Link("1", 0)}),
        Node("e", "Show", {"value": Link("t", 0)}),
    ]

    outcome = await run_graph(Graph(nodes), [START, take, shower()])

    assert seen == [{"a": (None,)}, {"a": [5]}] and outcome.outputs == {"e": {"value": [[5]]}}


async def test_200_nested_choices_suspend_without_holding_threads() -> None:
    nodes = [Node("0", "Start", {"value": "deep"})]
    for i in range(1, 201):
        nodes.append(Node(str(i), "Choose", {"when": True, "if_true": Link(str(i - 1), 0), "if_false": 1}))
    nodes.append(Node("e", "Show", {"value": Link("200", 0)}))

    outcome = await run_graph(Graph(nodes), SPECS)

    assert outcome.outputs == {"e": {"value": ["deep"]}}


async def test_a_literal_can_be_awaited_too() -> None:
    nodes = [
        Node("c", "Choose", {"when": False, "if_true": 1, "if_false": 2}),
        Node("e", "Show", {"value": Link("c", 0)}),
    ]

    assert (await run_graph(Graph(nodes), SPECS)).outputs == {"e": {"value": [2]}}


async def test_a_lazy_list_maps_the_node_that_awaits_it() -> None:
    listing = spec("List", lambda: Result(([1, 2, 3],)), (), 1)
    split = spec("Split", lambda value: Result(([1, 2, 3],)), ["value"])
    from graph_runtime.catalogue import OutputSpec

    split = spec("Split", lambda value: Result(([1, 2, 3],)), ["value"], [OutputSpec("o", "*", is_list=True)])
    nodes = [
        Node("l", "Split", {"value": 0}),
        Node("n", "Start", {"value": 9}),
        Node("c", "Choose", {"when": True, "if_true": Link("l", 0), "if_false": Link("n", 0)}),
        Node("e", "Show", {"value": Link("c", 0)}),
    ]

    outcome = await run_graph(Graph(nodes), [*SPECS.values(), split, listing])

    assert outcome.outputs == {"e": {"value": [1, 2, 3]}}


async def test_two_lazy_inputs_are_evaluated_together() -> None:
    nodes = [
        Node("1", "Start", {"value": 1}),
        Node("2", "Start", {"value": 2}),
        Node("g", "Gather", {"a": Link("1", 0), "b": Link("2", 0)}),
        Node("e", "Show", {"value": Link("g", 0)}),
    ]

    assert (await run_graph(Graph(nodes), SPECS)).outputs == {"e": {"value": [[1, 2]]}}


async def test_a_blocker_behind_a_lazy_input_blocks_the_node_that_awaits_it() -> None:
    wall = spec("Wall", lambda: Blocker("stop here"))
    nodes = [
        Node("w", "Wall"),
        Node("c", "Choose", {"when": True, "if_true": Link("w", 0), "if_false": 1}),
        Node("e", "Show", {"value": Link("c", 0)}),
    ]
    record = Recorder()

    outcome = await run_graph(Graph(nodes), [*SPECS.values(), wall], emit=record)

    assert outcome.status == "succeeded" and outcome.outputs == {}
    assert [(event.node, event.message) for event in record.of("node_blocked")] == [("c", "stop here")]


async def test_a_failing_lazy_branch_fails_the_run_once() -> None:
    def fail() -> Any:
        raise RuntimeError("broken")

    nodes = [
        Node("f", "Fail"),
        Node("c", "Choose", {"when": True, "if_true": Link("f", 0), "if_false": 1}),
        Node("e", "Show", {"value": Link("c", 0)}),
    ]

    outcome = await run_graph(Graph(nodes), [*SPECS.values(), spec("Fail", fail)])

    assert outcome.error is not None and (outcome.error.node, outcome.error.message) == ("f", "broken")


@pytest.mark.parametrize("kind", ["Switch", "Choose"])
async def test_a_circle_through_lazy_inputs_is_found_while_running(kind: str) -> None:
    name = "if_true" if kind == "Choose" else "a"
    other = "if_false" if kind == "Choose" else "b"
    nodes = [
        Node("1", kind, {"when": True, name: Link("2", 0), other: 0}),
        Node("2", kind, {"when": True, name: Link("1", 0), other: 0}),
        Node("e", "Show", {"value": Link("2", 0)}),
    ]

    outcome = await run_graph(Graph(nodes), SPECS)

    assert outcome.error is not None and outcome.error.message == "Dependency cycle detected"
    assert outcome.error.exception_type == "graph.DependencyCycleError"
    assert "1" in outcome.error.fix and "2" in outcome.error.fix


async def test_a_lazy_result_is_cached_like_any_other(make_engine: Any) -> None:
    engine: Engine = make_engine(SPECS)
    await engine.run(switching("Choose", True))
    record = Recorder()

    await engine.run(switching("Choose", True), emit=record)

    assert record.started() == []


async def test_many_receives_all_items_in_one_call() -> None:
    @declare("Sum")
    def total(values: Many[int], times: int = 1) -> int:
        return sum(values) * times

    from graph_runtime.catalogue import OutputSpec

    split = spec("Split", lambda value: Result(([1, 2, 3],)), ["value"], [OutputSpec("o", "*", is_list=True)])
    nodes = [
        Node("l", "Split", {"value": 0}),
        Node("s", "Sum", {"values": Link("l", 0), "times": 2}),
        Node("e", "Show", {"value": Link("s", 0)}),
    ]

    outcome = await run_graph(Graph(nodes), [split, spec_of(total), shower()])

    assert outcome.outputs == {"e": {"value": [12]}}


async def test_asynchronous_nodes_sent_back_again_and_again_are_counted_right() -> None:
    async def switch_later(when: bool, a: Any, b: Any) -> Any:
        return switch(when, a, b)

    late = spec(
        "Switch",
        switch_later,
        ["when", "a~", "b~"],
        behaviour={"lazy": "check", "needed": needed, "asynchronous": True},
    )
    nodes = [Node("0", "Start", {"value": "deep"})]
    for i in range(1, 300):
        nodes.append(Node(str(i), "Switch", {"when": i % 2 == 0, "a": Link(str(i - 1), 0), "b": Link(str(i - 1), 0)}))
    nodes += [Node(f"e{i}", "Show", {"value": Link(str(i), 0)}) for i in range(0, 300, 7)]

    outcome = await asyncio.wait_for(run_graph(Graph(nodes), [START, late, shower()]), 60)

    assert outcome.error is None and outcome.outputs["e294"] == {"value": ["deep"]}
