"""Graphs that packs expand into, loops among them."""

from __future__ import annotations

from interop.expansion import GraphBuilder, add_graph_prefix, is_link
from tests.interop.conftest import Open, show


async def test_a_node_expands_into_links_and_plain_values(house: Open) -> None:
    both = house("sinks", "loops")
    prompt = {
        "1": {"class_type": "Number", "inputs": {"value": 3}},
        "2": {"class_type": "Twice", "inputs": {"value": ["1", 0]}},
        "3": show(["2", 0]),
        "4": show(["2", 1]),
    }

    ran = await both.run(prompt)

    assert ran.shown("3", "values") == [12]
    assert ran.shown("4", "values") == ["plain"]
    inner = [event for event in ran.seen.of("node_started") if event.parent == "2"]
    assert {event.node for event in inner} == {"2.0.0.1", "2.0.0.2"}
    assert {event.real for event in inner} == {"2"}


async def test_a_loop_runs_its_body_as_often_as_it_says(house: Open) -> None:
    both = house("sinks", "loops")
    prompt = {
        "0": {"class_type": "Number", "inputs": {"value": 1}},
        "open": {"class_type": "LoopOpen", "inputs": {"remaining": 6, "value": ["0", 0]}},
        "body": {"class_type": "Add", "inputs": {"a": ["open", 2], "b": ["open", 2]}},
        "close": {
            "class_type": "LoopClose",
            "inputs": {"flow": ["open", 0], "remaining": ["open", 1], "value": ["body", 0]},
        },
        "show": show(["close", 0]),
    }

    ran = await both.run(prompt)

    assert ran.outcome.status == "succeeded", ran.outcome.error
    assert ran.shown("show", "values") == [2**6]
    shown_at = {event.display for event in ran.seen.of("node_started")}
    assert shown_at <= {"0", "open", "body", "close", "show"}


async def test_an_unchanged_loop_does_not_expand_again(house: Open) -> None:
    both = house("sinks", "loops")
    prompt = {
        "1": {"class_type": "Number", "inputs": {"value": 3}},
        "2": {"class_type": "Twice", "inputs": {"value": ["1", 0]}},
        "3": show(["2", 0]),
    }
    await both.run(prompt)

    again = await both.run(prompt)

    assert again.seen.started() == []
    assert again.shown("3", "values") == [12]


def test_a_builder_finds_nodes_by_the_ids_they_were_given() -> None:
    graph = GraphBuilder("p.")
    first = graph.node("A", "a", x=1)
    graph.node("B", "b", x=first.out(0), y=[1, 2])

    assert graph.lookup_node("a") is first
    assert graph.finalize() == {
        "p.a": {"class_type": "A", "inputs": {"x": 1}},
        "p.b": {"class_type": "B", "inputs": {"x": ["p.a", 0], "y": [1, 2]}},
    }
    graph.replace_node_output("a", 0, 7)
    graph.remove_node("a")
    assert graph.finalize() == {"p.b": {"class_type": "B", "inputs": {"x": 7, "y": [1, 2]}}}


def test_prefixes_go_before_ids_and_links_alike() -> None:
    graph, outputs = add_graph_prefix(
        {"1": {"class_type": "A", "inputs": {}}, "2": {"class_type": "B", "inputs": {"a": ["1", 0], "b": 5}}},
        [["2", 0], 4],
        "x.",
    )

    assert graph["x.2"]["inputs"] == {"a": ["x.1", 0], "b": 5}
    assert outputs == (["x.2", 0], 4)


def test_a_link_is_a_list_of_a_text_and_a_number() -> None:
    assert is_link(["1", 0])
    assert not any(is_link(value) for value in (("1", 0), [1, 0], ["1", True], ["1", 0, 0], "1", ["1", "0"]))
