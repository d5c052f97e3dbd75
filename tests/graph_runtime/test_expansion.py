"""Nodes that expand into nodes: identity, caching, loops, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from graph_runtime.api import Blocker, Catalogue, Ref, Result, Subgraph
from graph_runtime.api import node as declare
from graph_runtime.cache import Cache
from graph_runtime.catalogue import InputSpec, NodeSpec, OutputSpec
from graph_runtime.declare import spec_of
from graph_runtime.engine import Engine
from graph_runtime.errors import EndlessExpansion
from graph_runtime.expansion import child_prefix
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.growth import Growth
from graph_runtime.testing import Recorder, run_graph
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

Make = Callable[..., Engine]
ID = InputSpec("id", "UNIQUE_ID", required=False, hidden="UNIQUE_ID")
DYN = InputSpec("dyn", "DYNPROMPT", required=False, hidden="DYNPROMPT")
START = spec("Start", lambda value: value, ["value"])
ADD = spec("Add", lambda a, b: a + b, ["a", "b"])
BASE = [START, ADD, shower()]
POLICIES = [Cache, Cache.classic, lambda: Cache.lru(0), Cache.none, lambda: Cache(0)]


def expanding(function: Callable[..., Result], *inputs: Any, **changes: Any) -> NodeSpec:
    return spec("Expand", function, [*inputs, ID], **changes)


def doubling(value: list[Any], id: str) -> Result:
    """Expand into value + value + 1."""
    return Result(
        [[f"{id}.b", 0]],
        expand={
            f"{id}.a": {"class_type": "Add", "inputs": {"a": value, "b": value}},
            f"{id}.b": {"class_type": "Add", "inputs": {"a": [f"{id}.a", 0], "b": 1}},
        },
    )


RAW = InputSpec("value", "*", options={"rawLink": True})
DOUBLING = expanding(doubling, RAW)


def graph_of(*nodes: Node) -> Graph:
    return Graph(nodes)


SIMPLE = graph_of(
    Node("1", "Start", {"value": 5}),
    Node("2", "Expand", {"value": Link("1", 0)}),
    Node("3", "Show", {"value": Link("2", 0)}),
)


@pytest.mark.parametrize("cache", POLICIES, ids=["bytes", "classic", "lru", "none", "too small"])
async def test_links_in_the_result_are_resolved_under_every_policy(cache: Callable[[], Cache]) -> None:
    outcome = await run_graph(SIMPLE, [*BASE, DOUBLING], cache=cache())

    assert outcome.outputs == {"3": {"value": [11]}}


async def test_events_tell_who_a_node_is() -> None:
    record = Recorder()

    await run_graph(SIMPLE, [*BASE, DOUBLING], emit=record)

    started = {event.node: (event.display, event.parent, event.real) for event in record.of("node_started")}
    assert started == {
        "1": ("1", None, "1"),
        "2": ("2", None, "2"),
        "2.a": ("2", "2", "2"),
        "2.b": ("2", "2", "2"),
        "3": ("3", None, "3"),
    }
    assert [event.node for event in record.of("node_finished")] == ["1", "2.a", "2.b", "2", "3"]


async def test_display_ids_can_be_overridden_and_nest() -> None:
    def outer(id: str) -> Result:
        return Result(
            [[f"{id}.x", 0]],
            expand={f"{id}.x": {"class_type": "Expand", "inputs": {"value": 1}, "override_display_id": "shown"}},
        )

    record = Recorder()
    outcome = await run_graph(
        graph_of(Node("9", "Outer"), Node("3", "Show", {"value": Link("9", 0)})),
        [*BASE, DOUBLING, spec("Outer", outer, [ID])],
        emit=record,
    )

    started = {event.node: (event.display, event.parent, event.real) for event in record.of("node_started")}
    assert outcome.outputs == {"3": {"value": [3]}}
    assert started["9.x"] == ("shown", "9", "9") and started["9.x.a"] == ("shown", "9.x", "9")


async def test_an_unchanged_parent_does_not_expand_again(make_engine: Make) -> None:
    engine, record = make_engine(Catalogue([*BASE, DOUBLING])), Recorder()
    await engine.run(SIMPLE)

    await engine.run(SIMPLE, emit=record)

    assert record.started() == []


@pytest.mark.parametrize("cache", [Cache, Cache.classic, lambda: Cache.lru(10)], ids=["bytes", "classic", "lru"])
async def test_inner_nodes_are_cached_like_any_others(make_engine: Make, cache: Callable[[], Cache]) -> None:
    def part(value: Any, other: int, id: str) -> Result:
        return Result(
            [[f"{id}.b", 0]],
            expand={
                f"{id}.a": {"class_type": "Add", "inputs": {"a": 1, "b": 2}},
                f"{id}.b": {"class_type": "Add", "inputs": {"a": [f"{id}.a", 0], "b": other}},
            },
        )

    keyed = InputSpec("id", "UNIQUE_ID", required=False, hidden="UNIQUE_ID")
    engine, record = (
        make_engine(Catalogue([*BASE, spec("Expand", part, ["value", "other", keyed])]), cache()),
        Recorder(),
    )
    nodes = graph_of(Node("2", "Expand", {"value": 1, "other": 1}), Node("3", "Show", {"value": Link("2", 0)}))
    await engine.run(nodes)

    await engine.run(nodes.with_inputs("2", other=5), emit=record)

    assert "2.a" not in record.started() or cache == Cache.classic
    assert record.of("node_shown")[-1].ui == {"value": [8]}


async def test_new_terminal_nodes_run_even_if_nothing_refers_to_them() -> None:
    def more(id: str) -> Result:
        return Result([7], expand={f"{id}.s": {"class_type": "Show", "inputs": {"value": "inner"}}})

    outcome = await run_graph(
        graph_of(Node("2", "Expand"), Node("3", "Show", {"value": Link("2", 0)})), [*BASE, expanding(more)]
    )

    assert outcome.outputs == {"2.s": {"value": ["inner"]}, "3": {"value": [7]}}
    assert outcome.meta["2.s"] == {"node_id": "2.s", "display_node": "2", "parent_node": "2", "real_node_id": "2"}


async def test_some_calls_may_expand_while_others_give_values() -> None:
    def some(value: int, id: str) -> Result:
        if value % 2:
            return Result([value])
        return Result(
            [[f"{id}.{value}", 0]], expand={f"{id}.{value}": {"class_type": "Add", "inputs": {"a": value, "b": 10}}}
        )

    give = spec("Give", lambda: Result(([1, 2, 3, 4],)), (), [OutputSpec("o", "*", is_list=True)])
    nodes = graph_of(
        Node("g", "Give"), Node("2", "Expand", {"value": Link("g", 0)}), Node("3", "Show", {"value": Link("2", 0)})
    )

    outcome = await run_graph(nodes, [*BASE, give, expanding(some, "value")])

    assert outcome.outputs == {"3": {"value": [1, 12, 3, 14]}}


async def test_a_link_brings_the_whole_list_of_the_node_it_names() -> None:
    give = spec("Give", lambda: Result(([1, 2],)), (), [OutputSpec("o", "*", is_list=True)])
    nodes = graph_of(Node("2", "Expand"), Node("3", "Show", {"value": Link("2", 0)}))

    def expand(id: str) -> Result:
        return Result([[f"{id}.g", 0]], expand={f"{id}.g": {"class_type": "Give", "inputs": {}}})

    assert (await run_graph(nodes, [*BASE, give, expanding(expand)])).outputs == {"3": {"value": [1, 2]}}


async def test_results_may_link_to_existing_nodes() -> None:
    nodes = graph_of(
        Node("1", "Start", {"value": 5}),
        Node("2", "Expand", {"value": Link("1", 0)}),
        Node("3", "Show", {"value": Link("2", 0)}),
    )

    for cache in (Cache, Cache.none):
        outcome = await run_graph(
            nodes, [*BASE, expanding(lambda value, id: Result([value], expand={}), RAW)], cache=cache()
        )
        assert outcome.outputs == {"3": {"value": [5]}}


async def test_what_an_expanding_node_shows_is_announced_at_once() -> None:
    def shown(id: str) -> Result:
        return Result(
            [[f"{id}.a", 0]], {"text": ["hello"]}, {f"{id}.a": {"class_type": "Start", "inputs": {"value": 1}}}
        )

    record = Recorder()
    await run_graph(
        graph_of(Node("2", "Expand"), Node("3", "Show", {"value": Link("2", 0)})),
        [*BASE, expanding(shown)],
        emit=record,
    )

    kinds = [(event.kind, getattr(event, "node", None)) for event in record.events]
    assert kinds.index(("node_shown", "2")) < kinds.index(("node_started", "2.a"))


# -- what goes wrong


def failing(function: Callable[..., Result], *more: NodeSpec) -> Any:
    return run_graph(
        graph_of(Node("2", "Expand"), Node("3", "Show", {"value": Link("2", 0)})), [*BASE, expanding(function), *more]
    )


@pytest.mark.parametrize(
    ("expand", "kind", "what"),
    [
        (
            {"3": {"class_type": "Start", "inputs": {}}},
            "DuplicateNodeError",
            "expanded into node '3', which exists already",
        ),
        ({"x": {"class_type": "Strat", "inputs": {}}}, "UnknownNode", "Node type 'Strat' does not exist. Did you mean"),
        ({"x": {"inputs": {}}}, "ExpansionError", "which is not a node with a class_type"),
        ({"x": "y"}, "ExpansionError", "which is not a node with a class_type"),
        ({7: {"class_type": "Start"}}, "ExpansionError", "which is not a node with a class_type"),
        ({}, "HeddleError", "its result is linked to node 'x', which does not exist"),
    ],
)
async def test_a_bad_expansion_fails_its_node(expand: Any, kind: str, what: str) -> None:
    outcome = await failing(lambda id: Result([["x", 0]], expand=expand))

    assert outcome.status == "failed"
    assert outcome.error.exception_type == f"graph_runtime.errors.{kind}" and what in outcome.error.message
    assert (outcome.error.node, outcome.error.node_type) == ("2", "Expand")


async def test_a_failure_inside_is_blamed_on_the_root() -> None:
    def fail() -> Any:
        raise ValueError("inner trouble")

    outcome = await failing(
        lambda id: Result([[f"{id}.f", 0]], expand={f"{id}.f": {"class_type": "Fail", "inputs": {}}}),
        spec("Fail", fail),
    )

    assert (outcome.error.node, outcome.error.node_type, outcome.error.message) == ("2", "Expand", "inner trouble")


async def test_a_circle_made_by_an_expansion_is_blamed_on_the_display_parent() -> None:
    def circle(id: str) -> Result:
        return Result(
            [[f"{id}.a", 0]],
            expand={
                f"{id}.a": {"class_type": "Add", "inputs": {"a": [f"{id}.b", 0], "b": 1}},
                f"{id}.b": {"class_type": "Add", "inputs": {"a": [f"{id}.a", 0], "b": 1}},
            },
        )

    outcome = await failing(circle)

    assert outcome.error.exception_type == "graph.DependencyCycleError"
    assert outcome.error.message == "Dependency cycle detected" and outcome.error.node == "2"


async def test_an_expansion_that_waits_for_its_own_parent_is_a_circle() -> None:
    outcome = await failing(
        lambda id: Result([[f"{id}.a", 0]], expand={f"{id}.a": {"class_type": "Add", "inputs": {"a": [id, 0], "b": 1}}})
    )

    assert outcome.error.message == "Dependency cycle detected"


async def test_an_expansion_that_never_ends_is_stopped_with_a_clear_error(make_engine: Make) -> None:
    def again(value: Any, id: str) -> Result:
        return Result([[f"{id}x", 0]], expand={f"{id}x": {"class_type": "Expand", "inputs": {"value": 1}}})

    engine = make_engine(Catalogue([*BASE, expanding(again, "value")]), max_expanded=500)
    outcome = await engine.run(graph_of(Node("2", "Expand", {"value": 1}), Node("3", "Show", {"value": Link("2", 0)})))

    assert outcome.error is not None and outcome.error.exception_type.endswith("EndlessExpansion")
    assert "expansions added 501 nodes to this run" in outcome.error.message and "500" in outcome.error.fix
    assert "node 2, in its expansion 2xxx" in outcome.error.message


def test_an_expansion_that_only_grows_deeper_is_named_so() -> None:
    growth = Growth(most_letters=100)
    nested = Result([[1]], expand={"x" * 101: {"class_type": "Add", "inputs": {}}})

    with pytest.raises(EndlessExpansion, match="expansions inside expansions added 1 nodes") as raised:
        growth.read([nested], {}, Catalogue(BASE), "node 2")

    assert "a row of nodes" in raised.value.fix


async def test_a_node_that_expands_into_its_own_twin_is_found() -> None:
    def again() -> Result:
        return Result([["x", 0]], expand={"x": {"class_type": "Same", "inputs": {}}})

    outcome = await run_graph(
        graph_of(Node("2", "Same"), Node("3", "Show", {"value": Link("2", 0)})), [*BASE, spec("Same", again)]
    )

    assert outcome.error is not None and outcome.error.message == "Dependency cycle detected"


# -- loops


def closing(remaining: int, opening: Any, dyn: Any, id: str, value: Any) -> Any:
    """While something remains, copy the loop's body and close again."""
    if not remaining:
        return Result([value])
    body = f"{id}."
    return Result(
        [[f"{body}close", 0]],
        expand={
            f"{body}step": {"class_type": "Add", "inputs": {"a": value, "b": 1}},
            f"{body}close": {
                "class_type": "Close",
                "inputs": {
                    "remaining": remaining - 1,
                    "opening": opening,
                    "value": [f"{body}step", 0],
                },
            },
        },
    )


