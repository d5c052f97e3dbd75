"""A document's graph and, below it, one scope for every instance of a subgraph.

Nothing here recurses: definitions may be nested deeper than Python's stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from graph_runtime.documents.errors import DocumentProblem, InvalidDocument
from graph_runtime.documents.model import Definition, Document, Node

MAX_DEPTH: Final = 1_000
MAX_NODES: Final = 250_000


@dataclass(eq=False, slots=True)
class Scope:
    """Nodes that see each other: the document's own, or those inside one instance.

    Attributes:
        path: put before the ids of its nodes: empty, or `12:3:`.
        definition: what it is an instance of; None for the document itself.
        parent, instance: the scope and the node that hold it.
    """

    path: str
    nodes: Mapping[str, Node]
    definition: Definition | None = None
    parent: Scope | None = None
    instance: str | None = None
    children: dict[str, Scope] = field(default_factory=dict)

    def id_of(self, node_id: str) -> str:
        """The id under which a node of this scope runs."""
        return f"{self.path}{node_id}"


def open_scopes(document: Document) -> Scope:
    """The document's scope with those of all instances below it.

    Raises:
        InvalidDocument: if a definition contains itself, or too much: nested over `MAX_DEPTH` deep or over
            `MAX_NODES` nodes in all.
    """
    definitions = document.definitions or {}
    check_definitions(definitions)
    _check_size(document)
    root = Scope("", document.nodes)
    pending = [root]
    while pending:
        scope = pending.pop()
        for node_id, node in scope.nodes.items():
            definition = definitions.get(node.type)
            if definition is not None:
                child = Scope(f"{scope.path}{node_id}:", definition.nodes, definition, scope, node_id)
                scope.children[node_id] = child
                pending.append(child)
    return root


def check_definitions(definitions: Mapping[str, Definition]) -> list[str]:
    """Definition ids, those used by others first.

    Raises:
        InvalidDocument: naming one circle of definitions that contain each other.
    """
    uses = {
        key: list(dict.fromkeys(node.type for node in each.nodes.values() if node.type in definitions))
        for key, each in definitions.items()
    }
    done: dict[str, bool] = {}
    order: list[str] = []
    for start in definitions:
        stack: list[tuple[str, Iterator[str]]] = []
        if start not in done:
            done[start] = False
            stack.append((start, iter(uses[start])))
        while stack:
            current, rest = stack[-1]
            below = next(rest, None)
            if below is None:
                done[current] = True
                order.append(current)
                stack.pop()
            elif below not in done:
                done[below] = False
                stack.append((below, iter(uses[below])))
            elif not done[below]:
                circle = [key for key, _ in stack]
                raise _circle(definitions, [*circle[circle.index(below) :], below])
    return order


def _circle(definitions: Mapping[str, Definition], circle: list[str]) -> InvalidDocument:
    names = " → ".join(definitions[key].name or key for key in circle[:10])
    return InvalidDocument(
        [
            DocumentProblem(
                "definition_cycle",
                f"definitions.{circle[0]}",
                f"The subgraph contains itself: {names}{' → …' if len(circle) > 10 else ''}.",
                "Remove the inner instance.",
            )
        ]
    )


def _check_size(document: Document) -> None:
    definitions = document.definitions or {}
    sizes: dict[str, int] = {}
    depths: dict[str, int] = {}
    for key in check_definitions(definitions):
        nodes = definitions[key].nodes.values()
        sizes[key] = min(sum(sizes.get(node.type, 1) for node in nodes), MAX_NODES + 1)
        depths[key] = 1 + max((depths.get(node.type, 0) for node in nodes), default=0)
    size = sum(sizes.get(node.type, 1) for node in document.nodes.values())
    depth = max((depths.get(node.type, 0) for node in document.nodes.values()), default=0)
    for code, number, limit, what in (
        ("too_many_nodes", size, MAX_NODES, "nodes once its subgraphs are opened"),
        ("too_deep", depth, MAX_DEPTH, "levels of subgraphs"),
    ):
        if number > limit:
            raise InvalidDocument(
                [DocumentProblem(code, "nodes", f"The workflow has more than {limit} {what}.", "Split it.")]
            )
