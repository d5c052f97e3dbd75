"""What a document learns when a node type is installed: names for stored values, new names for renamed inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.model import Document, Node, Wired
from graph_runtime.documents.reading import read_document
from graph_runtime.documents.types import VIRTUAL, NodeType, Types
from graph_runtime.documents.widgets import name_values


def settle(document: Document, catalogue: Mapping[str, NodeSpec]) -> Document:
    """The document with every node brought up to what the catalogue knows; the same object if nothing changed."""
    types = Types(catalogue, document.definitions)
    changed = _changes(document.nodes, types)
    inside = {
        key: changes
        for key, definition in (document.definitions or {}).items()
        if (changes := _changes(definition.nodes, types))
    }
    if not changed and not inside:
        return document
    data = document.to_data()
    data["nodes"].update(changed)
    for key, changes in inside.items():
        data["definitions"][key]["nodes"].update(changes)
    return read_document(data)


def _changes(nodes: Mapping[str, Node], types: Types) -> dict[str, Any]:
    found = {}
    for node_id, node in nodes.items():
        node_type = types.named(node.type)
        if node_type is None or node.type in VIRTUAL:
            continue
        stored = "widgets_values" in (node.kept or {})
        if stored or node.sockets is not None or _renames(node, node_type):
            found[node_id] = _settled(node, node_type)
    for node_id, node in nodes.items():
        renamed = _numbered(node, nodes, types)
        if renamed:
            data = found.setdefault(node_id, node.model_dump(mode="json", exclude_unset=True))
            for name, output in renamed.items():
                if name in data["inputs"]:
                    data["inputs"][name]["link"][1] = output
    return found


def _numbered(node: Node, nodes: Mapping[str, Node], types: Types) -> dict[str, str]:
    """Links written as `#2` whose output has a name by now."""
    found = {}
    for name, value in node.inputs.items():
        if not isinstance(value, Wired) or value.link is None or not value.link[1].startswith("#"):
            continue
        source = nodes.get(value.link[0])
        source_type = types.named(source.type) if source is not None else None
        slot = source_type.slot(value.link[1]) if source_type is not None else None
        if source_type is not None and slot is not None and source_type.output_name(slot) != value.link[1]:
            found[name] = source_type.output_name(slot)
    return found


def _renames(node: Node, node_type: NodeType) -> dict[str, str]:
    """Inputs written under a former name: old name → present name."""
    return {
        alias: each.name
        for each in node_type.inputs
        for alias in each.aliases
        if alias in node.inputs and each.name not in node.inputs and alias not in node_type.by_name
    }


def _settled(node: Node, node_type: NodeType) -> dict[str, Any]:
    data = node.model_dump(mode="json", exclude_unset=True)
    data.pop("sockets", None)
    renamed = _renames(node, node_type)
    inputs = {renamed.get(name, name): value for name, value in data.get("inputs", {}).items()}
    controls = {renamed.get(name, name): value for name, value in (data.get("controls") or {}).items()}
    kept = dict(data.get("kept") or {})
    named = name_values(node_type, kept.pop("widgets_values", None))
    for name, value in named.values.items():
        if name not in inputs:
            inputs[name] = {"value": value} if isinstance(value, (list, dict)) else value
        elif isinstance(inputs[name], dict) and "value" not in inputs[name]:
            inputs[name] = {**inputs[name], "value": value}
    controls = {**named.controls, **controls}
    data["inputs"] = inputs
    for key, value in (("controls", controls), ("kept", kept)):
        if value:
            data[key] = value
        else:
            data.pop(key, None)
    return data
