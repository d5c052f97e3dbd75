"""A graph is frozen, and its order is found without recursion."""

from __future__ import annotations

import pytest

from graph_runtime.graph import Graph, Link, Node, find_cycles
from graph_runtime.testing import graph


def test_a_graph_cannot_be_changed() -> None:
    made = graph("a -> b")

    with pytest.raises(AttributeError, match="frozen"):
        made.nodes = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        made.nodes["c"] = Node("c", "c")  # type: ignore[index]
    assert made.with_inputs("b", n=1)["b"].inputs == {"in0": Link("a", 0), "n": 1} and "n" not in made["b"].inputs


def test_arrows_name_outputs_and_inputs() -> None:
    made = graph("a:1 -> b.image; c -> b", b="Blur")

    assert made["b"] == Node("b", "Blur", {"image": Link("a", 1), "in1": Link("c", 0)})
    assert list(made) == ["a", "b", "c"] and len(made) == 3 and "a" in made


def test_the_order_puts_sources_first_and_sets_circles_apart() -> None:
    made = graph("a -> b -> c; d -> e -> d; e -> f")

    order, cyclic = made.order()

    assert order == ["a", "b", "c"] and sorted(cyclic) == ["d", "e", "f"]
    assert find_cycles(made, cyclic) == [["e", "d"]] and find_cycles(made, order) == []


def test_ancestors_ignore_links_to_nowhere() -> None:
    made = graph("a -> b -> c; x -> y").with_inputs("a", lost=Link("nowhere", 0))

    assert made.ancestors(["c", "nothing"]) == {"a", "b", "c"}
    assert made.order(["b", "c"]) == (["b", "c"], [])


def test_a_chain_and_a_circle_of_20_000_nodes() -> None:
    count = 20_000
    chain = Graph([Node(str(i), "K", {"a": Link(str(i - 1), 0)}) for i in range(count)])
    circle = chain.with_inputs("0", a=Link(str(count - 1), 0))

    assert len(chain.order()[0]) == len(chain.ancestors([str(count - 1)])) == count
    assert [len(cycle) for cycle in find_cycles(circle, circle.order()[1])] == [count]


def test_every_knot_gives_one_circle_and_self_links_count() -> None:
    made = graph("a -> b -> a; c -> c; d -> e -> f -> d -> f; b -> x -> c")

    assert [sorted(cycle) for cycle in find_cycles(made, made.order()[1])] == [["a", "b"], ["c"], ["d", "e", "f"]]


def test_10_000_small_circles_are_found() -> None:
    nodes = [
        Node(f"{i}{side}", "K", {"a": Link(f"{i}{other}", 0)}) for i in range(10_000) for side, other in ("xy", "yx")
    ]
    made = Graph(nodes)

    assert len(find_cycles(made, made.order()[1])) == 10_000
