"""From our document to the API prompt: only nodes that run, under path ids, links resolved."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.errors import DocumentProblem, InvalidDocument
from graph_runtime.documents.model import Document, Node, Wired
from graph_runtime.documents.resolve import Muted, Resolver, Source, Value
from graph_runtime.documents.scopes import Scope, open_scopes
from graph_runtime.documents.types import VIRTUAL, NodeType, Types
from graph_runtime.documents.widgets import widget_default

WRAPPER = "__value__"


def to_prompt(document: Document, catalogue: Mapping[str, NodeSpec]) -> dict[str, dict[str, Any]]:
    """The API prompt of a document.

    Nodes of the document come in topological order, first come first served; the nodes inside an instance take
    its place in the order of the definition. Widgets that were left out get their defaults. Dynamic prompts and
    date placeholders are left as they are typed.

    Raises:
        InvalidDocument: every link to a node, output or input that does not exist, ids that clash, circles of
            reroutes or definitions.
    """
    root = open_scopes(document)
    types = Types(catalogue, document.definitions)
    problems: list[DocumentProblem] = []
    resolver = Resolver(types, problems)
    prompt: dict[str, dict[str, Any]] = {}
    for scope, node_id in _running(root):
        node = scope.nodes[node_id]
        path_id = scope.id_of(node_id)
        if path_id in prompt:
            what = f"Two nodes would run under the id {path_id!r}: one of them is inside a subgraph."
            problems.append(DocumentProblem("duplicate_id", f"nodes.{path_id}", what, "Rename one.", path_id))
            continue
        node_type = types.of(node)
        prompt[path_id] = {
            "inputs": _inputs(scope, node_id, node, node_type, resolver),
            "class_type": node.type,
            "_meta": {"title": node.title if node.title is not None else node_type.title},
        }
    if problems:
        raise InvalidDocument(problems)
    return prompt


def _running(root: Scope) -> Iterator[tuple[Scope, str]]:
    """Every node that runs, in order of the prompt."""
    pending = [(root, node_id) for node_id in reversed(topological(root.nodes))]
    while pending:
        scope, node_id = pending.pop()
        node = scope.nodes[node_id]
        if node.type in VIRTUAL or node.mode is not None:
            continue
        inside = scope.children.get(node_id)
        if inside is None:
            yield scope, node_id
        else:
            pending.extend((inside, inner) for inner in reversed(list(inside.nodes)))


def topological(nodes: Mapping[str, Node]) -> list[str]:
    """Ids in dependency order, ties in document order, those of cycles last."""
    waiting = dict.fromkeys(nodes, 0)
    followers: dict[str, list[str]] = {}
    for node_id, node in nodes.items():
        for value in node.inputs.values():
            if isinstance(value, Wired) and value.link is not None and value.link[0] in nodes:
                waiting[node_id] += 1
                followers.setdefault(value.link[0], []).append(node_id)
    ready = deque(node_id for node_id, count in waiting.items() if count == 0)
    order: list[str] = []
    while ready:
        node_id = ready.popleft()
        order.append(node_id)
        for follower in followers.get(node_id, ()):
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    if len(order) < len(nodes):
        placed = set(order)
        order.extend(node_id for node_id in nodes if node_id not in placed)
    return order


def _inputs(scope: Scope, node_id: str, node: Node, node_type: NodeType, resolver: Resolver) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for widget in node_type.widgets:
        given = node.inputs.get(widget.name)
        if widget.name not in node.inputs or (isinstance(given, Wired) and not given.has_value):
            default = widget_default(widget) if widget.required else None
            if default is not None:
                inputs[widget.name] = wrap(default)
        else:
            inputs[widget.name] = wrap(given.value if isinstance(given, Wired) else given)
    linked: dict[str, Wired] = {}
    for name, given in node.inputs.items():
        if isinstance(given, Wired) and (given.link is not None or given.input is not None):
            linked[name] = given
        if name not in inputs and (not isinstance(given, Wired) or given.has_value):
            inputs[name] = wrap(given.value if isinstance(given, Wired) else given)
    sockets = [each.name for each in node_type.sockets if each.name in linked]
    declared = node_type.by_name
    for name in [*sockets, *(name for name in linked if name not in sockets)]:
        wanted = declared[name].type if name in declared else "*"
        found = resolver.resolve(scope, node_id, name, linked[name], wanted)
        if isinstance(found, Source):
            inputs[name] = [found.node, found.slot]
        elif isinstance(found, Value):
            inputs[name] = wrap(found.value)
        elif isinstance(found, Muted):
            inputs.pop(name, None)
    return inputs


def wrap(value: Any) -> Any:
    """A literal as the API prompt writes it: lists are wrapped so that they are not taken for links."""
    if isinstance(value, (list, tuple)):
        return {WRAPPER: list(value)}
    if isinstance(value, dict) and WRAPPER in value:
        return {WRAPPER: value}
    return value