CLOSE = spec("Close", closing, ["remaining", InputSpec("opening", "*", options={"rawLink": True}), "value", DYN, ID])


@pytest.mark.parametrize("cache", [Cache, Cache.classic, Cache.none])
async def test_a_loop_of_nested_expansions_runs_to_its_end(cache: Callable[[], Cache]) -> None:
    nodes = graph_of(
        Node("1", "Start", {"value": 0}),
        Node("2", "Close", {"remaining": 60, "opening": Link("1", 0), "value": Link("1", 0)}),
        Node("3", "Show", {"value": Link("2", 0)}),
    )

    outcome = await run_graph(nodes, [*BASE, CLOSE], cache=cache())

    assert outcome.error is None and outcome.outputs["3"] == {"value": [60]}


async def test_the_running_graph_can_be_read_and_extended() -> None:
    seen: dict[str, Any] = {}

    def look(dyn: Any, id: str) -> Result:
        seen["outer"] = dyn.get_node("2")
        dyn.add_ephemeral_node("loose", {"class_type": "Start", "inputs": {"value": 3}}, id, "3")
        seen["display"] = dyn.get_display_node_id("loose")
        seen["missing"] = dyn.has_node("nothing")
        with pytest.raises(KeyError, match="Node nothing not found"):
            dyn.get_node("nothing")
        return Result([["loose", 0]], expand={})

    outcome = await run_graph(
        graph_of(Node("2", "Look", {"x": 1}), Node("3", "Show", {"value": Link("2", 0)})),
        [*BASE, spec("Look", look, [DYN, ID])],
    )

    assert outcome.outputs == {"3": {"value": [3]}}
    assert seen == {"outer": {"class_type": "Look", "inputs": {"x": 1}}, "display": "3", "missing": False}


