"""The graph that is run: frozen, without any state of a run.

A graph maps node ids to nodes; a node's input is a `Link` to another node's output or a literal. Graphs of 100,000
nodes in one chain are ordinary: nothing here recurses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias, TypeVar, dataclass_transform

__all__ = ["Graph", "Link", "Literal", "Node", "NotALink", "find_cycles"]

Literal: TypeAlias = Any
"""A JSON value; validation coerces it to the type the input declares."""

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def _value(cls: type[T]) -> type[T]:
    """A frozen dataclass to its readers and to type checkers.

    Nothing enforces it while running: that would make a node five times as slow to make, and a graph that is submitted
    again, with every result known, costs little more than making its nodes.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@_value
class Link:
    """One output of another node."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    node: str
    output: int

    def to_list(self) -> list[Any]:
        """Return the `[id, slot]` pair that packs and the API format use."""
        return [self.node, self.output]


@dataclass(frozen=True, slots=True)
class NotALink:
    """A bare list in an API prompt that cannot be read as a link; reported where the input is declared."""

    value: Any


@_value
class Node:
    """One node of a graph.

    Args:
        id: unique in its graph, any non-empty text.
        type: id of a catalogue entry.
        inputs: name → `Link` or literal.
        title: what a person called it; never affects results.
        display_id: the node that editors highlight in its place (used by expansions).
        change_token: a precomputed change token, trusted as it is; None means there is none.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    id: str
    type: str
    inputs: Mapping[str, Literal | Link] = field(default_factory=dict)
    title: str | None = None
    display_id: str | None = None
    change_token: Any = None

    def links(self) -> Iterator[tuple[str, Link]]:
        """Yield (input name, link) of every connected input."""
        for name, value in self.inputs.items():
            if type(value) is Link:
                yield name, value


class Graph:
    """A frozen set of nodes, keyed by id in document order."""

    __slots__ = ("nodes",)
    nodes: Mapping[str, Node]

    def __init__(self, nodes: Mapping[str, Node] | Iterable[Node]) -> None:
        items = dict(nodes) if isinstance(nodes, Mapping) else {node.id: node for node in nodes}
        object.__setattr__(self, "nodes", MappingProxyType(items))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A Graph is frozen; make a new one with Graph.with_nodes.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and dict(self.nodes) == dict(other.nodes)

    def __hash__(self) -> int:
        return hash(tuple(self.nodes))

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, node_id: object) -> bool:
        return node_id in self.nodes

    def __getitem__(self, node_id: str) -> Node:
        return self.nodes[node_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __repr__(self) -> str:
        return f"Graph({len(self.nodes)} nodes)"

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """Return a graph in which these nodes are added or replaced."""
        return Graph({**self.nodes, **{node.id: node for node in nodes}})

    def with_inputs(self, node_id: str, **inputs: Any) -> Graph:
        """Return a graph in which one node's inputs are changed."""
        node = self.nodes[node_id]
        return self.with_nodes([replace(node, inputs={**node.inputs, **inputs})])

    def ancestors(self, targets: Iterable[str]) -> set[str]:
        """Return the targets and every node they depend on, links to missing nodes left out."""
        seen: set[str] = set()
        stack = [target for target in targets if target in self.nodes]
        while stack:
            node_id = stack.pop()
            if node_id in seen:
                continue
            seen.add(node_id)
            for value in self.nodes[node_id].inputs.values():
                if type(value) is Link and value.node not in seen and value.node in self.nodes:
                    stack.append(value.node)
        return seen

    def order(self, among: Iterable[str] | None = None) -> tuple[list[str], list[str]]:
        """Return (ids in dependency order, ids that are in a cycle or depend on one).

        Among independent nodes the document order is kept. Links to missing nodes are ignored.
        """
        nodes = self.nodes
        wanted = nodes if among is None else dict.fromkeys(among)
        waiting: dict[str, int] = {}
        dependants: dict[str, list[str]] = {}
        ready: list[str] = []
        for node_id in wanted:
            count = 0
            for value in nodes[node_id].inputs.values():
                if type(value) is Link and value.node in wanted:
                    count += 1
                    dependants.setdefault(value.node, []).append(node_id)
            if count:
                waiting[node_id] = count
            else:
                ready.append(node_id)
        for node_id in ready:  # grows while it is walked
            for dependant in dependants.get(node_id, ()):
                waiting[dependant] -= 1
                if not waiting[dependant]:
                    del waiting[dependant]
                    ready.append(dependant)
        return ready, list(waiting)


def find_cycles(graph: Graph, suspects: Iterable[str]) -> list[list[str]]:
    """Return one circle for each knot of nodes that depend on each other, in the direction of the links.

    Linear in the number of links; `networkx.find_cycle` is not, so only the knots are found with networkx.
    """
    import networkx  # only where something is wrong: importing it takes longer than most runs

    chosen = dict.fromkeys(suspects)
    digraph = networkx.DiGraph()
    for node_id in chosen:
        digraph.add_edges_from((link.node, node_id) for _, link in graph[node_id].links() if link.node in chosen)
    knots = [
        knot
        for knot in networkx.strongly_connected_components(digraph)
        if len(knot) > 1 or digraph.has_edge(*knot, *knot)
    ]
    position = {node_id: index for index, node_id in enumerate(chosen)}
    knots.sort(key=lambda knot: min(position[node_id] for node_id in knot))
    return [_circle(graph, knot, min(knot, key=position.__getitem__)) for knot in knots]


def _circle(graph: Graph, knot: set[str], start: str) -> list[str]:
    """Walk from node to source inside a knot until a node comes again."""
    path: dict[str, int] = {}
    node_id = start
    while node_id not in path:
        path[node_id] = len(path)
        node_id = next(link.node for _, link in graph[node_id].links() if link.node in knot)
    return list(path)[path[node_id] :][::-1]
