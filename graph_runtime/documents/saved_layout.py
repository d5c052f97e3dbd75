"""The looks of a saved editor document: positions, groups, notes and waypoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graph_runtime.documents.saved_graph import (
    SavedGraph,
    SavedNode,
    identity,
    is_number,
    items,
    mapping,
    pair,
)

NOTES = {"Note": False, "MarkdownNote": True}
_GROUP_KEYS = frozenset({"title", "bounding", "color"})

Place = Callable[[str, int], tuple[str, str] | None]
"""Names the node and socket at a position; None if there is none."""


def read_layout(graph: SavedGraph, output_at: Place, input_at: Place) -> dict[str, Any]:
    """The `layout` of one graph; only what the file says."""
    layout: dict[str, Any] = {}
    nodes = {node.id: _node(node) for node in graph.nodes.values() if node.pos is not None and node.type not in NOTES}
    groups = [_group(each) for each in graph.groups]
    notes = [_note(node) for node in graph.nodes.values() if node.type in NOTES]
    reroutes = _reroutes(graph, output_at, input_at)
    view = _view(mapping(mapping(graph.raw.get("extra")).get("ds")))
    for key, value in (("nodes", nodes), ("groups", groups), ("notes", notes), ("reroutes", reroutes), ("view", view)):
        if value:
            layout[key] = value
    return layout


ENDS = {"@inputs": ("inputNode", -10, (-200, 0)), "@outputs": ("outputNode", -20, (1000, 0))}
"""What stands for a definition's ends in its layout → the saved key, its node id, and where it lies unless told."""


def read_ends(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Where the ends of a definition lie, as entries of its layout."""
    found: dict[str, Any] = {}
    for name, (key, _, _) in ENDS.items():
        corner = list(items(mapping(raw.get(key)).get("bounding")))[:2]
        if len(corner) == 2 and all(map(is_number, corner)):
            found[name] = {"pos": corner}
    return found


def write_ends(places: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """The saved form of a definition's ends: what the file said of them, moved to where the layout has them."""
    written: dict[str, Any] = {}
    for name, (key, node_id, corner) in ENDS.items():
        end = {"id": node_id, "bounding": [*corner, 120, 60], **mapping(kept.get(key))}
        if name in places:
            end["bounding"] = [*places[name].pos, *list(items(end["bounding"]))[2:4]]
        written[key] = end
    return written


def _node(node: SavedNode) -> dict[str, Any]:
    found: dict[str, Any] = {"pos": list(node.pos or (0, 0))}
    if node.size is not None:
        found["size"] = list(node.size)
    flags = mapping(node.raw.get("flags"))
    for flag in ("collapsed", "pinned"):
        if flags.get(flag) is True:
            found[flag] = True
    for key, stored in (("color", "color"), ("background", "bgcolor")):
        if isinstance(node.raw.get(stored), str):
            found[key] = node.raw[stored]
    return found


def _group(raw: Mapping[str, Any]) -> dict[str, Any]:
    bounding = raw.get("bounding")
    if isinstance(bounding, Mapping):
        bounding = [bounding.get(str(index)) for index in range(4)]
    box = list(items(bounding))[:4]
    found: dict[str, Any] = {"title": raw["title"]} if isinstance(raw.get("title"), str) else {}
    found["box"] = box if len(box) == 4 and all(map(is_number, box)) else [0, 0, 140, 80]
    if isinstance(raw.get("color"), str):
        found["color"] = raw["color"]
    kept = {key: value for key, value in raw.items() if key not in _GROUP_KEYS}
    if kept:
        found["kept"] = kept
    return found


def _note(node: SavedNode) -> dict[str, Any]:
    stored = node.widgets_values
    texts = list(stored.values()) if isinstance(stored, Mapping) else items(stored)
    text = next((each for each in texts if isinstance(each, str)), "")
    found: dict[str, Any] = {"id": node.id, "text": text, "box": [*(node.pos or (0, 0)), *(node.size or (210, 90))]}
    if NOTES[node.type]:
        found["markdown"] = True
    if node.title is not None and node.title not in ("Note", "MarkdownNote", "Markdown Note"):
        found["title"] = node.title
    for key, stored_key in (("color", "color"), ("background", "bgcolor")):
        if isinstance(node.raw.get(stored_key), str):
            found[key] = node.raw[stored_key]
    return found


def _reroutes(graph: SavedGraph, output_at: Place, input_at: Place) -> list[dict[str, Any]]:
    ends: dict[str, list[list[str]]] = {}
    for link in graph.links.values():
        end = input_at(link.target, link.target_slot) if link.parent is not None else None
        if link.parent is not None and end is not None:
            ends.setdefault(link.parent, []).append(list(end))
    sources: dict[str, list[str]] = {}
    targets: dict[str, list[list[str]]] = {}
    for loose in graph.loose:
        if loose.origin is not None and (begin := output_at(*loose.origin)) is not None:
            sources[loose.parent] = list(begin)
        if loose.target is not None and (end := input_at(*loose.target)) is not None:
            targets.setdefault(loose.parent, []).append(list(end))
    found = []
    for raw in graph.reroutes:
        waypoint_id, pos = identity(raw.get("id")), pair(raw.get("pos"))
        if waypoint_id is None or pos is None:
            continue
        waypoint: dict[str, Any] = {"id": waypoint_id, "pos": list(pos)}
        after = identity(raw.get("parentId"))
        if after is not None:
            waypoint["after"] = after
        if waypoint_id in ends:
            waypoint["links"] = ends[waypoint_id]
        slot_type = mapping(raw.get("floating")).get("slotType")
        if slot_type in ("input", "output"):
            waypoint["floating"] = slot_type
        if waypoint_id in sources:
            waypoint["source"] = sources[waypoint_id]
        if waypoint_id in targets:
            waypoint["targets"] = targets[waypoint_id]
        found.append(waypoint)
    return found


def _view(ds: Mapping[str, Any]) -> dict[str, Any] | None:
    offset, scale = pair(ds.get("offset")), ds.get("scale")
    if offset is None or not is_number(scale):
        return None
    return {"offset": list(offset), "scale": scale}
