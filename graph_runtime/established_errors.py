"""The established JSON of a failed validation: `node_errors` and the top-level `error` object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graph_runtime.catalogue import Catalogue
from graph_runtime.problems import Problem

if TYPE_CHECKING:
    from graph_runtime.validate import Validation

__all__ = ["node_errors", "prompt_error"]

_FATAL = frozenset({"invalid_prompt", "prompt_no_outputs"})


def node_errors(validation: Validation, catalogue: Catalogue) -> dict[str, Any]:
    """Render the established `node_errors` object: errors by node, with the failing outputs that depend on it."""
    problems: dict[str, list[Problem]] = {}
    for problem in validation.problems:
        if problem.node is not None and problem.code not in _FATAL:
            problems.setdefault(problem.node, []).append(problem)
    dependants = _dependent_outputs(validation, set(problems))
    return {
        node_id: {
            "errors": [
                {"type": p.code, "message": p.what, "details": p.details, "extra_info": dict(p.extra)} for p in found
            ],
            "dependent_outputs": dependants[node_id],
            "class_type": validation.graph[node_id].type,
        }
        for node_id, found in problems.items()
    }


def _dependent_outputs(validation: Validation, nodes: set[str]) -> dict[str, list[str]]:
    """For each node, the failing outputs that depend on it; one bit an output, carried from consumers to sources."""
    graph, outputs = validation.graph, validation.bad_outputs
    marks = {output: 1 << index for index, output in enumerate(outputs)}
    reach = graph.ancestors(outputs)
    order, cyclic = graph.order(dict.fromkeys(item for item in graph if item in reach))
    if cyclic:  # whoever depends on a cycle fails with it: a superset is tolerated there
        everything = 0
        for node_id in cyclic:
            everything |= marks.get(node_id, 0)
        for node_id in cyclic:
            marks[node_id] = everything
    for node_id in [*cyclic, *reversed(order)]:
        mark = marks.get(node_id, 0)
        for _, link in graph[node_id].links():
            if mark and link.node in reach:
                marks[link.node] = marks.get(link.node, 0) | mark
    return {
        node_id: [output for index, output in enumerate(outputs) if marks.get(node_id, 0) >> index & 1]
        for node_id in nodes
    }


def prompt_error(validation: Validation) -> dict[str, Any] | None:
    """Render the established top-level `error` object, or None if something can run."""
    for problem in validation.problems:
        if problem.code in _FATAL:
            return {"type": problem.code, "message": problem.what, "details": problem.details, "extra_info": {}}
    if validation.runnable:
        return None
    failing = set(validation.bad_outputs)
    lines = [f"{p.what}: {p.details}" for p in validation.problems if p.node in failing]
    cycles = [f"{p.what}: {p.details}" for p in validation.problems if p.code == "dependency_cycle"]
    return {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
        "details": "\n".join(lines or cycles[:1]),
        "extra_info": {},
    }
