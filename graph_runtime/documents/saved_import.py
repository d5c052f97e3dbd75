"""From saved editor documents (0.4 and 1) to our own document.

Nodes keep their ids, titles, modes, values and places. Values are named through the catalogue; a node whose type
is not installed keeps its sockets and its unnamed values. Notes and native reroutes become layout, legacy group
nodes become definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.errors import DocumentProblem, InvalidDocument
from graph_runtime.documents.group_nodes import GroupNode, read_group_nodes
from graph_runtime.documents.model import FORMAT, VERSION, Definition, Node
from graph_runtime.documents.saved_graph import (
    OUTPUTS_ID,
    SavedGraph,
    items,
    mapping,
    read_definitions,
    read_saved_graph,
    type_name,
)
from graph_runtime.documents.saved_layout import read_ends, read_layout
from graph_runtime.documents.saved_nodes import NodeReader
from graph_runtime.documents.types import Types, distinct

_ROOT_KEYS: Final = frozenset(
    {"nodes", "links", "floatingLinks", "groups", "definitions", "version", "extra", "reroutes", "state"}
    | {"last_node_id", "last_link_id"}
)
_EXTRA_KEYS: Final = frozenset({"ds", "reroutes", "linkExtensions", "groupNodes"})
_DEFINITION_KEYS: Final = frozenset(
    {"id", "name", "description", "inputs", "outputs", "nodes", "links", "groups", "reroutes", "floatingLinks"}
    | {"definitions", "state", "version"}
)


def import_saved(
    raw: Mapping[str, Any], catalogue: Mapping[str, NodeSpec], warnings: list[DocumentProblem]
) -> dict[str, Any]:
    """Turn a saved editor document into the plain data of ours.

    Raises:
        InvalidDocument: if nodes lack an id or a type, or ids are given twice.
    """
    problems: list[DocumentProblem] = []
    root = read_saved_graph(raw, "", problems)
    definitions = _read_definitions(raw, problems)
    if problems:
        raise InvalidDocument(problems)

    groups = read_group_nodes(raw, catalogue, taken=definitions)
    for group in groups.values():
        definitions[group.id] = read_saved_graph(group.raw, f"extra.groupNodes.{group.raw['name']}", problems)
    frames = {key: _boundary(each) for key, each in definitions.items()}
    types = _types(definitions, frames, groups, catalogue)
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    extra = {key: value for key, value in mapping(raw.get("extra")).items() if key not in _EXTRA_KEYS}
    own = mapping(extra.pop("heddle", None))  # written by our own export, which has no other place for it
    if isinstance(own.get("name"), str) and own["name"]:
        data["name"] = own["name"]
    if isinstance(own.get("form"), Mapping):
        data["form"] = own["form"]
    reader = NodeReader(root, types, groups, (), warnings)
    data["nodes"] = reader.read()
    stored = {
        key: _definition(graph, frames[key], NodeReader(graph, types, groups, frames[key]["names"], warnings))
        for key, graph in definitions.items()
    }
    if stored:
        data["definitions"] = stored
    layout = read_layout(root, reader.output_at, reader.input_at)
    if layout:
        data["layout"] = layout
    saved = {key: value for key, value in raw.items() if key not in _ROOT_KEYS and value not in ([], {})}
    if extra:
        saved["extra"] = extra
    if saved:
        data["meta"] = {"saved": saved}
    return data


def _read_definitions(raw: Mapping[str, Any], problems: list[DocumentProblem]) -> dict[str, SavedGraph]:
    found: dict[str, SavedGraph] = {}
    for path, each in read_definitions(raw):
        definition_id = each.get("id")
        if not isinstance(definition_id, str) or not definition_id:
            problems.append(DocumentProblem("missing_key", path, "The subgraph has no 'id'.", "Add it."))
        elif definition_id in found:
            if found[definition_id].raw != each:
                what = f"Two different subgraphs have the id {definition_id!r}."
                problems.append(DocumentProblem("duplicate_id", path, what, "Give one of them another id."))
        else:
            found[definition_id] = read_saved_graph(each, path, problems)
    return found


def _boundary(graph: SavedGraph) -> dict[str, Any]:
    """Names and types of a definition's own sockets."""
    inputs = [each for each in items(graph.raw.get("inputs")) if isinstance(each, Mapping)]
    outputs = [each for each in items(graph.raw.get("outputs")) if isinstance(each, Mapping)]
    names = distinct(str(each.get("name") or "input") for each in inputs)
    return {
        "names": names,
        "inputs": [_socket(name, each) for name, each in zip(names, inputs, strict=True)],
        "outputs": [
            _socket(name, each)
            for name, each in zip(distinct(str(out.get("name") or "output") for out in outputs), outputs, strict=True)
        ],
    }


def _socket(name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    socket: dict[str, Any] = {"name": name, "type": type_name(raw.get("type"))}
    if isinstance(raw.get("label"), str):
        socket["label"] = raw["label"]
    return socket


def _types(
    definitions: Mapping[str, SavedGraph],
    frames: Mapping[str, dict[str, Any]],
    groups: Mapping[str, GroupNode],
    catalogue: Mapping[str, NodeSpec],
) -> Types:
    """Types that know which inputs of definitions are widgets; needs the links inside, not yet the values."""
    bare = {
        key: Definition.model_validate({"name": key, **{k: frame[k] for k in ("inputs", "outputs")}, "nodes": {}})
        for key, frame in frames.items()
    }
    types = Types(catalogue, bare)
    linked = {
        key: bare[key].model_copy(
            update={
                "nodes": {
                    node_id: Node.model_validate(data)
                    for node_id, data in NodeReader(graph, types, groups, frames[key]["names"], []).read_links().items()
                }
            }
        )
        for key, graph in definitions.items()
    }
    return Types(catalogue, linked)


def _definition(graph: SavedGraph, frame: Mapping[str, Any], reader: NodeReader) -> dict[str, Any]:
    raw = graph.raw
    data: dict[str, Any] = {"name": raw["name"] if isinstance(raw.get("name"), str) else "Subgraph"}
    if isinstance(raw.get("description"), str) and raw["description"]:
        data["description"] = raw["description"]
    data["inputs"] = frame["inputs"]
    ends: dict[int, dict[str, Any]] = {}
    for link in graph.links.values():
        if link.target != OUTPUTS_ID:
            continue
        source = reader.source(link)
        if source is not None:
            ends.setdefault(link.target_slot, source)
    data["outputs"] = [{**socket, **ends.get(slot, {})} for slot, socket in enumerate(frame["outputs"])]
    data["nodes"] = reader.read()
    layout = read_layout(graph, reader.output_at, reader.input_at)
    ends_at = read_ends(raw)
    if ends_at:
        layout["nodes"] = {**ends_at, **layout.get("nodes", {})}
    if layout:
        data["layout"] = layout
    kept = {key: value for key, value in raw.items() if key not in _DEFINITION_KEYS and value not in ([], {}, None)}
    if kept:
        data["kept"] = kept
    return data
