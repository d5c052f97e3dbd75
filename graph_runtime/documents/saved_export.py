"""From our document back to a saved editor document 0.4, so that people can leave with their work."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.model import Definition, Document
from graph_runtime.documents.saved_layout import write_ends
from graph_runtime.documents.saved_writer import GraphWriter
from graph_runtime.documents.types import Types

_SPACE: Final = uuid.UUID("5d0cba0c-5d1e-4d0c-9a44-6e2a8a1f3c55")
_GROUP_PREFIX: Final = "group:"


def to_saved(document: Document, catalogue: Mapping[str, NodeSpec]) -> dict[str, Any]:
    """The document as other editors save it: numbered links, values in widget order.

    Waypoints, groups, notes, subgraphs and whatever another editor stored (`kept`, `meta.saved`) go along. What has
    no place there is left out: `meta` other than `meta.saved`.
    """
    types = Types(catalogue, document.definitions)
    renamed = {key: definition_id(key) for key in document.definitions or {}}
    saved = dict((document.meta or {}).get("saved") or {})
    extra = dict(saved.pop("extra", None) or {})
    root = GraphWriter(document.nodes, document.layout, types, renamed).write()
    view = document.layout.view if document.layout is not None else None
    if view is not None:
        extra["ds"] = {"scale": view.scale, "offset": list(view.offset)}
    own = document.model_dump(mode="json", exclude_unset=True, include={"name", "form"})
    if any(own.values()):
        extra["heddle"] = own
    if root.reroutes:
        extra["reroutes"] = root.reroutes
        parents = [{"id": link["id"], "parentId": link["parentId"]} for link in root.links if "parentId" in link]
        if parents:
            extra["linkExtensions"] = parents
    data: dict[str, Any] = {
        "id": saved.pop("id", None) or str(uuid.uuid5(_SPACE, document.name or "workflow")),
        "revision": saved.pop("revision", 0),
        "last_node_id": root.last_node_id,
        "last_link_id": root.last_link_id,
        "nodes": root.nodes,
        "links": [
            [link[key] for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")]
            for link in root.links
        ],
        "floatingLinks": root.floating_links,
        "groups": root.groups,
        "definitions": {
            "subgraphs": [
                write_definition(renamed[key], each, types, renamed)
                for key, each in (document.definitions or {}).items()
            ]
        },
        "config": saved.pop("config", {}),
        "extra": extra,
        **saved,
        "version": 0.4,
    }
    if not document.definitions:
        del data["definitions"]
    if not root.floating_links:
        del data["floatingLinks"]
    return data


def definition_id(key: str) -> str:
    """The id of a definition in saved documents; those made from legacy group nodes get a uuid."""
    return str(uuid.uuid5(_SPACE, key)) if key.startswith(_GROUP_PREFIX) else key


def write_definition(
    definition_id: str, definition: Definition, types: Types, renamed: Mapping[str, str]
) -> dict[str, Any]:
    """One subgraph definition in the layout of version 1."""
    written = GraphWriter(definition.nodes, definition.layout, types, renamed, definition).write()
    kept = dict(definition.kept or {})
    ends = write_ends((definition.layout and definition.layout.nodes) or {}, kept)
    for key in ends:
        kept.pop(key, None)
    data: dict[str, Any] = {
        "id": definition_id,
        "version": 1,
        "state": {
            "lastGroupId": len(written.groups),
            "lastNodeId": written.last_node_id,
            "lastLinkId": written.last_link_id,
            "lastRerouteId": max((each["id"] for each in written.reroutes), default=0),
        },
        "revision": kept.pop("revision", 0),
        "config": kept.pop("config", {}),
        "name": definition.name,
        **ends,
        "inputs": [
            _boundary(f"{definition_id}/in/{each.name}", each, written.from_inputs.get(each.name, []))
            for each in definition.inputs
        ],
        "outputs": [
            _boundary(f"{definition_id}/out/{each.name}", each, written.to_outputs.get(each.name, []))
            for each in definition.outputs
        ],
        "widgets": kept.pop("widgets", []),
        "nodes": written.nodes,
        "groups": written.groups,
        "links": written.links,
        "extra": kept.pop("extra", {}),
        **kept,
    }
    if written.reroutes:
        data["reroutes"] = written.reroutes
    if written.floating_links:
        data["floatingLinks"] = written.floating_links
    if definition.description:
        data["description"] = definition.description
    return data


def _boundary(key: str, socket: Any, links: list[int]) -> dict[str, Any]:
    data = {"id": str(uuid.uuid5(_SPACE, key)), "name": socket.name, "type": socket.type, "linkIds": links}
    if socket.label is not None:
        data["label"] = socket.label
    return data