async def test_a_blocker_can_be_the_result_of_an_expansion() -> None:
    wall = spec("Wall", lambda: Blocker("no"))

    outcome = await failing(lambda id: Result([["w", 0]], expand={"w": {"class_type": "Wall", "inputs": {}}}), wall)

    assert outcome.status == "succeeded" and outcome.outputs == {}


# -- native builders


@declare("Refine")
def refine(value: Ref[Any], graph: Subgraph, passes: int = 2) -> Any:
    for index in range(passes):
        value = graph.add("Add", a=value, b=index)
    return graph.result(value)


async def test_a_native_node_builds_its_subgraph_from_wires() -> None:
    record = Recorder()
    nodes = graph_of(
        Node("1", "Start", {"value": 5}),
        Node("2", "Refine", {"value": Link("1", 0), "passes": 3}),
        Node("3", "Show", {"value": Link("2", 0)}),
    )

    outcome = await run_graph(nodes, [*BASE, spec_of(refine)], emit=record)

    assert outcome.outputs == {"3": {"value": [8]}}
    assert [name for name in record.started() if "/" in name] == ["2/0", "2/1", "2/2"]


def test_ids_of_deep_nests_stay_short_and_distinct() -> None:
    prefix, seen = "1", set()
    for _ in range(10_000):
        prefix = child_prefix(prefix, "1") + "0"
        seen.add(prefix)

    assert max(map(len, seen)) < 400 and len(seen) == 10_000
