"""List semantics: one call an item, results merged in order."""

from __future__ import annotations

from typing import Any

import pytest

from graph_runtime.api import Blocker, Result
from graph_runtime.catalogue import InputSpec, NodeSpec, OutputSpec
from graph_runtime.engine import Outcome
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.lists import append_values, merge_ui, spread
from graph_runtime.testing import Recorder, run_graph
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

LIST = [OutputSpec("o", "*", is_list=True)]
GIVE = spec("Give", lambda value: Result((value,)), ["value"], LIST)
PAIR = spec("Pair", lambda a, b: Result((f"{a}{b}",)), ["a", "b"])


async def run(*nodes: Node, specs: Any = (), **options: Any) -> Outcome:
    return await run_graph(Graph(nodes), [GIVE, PAIR, shower(), *specs], **options)


def give(node_id: str, value: Any) -> Node:
    return Node(node_id, "Give", {"value": value})


def show(source: str, node_id: str = "end") -> Node:
    return Node(node_id, "Show", {"value": Link(source, 0)})


async def test_a_node_is_called_once_an_item_and_shorter_lists_repeat_their_last() -> None:
    pair = Node("p", "Pair", {"a": Link("x", 0), "b": Link("y", 0)})

    outcome = await run(give("x", [1, 2, 3]), give("y", ["a", "b"]), pair, show("p"))

    assert outcome.outputs["end"] == {"value": ["1a", "2b", "3b"]}


async def test_a_constant_goes_with_every_item() -> None:
    outcome = await run(give("x", [1, 2]), Node("p", "Pair", {"a": Link("x", 0), "b": "!"}), show("p"))

    assert outcome.outputs["end"] == {"value": ["1!", "2!"]}


async def test_a_node_that_takes_lists_is_called_once_and_gets_lists_everywhere() -> None:
    seen: list[Any] = []
    inputs = [
        InputSpec("a", "*"),
        InputSpec("n", "INT"),
        InputSpec("me", "UNIQUE_ID", required=False, hidden="UNIQUE_ID"),
    ]
    whole = spec("Whole", lambda **given: seen.append(given) or Result((1,)), inputs, input_is_list=True)

    await run(give("x", [1, 2]), Node("w", "Whole", {"a": Link("x", 0), "n": 7}), show("w"), specs=[whole])

    assert seen == [{"a": [1, 2], "n": [7], "me": ["w"]}]


async def test_a_node_without_inputs_is_called_once() -> None:
    outcome = await run(Node("n", "None"), show("n"), specs=[spec("None", lambda: 5)])

    assert outcome.outputs["end"] == {"value": [5]}


async def test_an_empty_list_beside_other_inputs_is_an_error_that_names_it() -> None:
    outcome = await run(give("x", []), Node("p", "Pair", {"a": Link("x", 0), "b": 1}), show("p"))

    assert outcome.error is not None and "input 'a' received an empty list" in outcome.error.message
    assert outcome.error.node == "p"


async def test_only_empty_lists_mean_one_call_without_arguments() -> None:
    outcome = await run(give("x", []), show("x"))

    assert outcome.outputs["end"] == {"value": [None]}


async def test_list_outputs_are_spliced_over_all_calls() -> None:
    twice = spec("Twice", lambda value: Result(([value, value],)), ["value"], LIST)

    outcome = await run(give("x", [1, 2]), Node("t", "Twice", {"value": Link("x", 0)}), show("t"), specs=[twice])

    assert outcome.outputs["end"] == {"value": [1, 1, 2, 2]}


async def test_what_the_calls_show_is_joined() -> None:
    outcome = await run(give("x", [1, 2]), show("x"))

    assert outcome.outputs["end"] == {"value": [1, 2]}


async def test_a_missing_output_reads_as_none() -> None:
    short = spec("Short", lambda: Result(("one",)), (), 3)

    outcome = await run(
        Node("s", "Short"), Node("p", "Pair", {"a": Link("s", 0), "b": Link("s", 2)}), show("p"), specs=[short]
    )

    assert outcome.outputs["end"] == {"value": ["oneNone"]}


async def test_a_blocker_prevents_only_the_calls_it_reaches() -> None:
    some = spec("Some", lambda value: Blocker("odd") if value % 2 else Result((value,)), ["value"])
    record = Recorder()

    outcome = await run(
        give("x", [0, 1, 2]),
        Node("s", "Some", {"value": Link("x", 0)}),
        Node("p", "Pair", {"a": Link("s", 0), "b": "!"}),
        show("p"),
        specs=[some],
        emit=record,
    )

    assert outcome.status == "succeeded" and outcome.outputs["end"] == {"value": ["0!", "2!"]}
    assert [(event.node, event.node_type, event.message) for event in record.of("node_blocked")] == [
        ("p", "Pair", "odd")
    ]


async def test_one_blocker_anywhere_blocks_a_node_that_takes_lists() -> None:
    some = spec("Some", lambda value: Blocker() if value else Result((value,)), ["value"])
    whole = spec("Whole", lambda a: Result((sum(a),)), ["a"], input_is_list=True)
    record = Recorder()

    outcome = await run(
        give("x", [0, 1]),
        Node("s", "Some", {"value": Link("x", 0)}),
        Node("w", "Whole", {"a": Link("s", 0)}),
        show("w"),
        specs=[some, whole],
        emit=record,
    )

    assert outcome.outputs == {} and record.of("node_blocked") == []


async def test_blocked_results_are_cached(make_engine: Any) -> None:
    from graph_runtime.catalogue import Catalogue

    calls: list[int] = []
    wall = spec("Wall", lambda: calls.append(1) or Blocker("no"))
    engine = make_engine(Catalogue([wall, shower()]))
    nodes = Graph([Node("w", "Wall"), show("w")])
    for _ in range(2):
        await engine.run(nodes)

    assert calls == [1]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({}, [{}]),
        ({"a": [1]}, [{"a": 1}]),
        ({"a": []}, [{}]),
        ({"a": [], "b": []}, [{}]),
        ({"a": [1, 2], "b": [3]}, [{"a": 1, "b": 3}, {"a": 2, "b": 3}]),
    ],
)
def test_spreading(lists: dict[str, list[Any]], expected: list[dict[str, Any]]) -> None:
    assert list(spread(NodeSpec("n"), lists)) == expected


def test_whole_inputs_are_handed_over_in_each_call_as_a_copy() -> None:
    values = [1, 2]

    calls = list(spread(NodeSpec("n"), {"all": values, "each": ["x", "y"]}, {"all"}))

    assert calls == [{"all": [1, 2], "each": "x"}, {"all": [1, 2], "each": "y"}] and calls[0]["all"] is not values


def test_undeclared_outputs_are_kept() -> None:
    outputs: list[list[Any]] = []

    append_values(NodeSpec("n"), outputs, (1, 2))
    append_values(NodeSpec("n"), outputs, (3,))

    assert outputs == [[1, 3], [2]]


def test_shown_values_that_are_no_lists_become_lists() -> None:
    assert merge_ui([{"text": "abc"}, {"text": ("d",), "n": [1]}]) == {"text": ["abc", "d"], "n": [1]}
    assert merge_ui([]) is None
