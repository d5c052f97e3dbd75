"""The API ("prompt") format: a JSON object of `{id: {"class_type", "inputs", "_meta"}}`.

An input is a literal or a link `[source id, output slot]`. A literal list is wrapped, `{"__value__": [1, 2]}`, because
a bare list is read as an attempted link.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from graph_runtime.errors import InvalidGraph
from graph_runtime.graph import Graph, Link, Node, NotALink
from graph_runtime.problems import Problem

__all__ = ["is_link", "load_prompt", "parse_node", "parse_prompt", "to_prompt", "unwrapped"]

_WRAPPER = "__value__"


def is_link(value: object) -> bool:
    """Say whether a JSON value has the form `[text, whole number]`, which may be written as 1.0."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
        and not isinstance(value[1], bool)
        and value[1] == value[1]
        and abs(value[1]) < 2**31
        and value[1] == int(value[1])
    )


def parse_value(value: Any) -> Any:
    """Turn one JSON input into a `Link`, an unwrapped literal, or `NotALink`."""
    kind = type(value)
    if kind is list:
        if len(value) == 2 and type(value[0]) is str and type(value[1]) is int and -(2**31) < value[1] < 2**31:
            return Link(value[0], value[1])
        return Link(value[0], int(value[1])) if is_link(value) else NotALink(value)
    return value[_WRAPPER] if kind is dict and _is_wrapped(value) else value


def parse_node(node_id: str, data: Mapping[str, Any]) -> Node:
    """Read one well-formed entry of a prompt."""
    meta = data.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    inputs = {}
    for name, value in (data.get("inputs") or {}).items():
        kind = type(value)
        inputs[name] = parse_value(value) if kind is list or kind is dict else value
    return Node(
        node_id,
        data["class_type"],
        inputs,
        title if isinstance(title, str) else None,
        data.get("override_display_id"),
        data.get("is_changed"),
    )


def parse_prompt(data: Any) -> Graph:
    """Read an API prompt.

    Raises:
        InvalidGraph: with every structural problem: not an object, ids that are not texts, nodes that are not
            objects, nodes without a class_type, inputs that are not an object.
    """
    if not isinstance(data, Mapping):
        raise InvalidGraph(
            [_problem(None, "The prompt is not an object.", f"It is {_kind(data)}.", "Send {id: node}.")]
        )
    problems: list[Problem] = []
    nodes: dict[str, Node] = {}
    for node_id, node in data.items():
        found = _structure(node_id, node)
        if found is None:
            nodes[node_id] = parse_node(node_id, node)
        else:
            problems.append(found)
    if problems:
        raise InvalidGraph(problems)
    return Graph(nodes)


def load_prompt(text: str | bytes) -> Graph:
    """Read an API prompt from JSON text, refusing duplicate keys, NaN, infinities and bottomless nesting.

    Raises:
        InvalidGraph: as `parse_prompt`, and when the text is not strict JSON.
    """
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            repeated.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return result

    def refuse(token: str) -> Any:
        raise ValueError(f"{token} is not JSON")

    try:
        data = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except RecursionError:
        raise InvalidGraph(
            [
                _problem(
                    None, "The prompt is nested too deeply.", "", "Flatten the value; real graphs nest a few levels."
                )
            ]
        ) from None
    except ValueError as error:
        raise InvalidGraph([_problem(None, "The prompt is not JSON.", str(error), "Send strict JSON.")]) from error
    if repeated:
        keys = ", ".join(sorted(set(repeated))[:10])
        raise InvalidGraph(
            [_problem(None, "A key appears twice in one object.", keys, "Give every node and input a name of its own.")]
        )
    return parse_prompt(data)


def to_prompt(graph: Graph, *, wrap: bool = True) -> dict[str, Any]:
    """Write a graph in the API format.

    Args:
        wrap: wrap literal lists so that they can be read back; False gives the unwrapped form that history shows.
    """
    prompt: dict[str, Any] = {}
    for node in graph.nodes.values():
        entry: dict[str, Any] = {
            "inputs": {name: _to_value(value, wrap) for name, value in node.inputs.items()},
            "class_type": node.type,
        }
        if node.title is not None:
            entry["_meta"] = {"title": node.title}
        if node.display_id is not None:
            entry["override_display_id"] = node.display_id
        if node.change_token is not None:
            entry["is_changed"] = node.change_token
        prompt[node.id] = entry
    return prompt


def unwrapped(prompt: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a checked prompt without the wrappers of its literal lists: what history and hidden inputs show."""
    changed = {}
    for node_id, node in prompt.items():
        inputs = node.get("inputs") or {}
        if any(map(_is_wrapped, inputs.values())):
            bare = {name: value[_WRAPPER] if _is_wrapped(value) else value for name, value in inputs.items()}
            changed[node_id] = {**node, "inputs": bare}
    return {node_id: changed.get(node_id, node) for node_id, node in prompt.items()} if changed else prompt


def _is_wrapped(value: Any) -> bool:
    return type(value) is dict and len(value) == 1 and _WRAPPER in value


def _to_value(value: Any, wrap: bool) -> Any:
    kind = type(value)
    if kind is Link:
        return [value.node, value.output]
    if kind is NotALink:
        return value.value
    if kind is list or kind is tuple or (kind is dict and _WRAPPER in value and len(value) == 1):
        return {_WRAPPER: list(value) if kind is tuple else value} if wrap else value
    return value


def _structure(node_id: Any, node: Any) -> Problem | None:
    if (  # what nearly every node is
        type(node) is dict
        and type(node_id) is str
        and node_id
        and type(node.get("class_type")) is str
        and type(node.get("inputs")) is dict
        and node.get("override_display_id") is None
    ):
        return None
    if not isinstance(node_id, str) or not node_id:
        return _problem(
            str(node_id), "Node ids must be non-empty texts.", f"Node ID {node_id!r}", "Write the id in quotes."
        )
    if type(node) is not dict and not isinstance(node, Mapping):
        return _problem(node_id, "A node must be an object.", f"Node ID '#{node_id}' is {_kind(node)}.", "")
    if "class_type" not in node:
        what = "Cannot execute because a node is missing the class_type property."
        return _problem(node_id, what, f"Node ID '#{node_id}'", "Name the node's type in class_type.")
    if not isinstance(node["class_type"], str):
        what = "The class_type of a node must be a text."
        return _problem(node_id, what, f"Node ID '#{node_id}' has {_kind(node['class_type'])}.", "")
    inputs = node.get("inputs")
    if inputs is not None and type(inputs) is not dict and not isinstance(inputs, Mapping):
        return _problem(
            node_id, "The inputs of a node must be an object.", f"Node ID '#{node_id}' has {_kind(inputs)}.", ""
        )
    display = node.get("override_display_id")
    if display is not None and not isinstance(display, str):
        return _problem(node_id, "override_display_id must be a text.", f"Node ID '#{node_id}'", "")
    return None


def _problem(node: str | None, what: str, details: str, fix: str) -> Problem:
    return Problem("invalid_prompt", node, None, what, fix, details)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
