"""Where a link really comes from: through reroutes, bypassed nodes and the walls of subgraphs.

The walk goes upstream from one input and ends at a node that runs, at a value, or nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graph_runtime.documents.errors import DocumentProblem, nearest
from graph_runtime.documents.model import Node, Wired
from graph_runtime.documents.scopes import Scope
from graph_runtime.documents.types import PRIMITIVE, REROUTE, VALUE, NodeType, Types


@dataclass(frozen=True, slots=True)
class Source:
    """An output of a node that runs."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Value:
    """A value, from a primitive or an instance's widget."""

    value: Any


@dataclass(frozen=True, slots=True)
class Nothing:
    """The link leads nowhere: the input's own value stands."""


@dataclass(frozen=True, slots=True)
class Muted:
    """The link leads to a node that does not run: the input disappears, whatever its own value."""


Resolved = Source | Value | Nothing | Muted


class Resolver:
    """Resolves links of one document and collects what is wrong with them."""

    def __init__(self, types: Types, problems: list[DocumentProblem]) -> None:
        self._types = types
        self._problems = problems
        self._reported: set[DocumentProblem] = set()

    def resolve(self, scope: Scope, node_id: str, name: str, wired: Wired, wanted: str) -> Resolved:
        """Follow one input of a node.

        Args:
            wanted: the type that this input takes; bypassed nodes are matched with it.
        """
        at: tuple[Scope, str, str] = (scope, node_id, name)
        seen: set[tuple[str, str, str]] = set()
        first = True
        while True:
            where, owner, input_name = at
            if wired.link is None and wired.input is None:
                return Nothing() if first else Value(wired.value)
            if (where.path, owner, input_name) in seen:
                self._problem("link_loop", *at, "The link runs in a circle of reroutes.", "Remove one link of it.")
                return Nothing()
            seen.add((where.path, owner, input_name))
            first = False
            if wired.input is not None:
                step = self._outside(at, wired)
            else:
                step = self._upstream(at, *(wired.link or ("", "")), wanted)
            if not isinstance(step, tuple):
                return step
            at, wired = step

    def _outside(self, at: tuple[Scope, str, str], wired: Wired) -> Resolved | tuple[tuple[Scope, str, str], Wired]:
        """From a definition's own input to what the instance has there."""
        scope, _, _ = at
        name = wired.input or ""
        if scope.definition is None or scope.parent is None or scope.instance is None:
            self._problem("unknown_input", *at, f"'input': {name!r} is written outside a definition.", "Use 'link'.")
            return Nothing()
        declared = [each.name for each in scope.definition.inputs]
        if name not in declared:
            self._problem("unknown_input", *at, f"The definition has no input {name!r}.", nearest(name, declared))
            return Nothing()
        outer = scope.parent.nodes[scope.instance].inputs
        if name not in outer:
            return Value(wired.value) if wired.has_value else Nothing()
        given = outer[name]
        if isinstance(given, Wired):
            return (scope.parent, scope.instance, name), given
        return Value(given)

    def _upstream(
        self, at: tuple[Scope, str, str], source: str, output: str, wanted: str
    ) -> Resolved | tuple[tuple[Scope, str, str], Wired]:
        """From a link to the node it comes from, and on if that node only passes things through."""
        scope = at[0]
        node = scope.nodes.get(source)
        if node is None:
            self._problem(
                "unknown_node", *at, f"It is linked to node {source!r}, which does not exist.", "Link it to another."
            )
            return Nothing()
        if node.type == REROUTE:
            return self._follow(scope, source, node, VALUE)
        if node.type == PRIMITIVE:
            value = node.inputs.get(VALUE, Nothing())
            if isinstance(value, Wired):
                return (
                    Value(value.value)
                    if value.link is None and value.input is None
                    else ((scope, source, VALUE), value)
                )
            return value if isinstance(value, Nothing) else Value(value)
        node_type = self._types.of(node)
        slot = node_type.slot(output)
        if slot is None:
            self._problem(
                "unknown_output",
                *at,
                f"It is linked to output {output!r} of node {source!r} ({node_type.title}), which has no such output.",
                nearest(output, node_type.output_names),
            )
            return Nothing()
        if node.mode == "muted":
            return Muted()
        if node.links_are_bypassed:
            passed = bypass(node_type, slot, wanted)
            return Nothing() if passed is None else self._follow(scope, source, node, passed)
        inside = scope.children.get(source)
        if inside is None:
            return Source(scope.id_of(source), slot)
        return self._inside(inside, slot)

    def _inside(self, inside: Scope, slot: int) -> Resolved | tuple[tuple[Scope, str, str], Wired]:
        """From an instance's output to what feeds it inside."""
        outputs = inside.definition.outputs if inside.definition is not None else ()
        if slot >= len(outputs):
            return Nothing()
        end = outputs[slot]
        place = (inside, "@outputs", end.name)
        if end.link is not None:
            return place, Wired(link=end.link)
        return (place, Wired(input=end.input)) if end.input is not None else Nothing()

    def _follow(
        self, scope: Scope, node_id: str, node: Node, name: str
    ) -> Resolved | tuple[tuple[Scope, str, str], Wired]:
        given = node.inputs.get(name)
        if not isinstance(given, Wired) or (given.link is None and given.input is None):
            return Nothing()
        return (scope, node_id, name), given

    def _problem(self, code: str, scope: Scope, node: str, name: str, what: str, fix: str) -> None:
        if node == "@outputs":
            path = f"definitions.{scope.instance}.outputs.{name}"
        else:
            path = f"nodes.{scope.id_of(node)}.inputs.{name}"
        problem = DocumentProblem(code, path, what, fix, scope.id_of(node), name)
        if problem not in self._reported:
            self._reported.add(problem)
            self._problems.append(problem)


def bypass(node_type: NodeType, slot: int, wanted: str) -> str | None:
    """The input that a bypassed node passes on as its output; None if none fits.

    Args:
        wanted: the type of the input at the far end.
    """
    sockets = node_type.sockets
    if not sockets:
        return None
    own = node_type.output_type(slot)
    same = sockets[slot] if slot < len(sockets) else None
    if is_any(wanted):
        return (same or sockets[0]).name
    if same is not None and compatible(same.type, own) and compatible(same.type, wanted):
        return same.name
    exact = next((each for each in sockets if each.type == wanted), None)
    if exact is None:
        exact = next((each for each in sockets if compatible(each.type, own) and compatible(each.type, wanted)), None)
    return None if exact is None else exact.name


def is_any(kind: str) -> bool:
    """Whether a type is a wildcard."""
    return kind in ("", "*", "0")


def compatible(left: str, right: str) -> bool:
    """Whether a socket of one type fits one of the other: equal whatever the case, or unions that overlap."""
    if is_any(left) or is_any(right):
        return True
    return bool(
        {each.strip() for each in left.lower().split(",")} & {each.strip() for each in right.lower().split(",")}
    )
