"""A key changes if and only if an input, a version or something upstream changes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_runtime.behaviour import Behaviour
from graph_runtime.catalogue import InputSpec, NodeSpec
from graph_runtime.graph import Link, Node, NotALink
from graph_runtime.keys import NO_TOKEN, Key, encode, node_key

SPEC = NodeSpec("K")
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
literals = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def exactly(value: Any) -> Any:
    """A value with its types, so that 1, 1.0 and True differ, and -0.0 from 0.0."""
    if isinstance(value, dict):
        return ("dict", frozenset((key, exactly(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(exactly(item) for item in value))
    return (type(value).__name__, repr(value))


@given(literals, literals)
def test_texts_of_literals_are_equal_if_and_only_if_the_literals_are(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) is (exactly(one) == exactly(other))


@pytest.mark.parametrize("pair", [(1, 1.0), (1, True), (0, False), ("1", 1), (None, "None"), ([1], "[1]"), (b"a", "a")])
def test_types_are_kept_apart(pair: tuple[Any, Any]) -> None:
    assert encode(pair[0]) != encode(pair[1])


@pytest.mark.parametrize("value", [math.nan, math.inf, [math.nan], {"a": math.inf}, object(), {1, 2}, {(1, 2): 3}])
def test_what_is_not_json_never_matches(value: Any) -> None:
    assert encode(value) is None and node_key(SPEC, Node("1", "K", {"a": value}), {}) is None


def test_a_bottomless_literal_never_matches() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]

    assert encode(value) is None
    while isinstance(value, list):  # unwind it, for deallocation recurses
        value = value.pop()


def key(inputs: dict[str, Any], spec: NodeSpec = SPEC, sources: dict[str, Key] | None = None, **changes: Any) -> Key:
    return node_key(spec, Node(**{"id": "1", "type": "K", "inputs": inputs, **changes}), sources or {})


names = st.text(max_size=5)


@given(st.dictionaries(names, scalars, max_size=4), st.dictionaries(names, scalars, max_size=4))
def test_keys_are_equal_if_and_only_if_all_inputs_are(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (key(one) == key(other)) is (exactly(one) == exactly(other))


def test_order_id_and_title_do_not_count() -> None:
    assert key({"a": 1, "b": 2}) == key({"b": 2, "a": 1}) == key({"a": 1, "b": 2}, id="9", title="mine")


def test_type_and_version_count() -> None:
    assert key({}) != key({}, replace(SPEC, version=2)) and key({}) != key({}, replace(SPEC, id="L"), type="L")


def test_sources_and_slots_count() -> None:
    linked = {"a": Link("s", 0)}

    assert key(linked, sources={"s": b"1"}) == key({"a": Link("t", 0)}, sources={"t": b"1"})
    assert key(linked, sources={"s": b"1"}) != key(linked, sources={"s": b"2"})
    assert key(linked, sources={"s": b"1"}) != key({"a": Link("s", 1)}, sources={"s": b"1"})
    assert key(linked, sources={"s": b"1"}) != key({"b": Link("s", 0)}, sources={"s": b"1"})


@pytest.mark.parametrize("sources", [{}, {"s": None}])
def test_a_source_without_a_key_takes_the_key_of_what_depends_on_it(sources: dict[str, Key]) -> None:
    assert key({"a": Link("s", 0)}, sources=sources) is None


def test_nodes_that_opted_out_have_no_key() -> None:
    assert key({}, replace(SPEC, cache=False)) is None


@pytest.mark.parametrize(
    ("changes", "by_id"),
    [
        ({"not_idempotent": True}, True),
        ({"inputs": (InputSpec("u", "UNIQUE_ID", hidden="UNIQUE_ID"),)}, True),
        ({"inputs": (InputSpec("u", "UNIQUE_ID", hidden="UNIQUE_ID"),), "convention": "v3"}, False),
        ({"inputs": (InputSpec("p", "PROMPT", hidden="PROMPT"),)}, False),
    ],
)
def test_the_id_counts_only_for_nodes_that_know_who_they_are(changes: dict[str, Any], by_id: bool) -> None:
    spec = replace(SPEC, **changes)

    assert (key({}, spec) != key({}, spec, id="2")) is by_id


def test_a_change_token_counts_and_nan_never_matches() -> None:
    node = Node("1", "K", {"file": "a.png"})

    assert node_key(SPEC, node, {}, ["x"]) != node_key(SPEC, node, {}, ["y"])
    assert node_key(SPEC, node, {}, ["x"]) != node_key(SPEC, node, {}, NO_TOKEN)
    assert node_key(SPEC, node, {}, [math.nan]) is None


def test_a_fingerprint_stands_for_the_literal_it_read() -> None:
    class Reads(Behaviour):
        replaces = frozenset({"file"})

    spec = replace(SPEC, behaviour=Reads())
    renamed = [node_key(spec, Node("1", "K", {"file": name, "n": 1}), {}, ["digest"]) for name in ("a.png", "b.png")]

    assert renamed[0] == renamed[1]
    assert renamed[0] != node_key(spec, Node("1", "K", {"file": "a.png", "n": 2}), {}, ["digest"])


def test_a_list_that_is_no_link_counts_as_the_list() -> None:
    assert key({"a": NotALink([1])}) == key({"a": [1]})


def test_names_and_values_cannot_be_confused() -> None:
    assert key({"a": "1\n1:b=i2"}) != key({"a": "1", "b": 2})
