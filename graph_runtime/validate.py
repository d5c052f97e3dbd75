"""Everything that is wrong with a graph, found from the catalogue alone, all at once.

No node code runs here; validation hooks of packs are `graph_runtime.hooks`. Codes, messages, details and extra are the
established ones where the established protocol has them; `fix` is ours. Checking is linear in the size of the graph
and does not recurse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from graph_runtime.catalogue import Catalogue, ChoicesOf, InputSpec, NodeSpec, OutputSpec
from graph_runtime.collector import paused_collection
from graph_runtime.errors import did_you_mean
from graph_runtime.established_errors import node_errors, prompt_error
from graph_runtime.graph import Graph, Link, Node, NotALink, find_cycles
from graph_runtime.literals import LiteralCheck
from graph_runtime.problems import Problem
from graph_runtime.showing import shown_value
from graph_runtime.sockets import compatible

__all__ = ["Problem", "Validation", "node_errors", "prompt_error", "validate"]

_MOST_HINTS = 50


@dataclass(frozen=True, slots=True)
class Validation:
    """What validation found.

    Args:
        problems: all findings; empty if the graph is good.
        good_outputs: selected terminal nodes that can run.
        bad_outputs: selected terminal nodes that cannot.
        graph: the graph with literals coerced and former input names replaced.
    """

    problems: tuple[Problem, ...]
    good_outputs: tuple[str, ...]
    bad_outputs: tuple[str, ...]
    graph: Graph

    @property
    def runnable(self) -> bool:
        """At least one output can run."""
        return bool(self.good_outputs)

    def with_problems(self, problems: Iterable[Problem]) -> Validation:
        """Return the validation with further findings (of hooks); outputs that depend on them become bad."""
        added = tuple(problems)
        if not added:
            return self
        broken = {problem.node for problem in added if problem.node is not None}
        order, cyclic = self.graph.order()
        broken.update(cyclic)
        for node_id in order:
            if any(link.node in broken for _, link in self.graph[node_id].links()):
                broken.add(node_id)
        bad = [output for output in self.good_outputs if output in broken]
        return Validation(
            self.problems + added,
            tuple(output for output in self.good_outputs if output not in broken),
            self.bad_outputs + tuple(bad),
            self.graph,
        )


def validate(
    graph: Graph, catalogue: Catalogue, choices: ChoicesOf, targets: Iterable[str] | None = None
) -> Validation:
    """Check a graph against a catalogue.

    Args:
        choices: lists the names in a folder, for inputs that choose from one.
        targets: consider only these terminal nodes; None means all, an empty list means none.
    """
    with paused_collection():
        return _Check(graph, catalogue, choices, targets).run()


class _Check:
    def __init__(self, graph: Graph, catalogue: Catalogue, choices: ChoicesOf, targets: Iterable[str] | None) -> None:
        self.graph = graph
        self.catalogue = catalogue
        self.targets = None if targets is None else set(targets)
        self.problems: list[Problem] = []
        self.changed: dict[str, Node] = {}
        self._literals = LiteralCheck(choices)

    def run(self) -> Validation:
        unknown = self._unknown_types()
        candidates = [
            node.id
            for node in self.graph.nodes.values()
            if node.type in self.catalogue
            and self.catalogue[node.type].terminal
            and (self.targets is None or node.id in self.targets)
        ]
        if not candidates:
            fix = "Add a node that saves or shows a result, or select one of the graph's outputs."
            self.problems.append(Problem("prompt_no_outputs", None, None, "Prompt has no outputs", fix))
        self.candidates = frozenset(candidates)
        self._rename_former_inputs()
        reachable = self.graph.ancestors(candidates)
        self._reachable = reachable
        whole = len(reachable) == len(self.graph)
        order, cyclic = self.graph.order(None if whole else [item for item in self.graph if item in reachable])
        valid: dict[str, bool] = dict.fromkeys(cyclic, False)
        nodes = self.graph.nodes
        for node_id in order:
            valid[node_id] = self._check_node(nodes[node_id], valid)
        for node_id in cyclic:
            self._check_node(self.graph[node_id], valid)
        self._report_cycles(cyclic)
        good = () if unknown else tuple(item for item in candidates if valid[item])
        runnable = frozenset(good)
        bad = tuple(item for item in candidates if item not in runnable)
        checked = self.graph.with_nodes(self.changed.values()) if self.changed else self.graph
        return Validation(tuple(self.problems), good, bad, checked)

    def _unknown_types(self) -> bool:
        hints: dict[str, str] = {}
        for node in self.graph.nodes.values():
            if node.type in self.catalogue:
                continue
            if node.type not in hints:
                hints[node.type] = did_you_mean(node.type, self.catalogue) if len(hints) < _MOST_HINTS else ""
            what = f"Cannot execute because node {node.type} does not exist."
            fix = f"Install the pack that provides it, or replace the node.{hints[node.type]}"
            details, extra = f"Node ID '#{node.id}'", {"node_type": node.type}
            self.problems.append(Problem("invalid_prompt", node.id, None, what, fix, details, extra))
        return bool(hints)

    def _rename_former_inputs(self) -> None:
        renamed = []
        for node in self.graph.nodes.values():
            spec = self.catalogue.get(node.type)
            if spec is not None and spec.former and any(old in node.inputs for old in spec.former):
                inputs = dict(node.inputs)
                for old, name in spec.former.items():
                    if old in inputs and old not in spec.by_name:
                        value = inputs.pop(old)
                        inputs.setdefault(name, value)
                renamed.append(replace(node, inputs=inputs))
        if renamed:
            self.graph = self.graph.with_nodes(renamed)

    @cached_property
    def _consumers(self) -> dict[str, tuple[Node, str, Link]]:
        """Who first uses each node."""
        consumers: dict[str, tuple[Node, str, Link]] = {}
        for node_id in self._reachable:
            node = self.graph[node_id]
            for name, link in node.links():
                consumers.setdefault(link.node, (node, name, link))
        return consumers

    def _check_node(self, node: Node, valid: Mapping[str, bool]) -> bool:
        spec = self.catalogue.get(node.type)
        if spec is None:
            return False
        good = True
        inputs = node.inputs
        coerced: dict[str, Any] = {}
        for item in spec.visible:
            name = item.name
            if name not in inputs:
                if item.required:
                    good = False
                    self._add(
                        node,
                        item,
                        "required_input_missing",
                        "Required input is missing",
                        name,
                        {"input_name": name},
                        _fix_missing(item),
                    )
                continue
            value = inputs[name]
            if type(value) is Link:
                good = self._check_link(node, spec, item, value, valid) and good
            elif type(value) is NotALink:
                good = False
                what = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
                fix = 'Link as ["id", slot], or wrap a literal list as {"__value__": [...]}.'
                extra = {
                    "input_name": name,
                    "input_config": self._literals.config(item),
                    "received_value": shown_value(value.value),
                }
                self._add(node, item, "bad_linked_input", what, name, extra, fix)
            else:
                kept, problem = self._literals.check(node.id, spec, item, value)
                if problem is not None:
                    self.problems.append(problem)
                    good = False
                if kept is not value:
                    coerced[name] = kept
        if not spec.by_name.keys() >= inputs.keys():
            good = self._check_undeclared(node, spec, valid) and good
        if coerced:
            self.changed[node.id] = replace(node, inputs={**inputs, **coerced})
        elif node.id not in self.changed and self.graph[node.id] is not node:
            self.changed[node.id] = node
        return good

    def _check_link(self, node: Node, spec: NodeSpec, item: InputSpec, link: Link, valid: Mapping[str, bool]) -> bool:
        output = self._source(node, item.name, link)
        if output is None:
            return False
        if output != "unknown":
            hook = spec.checks_inputs
            declared = self._literals.wire_type(item)
            received = output.wire_type
            if not (isinstance(hook, tuple) and "input_types" in hook) and not compatible(received, declared):
                details = f"{item.name}, received_type({_text(received)}) mismatch input_type({_text(declared)})"
                extra = {
                    "input_name": item.name,
                    "input_config": self._literals.config(item),
                    "received_type": _plain(received),
                    "linked_node": link.to_list(),
                }
                fix = f"Connect an output of type {_text(declared)}, or put a converting node between."
                self._add(
                    node, item, "return_type_mismatch", "Return type mismatch between linked nodes", details, extra, fix
                )
                return False
        return valid.get(link.node, False)

    def _check_undeclared(self, node: Node, spec: NodeSpec, valid: Mapping[str, bool]) -> bool:
        good = True
        for name, link in node.links():
            item = spec.by_name.get(name)
            if item is None:
                good = self._source(node, name, link) is not None and valid.get(link.node, False) and good
        return good

    def _source(self, node: Node, name: str, link: Link) -> OutputSpec | Literal["unknown"] | None:
        """Return the output that a link names, None if it is missing, "unknown" if nobody knows its node's type."""
        source = self.graph.nodes.get(link.node)
        if source is None:
            self._add_broken(node, name, "KeyError", f"'{link.node}'", f"node '{link.node}' does not exist")
            return None
        spec = self.catalogue.get(source.type)
        if spec is None:
            return "unknown"
        output = spec.output(link.output)
        if output is None:
            what = f"node '{link.node}' ({source.type}) has no output {link.output}; it has {len(spec.outputs)}"
            self._add_broken(node, name, "IndexError", "tuple index out of range", what)
        return output

    def _add_broken(self, node: Node, name: str, kind: str, reason: str, what: str) -> None:
        fix = f"Input '{name}' is linked to something that is not there: {what}. Connect it again."
        if node.id in self.candidates:
            info = {"exception_type": kind, "traceback": [], "input_name": name}
            self.problems.append(
                Problem(
                    "exception_during_validation",
                    node.id,
                    name,
                    "Exception when validating node",
                    fix,
                    f"{reason}: {what}",
                    info,
                )
            )
            return
        consumer, consumed, link = self._consumers[node.id]
        consumer_spec = self.catalogue.get(consumer.type)
        item = consumer_spec.by_name.get(consumed) if consumer_spec else None
        extra: dict[str, Any] = {
            "input_name": consumed,
            "input_config": self._literals.config(item) if item else None,
            "exception_message": f"{reason}: {what}",
            "exception_type": kind,
            "traceback": [],
            "linked_node": link.to_list(),
        }
        self.problems.append(
            Problem(
                "exception_during_inner_validation",
                node.id,
                name,
                "Exception when validating inner node",
                fix,
                f"{reason}: {what}",
                extra,
            )
        )

    def _add(
        self, node: Node, item: InputSpec, code: str, what: str, details: str, extra: Mapping[str, Any], fix: str
    ) -> None:
        self.problems.append(Problem(code, node.id, item.name, what, fix, details, extra))

    def _report_cycles(self, cyclic: list[str]) -> None:
        for cycle in find_cycles(self.graph, cyclic) if cyclic else ():
            members = set(cycle)
            shown = cycle if len(cycle) <= 12 else [*cycle[:6], "…", *cycle[-5:]]
            path = " → ".join([*shown, cycle[0]])
            for node_id in cycle:
                name = next(name for name, link in self.graph[node_id].links() if link.node in members)
                what, fix = "Nodes depend on each other in a circle", "Remove one of the links of the circle."
                extra = {"cycle": list(shown), "input_name": name}
                self.problems.append(Problem("dependency_cycle", node_id, name, what, fix, path, extra))


def _fix_missing(item: InputSpec) -> str:
    return f"Enter a value for '{item.name}'." if item.widget else f"Connect a {item.type} to '{item.name}'."


def _text(wire_type: Any) -> str:
    return str.__str__(wire_type) if isinstance(wire_type, str) else str(wire_type)


def _plain(wire_type: Any) -> Any:
    return str.__str__(wire_type) if isinstance(wire_type, str) else wire_type
