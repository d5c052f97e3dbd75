"""`--set NODE.INPUT=VALUE`: changing inputs of a workflow from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graph_runtime.catalogue import WIDGET_TYPES, Catalogue, InputSpec
from graph_runtime.errors import did_you_mean
from graph_runtime.graph import Graph, Node
from graph_runtime.problems import Problem

__all__ = ["Assigned", "Assignment", "BadAssignment", "assign"]

_BOOLEANS = {
    "true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip


class BadAssignment(ValueError):
    """Text that is not NODE.INPUT=VALUE."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One change: `node` is an id, a title or a type that only one node has."""

    node: str
    input: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Assignment:
        """Read NODE.INPUT=VALUE; the node may contain dots, the value anything.

        Raises:
            BadAssignment: saying what is missing.
        """
        place, equals, value = text.partition("=")
        node, dot, name = place.rpartition(".")
        if not (equals and dot and node.strip() and name.strip()):
            raise BadAssignment(f"{text!r} is not NODE.INPUT=VALUE, such as KSampler.seed=5 or 3.text='a red circle'")
        return cls(node.strip(), name.strip(), value)

    def __str__(self) -> str:
        return f"--set {self.node}.{self.input}={self.value}"


@dataclass(frozen=True, slots=True)
class Assigned:
    """A changed graph, which literal each assignment put where, and what could not be done."""

    graph: Graph
    values: Mapping[tuple[str, str], Any]
    problems: tuple[Problem, ...]


def assign(graph: Graph, catalogue: Catalogue, assignments: Iterable[Assignment]) -> Assigned:
    """Apply assignments in order; every one that is impossible becomes a problem."""
    problems: list[Problem] = []
    values: dict[tuple[str, str], Any] = {}
    for assignment in assignments:
        node = _find(graph, catalogue, assignment)
        if isinstance(node, Problem):
            problems.append(node)
            continue
        spec = _input(node, catalogue, assignment)
        if isinstance(spec, Problem):
            problems.append(spec)
            continue
        value = _read(assignment.value, spec)
        if spec is not None and spec.type == "BOOLEAN" and not isinstance(value, bool):
            problems.append(
                Problem(
                    "invalid_input_type", node.id, assignment.input,
                    f"{assignment}: '{assignment.value}' is neither true nor false.", "Write true or false.",
                )
            )  # fmt: skip
            continue
        graph = graph.with_inputs(node.id, **{assignment.input: value})
        values[node.id, assignment.input] = value
    return Assigned(graph, values, tuple(problems))


def _find(graph: Graph, catalogue: Catalogue, assignment: Assignment) -> Node | Problem:
    if assignment.node in graph:
        return graph[assignment.node]
    nodes = [graph[node_id] for node_id in graph]
    names = {node.id: _names(node, catalogue) for node in nodes}
    for rank in range(3):
        found = [node for node in nodes if names[node.id][rank] == assignment.node]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(f"{node.id} ({node.title or node.type})" for node in found)
            return Problem(
                "ambiguous_node", None, None,
                f"{assignment}: {len(found)} nodes are called '{assignment.node}': {ids}.", "Name one by its id.",
            )  # fmt: skip
    known = sorted({name for triple in names.values() for name in triple if name} | set(names))
    return Problem(
        "unknown_node", None, None, f"{assignment}: no node is called '{assignment.node}'."
        f"{did_you_mean(assignment.node, known)}",
        "The nodes are: " + ", ".join(f"{node.id} ({node.title or node.type})" for node in nodes[:20]) + ".",
    )  # fmt: skip


def _names(node: Node, catalogue: Catalogue) -> tuple[str, str, str]:
    spec = catalogue.get(node.type)
    return node.title or "", node.type, spec.display_name if spec else ""


def _input(node: Node, catalogue: Catalogue, assignment: Assignment) -> InputSpec | Problem | None:
    """The declared input; None where the node accepts inputs that it does not declare."""
    spec = catalogue.get(node.type)
    if spec is None:
        return None  # validation reports the unknown type
    declared = spec.input(assignment.input)
    if declared is not None and declared.hidden is None:
        if declared.type in WIDGET_TYPES or declared.widget or assignment.input in node.inputs:
            return declared
        return Problem(
            "not_a_value", node.id, assignment.input,
            f"{assignment}: '{assignment.input}' takes a link of type {declared.type}, not a value.",
            "Connect it in the workflow.",
        )  # fmt: skip
    if declared is None and spec.dynamic_inputs:
        return None
    names = [item.name for item in spec.visible]
    return Problem(
        "unknown_input", node.id, assignment.input,
        f"{assignment}: {node.type} has no input '{assignment.input}'.{did_you_mean(assignment.input, names)}",
        f"Its inputs are: {', '.join(names) or 'none'}.",
    )  # fmt: skip


def _read(text: str, spec: InputSpec | None) -> Any:
    """The value that a text means for an input; validation says what is wrong with it."""
    if spec is not None and spec.type == "STRING":
        return text
    if spec is not None and spec.type == "BOOLEAN":
        return _BOOLEANS.get(text.strip().lower(), text)
    if spec is not None and spec.type == "COMBO":
        return next((choice for choice in spec.choices or () if str(choice) == text), text)
    try:
        return json.loads(text)
    except ValueError:
        return text
