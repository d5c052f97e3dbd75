"""The API format: what is read, what is refused, and that nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_runtime.errors import InvalidGraph
from graph_runtime.graph import Graph, Link, Node, NotALink
from graph_runtime.prompt import is_link, load_prompt, parse_prompt, to_prompt

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8
)
links = st.builds(Link, st.text(), st.integers(0, 100))
bad_lists = st.lists(st.integers(), max_size=3).map(NotALink)
nodes = st.builds(
    Node,
    id=st.text(min_size=1),
    type=st.text(),
    inputs=st.dictionaries(st.text(), json_values | links | bad_lists, max_size=5),
    title=st.none() | st.text(),
    display_id=st.none() | st.text(min_size=1),
    change_token=st.none() | st.text(),
)
graphs = st.lists(nodes, max_size=6).map(Graph)


@given(graphs)
def test_any_graph_survives_the_round_trip_through_json(graph: Graph) -> None:
    assert load_prompt(json.dumps(to_prompt(graph))) == graph


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["1", 0], True),
        (["1", 0.0], True),
        (["1", 0.5], False),
        (["1", True], False),
        (["1", float("nan")], False),
        (["1", float("inf")], False),
        ([1, 0], False),
        (("1", 0), False),
        (["1", 0, 1], False),
        ("1", False),
    ],
)
def test_a_link_is_a_list_of_a_text_and_a_whole_number(value: Any, expected: bool) -> None:
    assert is_link(value) is expected


def test_inputs_become_links_literals_or_lists_that_are_no_links() -> None:
    node = parse_prompt(
        {
            "3": {
                "class_type": "K",
                "inputs": {
                    "a": ["4", 1.0],
                    "b": [1, 2, 3],
                    "c": {"__value__": ["4", 0]},
                    "d": {"x": 1},
                    "e": 5,
                },
                "_meta": {"title": "Mine"},
            }
        }
    )["3"]

    assert node.inputs == {"a": Link("4", 1), "b": NotALink([1, 2, 3]), "c": ["4", 0], "d": {"x": 1}, "e": 5}
    assert node.title == "Mine"


def test_every_structural_problem_is_reported_at_once() -> None:
    with pytest.raises(InvalidGraph) as caught:
        parse_prompt(
            {
                "1": 5,
                "2": {"inputs": {}},
                "3": {"class_type": 7},
                "4": {"class_type": "K", "inputs": []},
                "": {"class_type": "K"},
                6: {"class_type": "K"},
                "7": {"class_type": "K"},
            }
        )

    assert [problem.node for problem in caught.value.problems] == ["1", "2", "3", "4", "", "6"]
    assert caught.value.problems[1].what == "Cannot execute because a node is missing the class_type property."
    assert caught.value.problems[1].details == "Node ID '#2'"
    assert all(problem.code == "invalid_prompt" for problem in caught.value.problems)


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_a_prompt_must_be_an_object(data: Any) -> None:
    with pytest.raises(InvalidGraph, match="The prompt is not an object"):
        parse_prompt(data)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"1": {"class_type": "K", "inputs": {"a": NaN}}}', "NaN is not JSON"),
        ('{"1": {"class_type": "K", "inputs": {"a": -Infinity}}}', "-Infinity is not JSON"),
        ('{"1": {"class_type": "K"}, "1": {"class_type": "L"}}', "A key appears twice in one object"),
        ('{"1": {"class_type": "K", "inputs": {"a": 1, "a": 2}}}', "A key appears twice in one object"),
        ('{"1": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"1": ', "The prompt is not JSON"),
        (b"\xff\xfe", "The prompt is not JSON"),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text: str | bytes, what: str) -> None:
    with pytest.raises(InvalidGraph, match=what):
        load_prompt(text)


def test_a_literal_nested_10_000_deep_is_carried_through() -> None:
    value: Any = 1
    for _ in range(10_000):
        value = {"x": value}

    graph = parse_prompt({"1": {"class_type": "K", "inputs": {"deep": value}}})

    assert to_prompt(graph)["1"]["inputs"]["deep"] is value
