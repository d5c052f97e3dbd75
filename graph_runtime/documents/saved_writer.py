"""Writes the nodes, links and looks of one graph in the form of saved editor documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graph_runtime.documents.arrange import arrange
from graph_runtime.documents.flatten import topological
from graph_runtime.documents.model import Definition, Layout, Node, Note, Waypoint, Wired
from graph_runtime.documents.types import PRIMITIVE, REROUTE, VALUE, NodeType, Types
from graph_runtime.documents.widgets import list_values, widget_default, widget_slots

_MODES: Final = {None: 0, "muted": 2, "bypassed": 4}
_NUMBERS: Final = frozenset({"INT", "FLOAT", "NUMBER"})
_Place = tuple[int | str, int, str]
"""Id of a node, position of one of its sockets, and that socket's type."""


@dataclass(slots=True)
class WrittenGraph:
    """What a graph became; links are objects with `parentId` where a waypoint holds them."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    floating_links: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    reroutes: list[dict[str, Any]] = field(default_factory=list)
    from_inputs: dict[str, list[int]] = field(default_factory=dict)
    to_outputs: dict[str, list[int]] = field(default_factory=dict)
    last_node_id: int = 0
    last_link_id: int = 0


class GraphWriter:
    """Writes one graph: the document's own, or the inside of a definition."""

    def __init__(
        self,
        nodes: Mapping[str, Node],
        layout: Layout | None,
        types: Types,
        renamed: Mapping[str, str],
        definition: Definition | None = None,
    ) -> None:
        self._nodes, self._types, self._renamed, self._definition = nodes, types, renamed, definition
        self._layout = layout or Layout()
        self._loose = {end for each in self._layout.reroutes or () for end in each.targets or ()}
        self._ids: dict[str, int | str] = {node_id: saved_id(node_id) for node_id in nodes}
        self._into: dict[tuple[str, str], int] = {}
        self._out_of: dict[tuple[str, int], list[int]] = {}
        self._sockets = {node_id: self._shown(node_id, node) for node_id, node in nodes.items()}
        self._written = WrittenGraph()

    def write(self) -> WrittenGraph:
        """The whole graph."""
        self._write_links()
        self._write_reroutes()
        unplaced = self._nodes.keys() - (self._layout.nodes or {}).keys()
        placed = arrange(self._nodes, self._types) if unplaced else {}
        order = {node_id: index for index, node_id in enumerate(topological(self._nodes))}
        for node_id, node in self._nodes.items():
            self._written.nodes.append(self._node(node_id, node, order[node_id], placed))
        numbers = [each for each in self._ids.values() if isinstance(each, int)]
        for note in self._layout.notes or ():
            note_id = saved_id(note.id)
            if note_id in self._ids.values() or not isinstance(note_id, int):
                note_id = max(numbers, default=0) + 1
            numbers.append(note_id)
            self._written.nodes.append(_note(note_id, note, len(self._written.nodes)))
        self._written.last_node_id = max(numbers, default=0)
        for index, group in enumerate(self._layout.groups or ()):
            data = {"id": index + 1, "title": group.title, "bounding": list(group.box), "flags": {}, "font_size": 24}
            if group.color is not None:
                data["color"] = group.color
            self._written.groups.append({**data, **(group.kept or {})})
        return self._written

    def _shown(self, node_id: str, node: Node) -> list[str]:
        """The input sockets that are stored, in order: those of widgets without any link are not."""
        if node.type == PRIMITIVE:
            return []
        node_type = self._types.of(node)
        names = [
            each.name
            for each in node_type.sockets
            if not each.widget
            or _is_linked(node, each.name)
            or (node_id, each.name) in self._loose
            or node_type.definition is not None
            or not node_type.known
        ]
        return names + [name for name in node.inputs if name not in node_type.by_name and _is_linked(node, name)]

    def _write_links(self) -> None:
        for node_id, node in self._nodes.items():
            declared = self._types.of(node).by_name
            for position, name in enumerate(self._sockets[node_id]):
                value = node.inputs.get(name)
                if isinstance(value, Wired):
                    kind = declared[name].type if name in declared else "*"
                    self._link(value.link, value.input, (node_id, name), self._ids[node_id], position, kind)
        outputs = self._definition.outputs if self._definition is not None else ()
        for position, end in enumerate(outputs):
            link_id = self._link(end.link, end.input, ("@outputs", end.name), -20, position, end.type)
            if link_id is not None:
                self._written.to_outputs.setdefault(end.name, []).append(link_id)

    def _link(
        self,
        link: tuple[str, str] | None,
        promoted: str | None,
        key: tuple[str, str],
        target: int | str,
        position: int,
        kind: str,
    ) -> int | None:
        if link is not None and link[0] in self._nodes:
            source_type = self._types.of(self._nodes[link[0]])
            slot = source_type.slot(link[1])
            if slot is None:
                return None
            origin: int | str = self._ids[link[0]]
            own = source_type.output_type(slot)
            kind = own if own != "*" else kind
        elif promoted is not None and self._definition is not None:
            names = [each.name for each in self._definition.inputs]
            if promoted not in names:
                return None
            origin, slot = -10, names.index(promoted)
        else:
            return None
        link_id = len(self._written.links) + 1
        self._written.links.append(
            {
                "id": link_id,
                "origin_id": origin,
                "origin_slot": slot,
                "target_id": target,
                "target_slot": position,
                "type": kind,
            }
        )
        self._written.last_link_id = link_id
        self._into[key] = link_id
        if link is not None:
            self._out_of.setdefault((link[0], slot), []).append(link_id)
        else:
            self._written.from_inputs.setdefault(promoted or "", []).append(link_id)
        return link_id

    def _write_reroutes(self) -> None:
        points: dict[str, Waypoint] = {each.id: each for each in self._layout.reroutes or ()}
        numbers = {key: index + 1 for index, key in enumerate(points)}
        through: dict[str, list[int]] = {key: [] for key in points}
        for key, point in points.items():
            for end in point.links or ():
                link_id = self._into.get(end)
                if link_id is None:
                    continue
                self._written.links[link_id - 1]["parentId"] = numbers[key]
                at: str | None = key
                passed: set[str] = set()
                while at is not None and at in points and at not in passed:
                    passed.add(at)
                    through[at].append(link_id)
                    at = points[at].after
        for key, point in points.items():
            data: dict[str, Any] = {"id": numbers[key], "pos": list(point.pos), "linkIds": sorted(through[key])}
            if point.after in numbers:
                data["parentId"] = numbers[point.after]
            if point.floating is not None:
                data["floating"] = {"slotType": point.floating}
            self._written.reroutes.append(data)
            self._write_loose(point, numbers[key])

    def _write_loose(self, point: Waypoint, number: int) -> None:
        """The links that end at a waypoint, at one side or the other."""
        ends: list[tuple[_Place | None, _Place | None]] = [(None, self._position(end)) for end in point.targets or ()]
        if point.source is not None:
            ends.append((self._origin(point.source), None))
        for origin, target in ends:
            found = origin or target
            if found is None:
                continue
            self._written.floating_links.append(
                {
                    "id": len(self._written.floating_links) + 1,
                    "origin_id": origin[0] if origin else -1,
                    "origin_slot": origin[1] if origin else -1,
                    "target_id": target[0] if target else -1,
                    "target_slot": target[1] if target else -1,
                    "type": found[2],
                    "parentId": number,
                }
            )

    def _origin(self, source: tuple[str, str]) -> _Place | None:
        if source[0] in self._nodes:
            node_type = self._types.of(self._nodes[source[0]])
            slot = node_type.slot(source[1])
            return None if slot is None else (self._ids[source[0]], slot, node_type.output_type(slot))
        inputs = self._definition.inputs if self._definition is not None and source[0] == "@inputs" else ()
        return next(((-10, slot, each.type) for slot, each in enumerate(inputs) if each.name == source[1]), None)

    def _position(self, target: tuple[str, str]) -> _Place | None:
        if target[0] in self._nodes and target[1] in self._sockets[target[0]]:
            declared = self._types.of(self._nodes[target[0]]).by_name.get(target[1])
            kind = declared.type if declared is not None else "*"
            return self._ids[target[0]], self._sockets[target[0]].index(target[1]), kind
        outputs = self._definition.outputs if self._definition is not None and target[0] == "@outputs" else ()
        return next(((-20, slot, each.type) for slot, each in enumerate(outputs) if each.name == target[1]), None)

    def _node(self, node_id: str, node: Node, order: int, placed: Mapping[str, Any]) -> dict[str, Any]:
        node_type = self._types.of(node)
        kept = dict(node.kept or {})
        look = (self._layout.nodes or {}).get(node_id)
        flags = dict(kept.pop("flags", None) or {})
        properties = dict(kept.pop("properties", None) or {})
        labels = kept.pop("labels", None) or {}
        data: dict[str, Any] = {
            "id": self._ids[node_id],
            "type": self._renamed.get(node.type, node.type),
            "pos": list(look.pos) if look is not None else placed[node_id]["pos"],
            "size": list(look.size) if look is not None and look.size is not None else _size(node_type),
            "flags": flags,
            "order": order,
            "mode": kept.pop("mode", _MODES[node.mode]),
            "inputs": [self._input(node_id, node_type, name) for name in self._sockets[node_id]],
            "outputs": self._outputs(node_id, node, node_type),
        }
        if node.title is not None:
            data["title"] = node.title
        if look is not None:
            flags.update({flag: True for flag in ("collapsed", "pinned") if getattr(look, flag)})
            for key, value in (("color", look.color), ("bgcolor", look.background)):
                if value is not None:
                    data[key] = value
        if node_type.known and node.type not in (REROUTE, PRIMITIVE) and node_type.definition is None:
            properties.setdefault("Node name for S&R", node.type)
        data["properties"] = properties
        _relabel(data["inputs"], self._sockets[node_id], labels.get("inputs"))
        _relabel(data["outputs"], node_type.output_names, labels.get("outputs"))
        values = self._values(node, node_type, kept)
        if values is not None:
            data["widgets_values"] = values
        return {**data, **kept}

    def _input(self, node_id: str, node_type: NodeType, name: str) -> dict[str, Any]:
        declared = node_type.by_name.get(name)
        shown = "" if node_type.id == REROUTE else name
        data: dict[str, Any] = {"name": shown, "type": declared.type if declared else "*"}
        plain = node_type.known and node_type.definition is None and node_type.id != REROUTE
        if declared is not None and plain and not declared.required:
            data["shape"] = 7
        if declared is not None and declared.widget:
            data["widget"] = {"name": name}
        data["link"] = self._into.get((node_id, name))
        return data

    def _outputs(self, node_id: str, node: Node, node_type: NodeType) -> list[dict[str, Any]]:
        links = {slot: self._out_of.get((node_id, slot)) for slot in range(len(node_type.outputs))}
        if node.type == REROUTE:
            return [{"name": "", "type": "*", "links": links[0]}]
        if node.type == PRIMITIVE:
            kind, widget = self._mirrored(node_id, node)
            return [{"name": kind, "type": kind, "links": links[0], "widget": {"name": widget}}]
        return [
            {"name": each.name, "type": each.type, "slot_index": slot, "links": links[slot]}
            for slot, each in enumerate(node_type.outputs)
        ]

    def _mirrored(self, node_id: str, node: Node) -> tuple[str, str]:
        """Type and name of the widget that a primitive stands for."""
        kept = node.sockets.outputs[0].type if node.sockets and node.sockets.outputs else None
        for target, name in self._into:
            value = self._nodes[target].inputs.get(name) if target in self._nodes else None
            if isinstance(value, Wired) and value.link is not None and value.link[0] == node_id:
                declared = self._types.of(self._nodes[target]).by_name.get(name)
                return kept or (declared.type if declared else "*"), name
        return kept or "*", VALUE

    def _values(self, node: Node, node_type: NodeType, kept: dict[str, Any]) -> Any:
        stored = kept.pop("widgets_values", None)
        if node.type == REROUTE:
            return None
        values = {
            name: value.value if isinstance(value, Wired) else value
            for name, value in node.inputs.items()
            if not isinstance(value, Wired) or value.has_value
        }
        controls = dict(node.controls or {})
        if node.type == PRIMITIVE:
            kind = next((each.type for each in (node.sockets.outputs if node.sockets else ())), "*")
            follow = [controls.get(VALUE, "fixed")] if VALUE in controls or kind in _NUMBERS or kind == "COMBO" else []
            return [values.get(VALUE), *follow, *([""] if kind == "COMBO" else [])]
        if not node_type.known:
            return stored
        if node_type.definition is not None:
            inner = _inner_values(node_type.definition, self._types)
            return [values.get(each.name, inner.get(each.name)) for each in node_type.widgets]
        return list_values(node_type, values, controls) if widget_slots(node_type) else None


def _relabel(sockets: list[dict[str, Any]], names: Sequence[str], labels: object) -> None:
    """Put back what a person called a socket."""
    if isinstance(labels, Mapping):
        for socket, name in zip(sockets, names, strict=False):
            if isinstance(labels.get(name), str):
                socket["label"] = labels[name]


def _inner_values(definition: Definition, types: Types) -> dict[str, Any]:
    """What the widgets behind a definition's inputs show inside, where all that one input feeds show the same.

    A widget without a value shows its default. What an instance inside would show is not looked for.
    """
    shown: dict[str, list[Any]] = {}
    for node in definition.nodes.values():
        node_type = types.of(node)
        for name, value in node.inputs.items():
            if not isinstance(value, Wired) or value.input is None:
                continue
            declared = node_type.by_name.get(name)
            if value.has_value:
                shown.setdefault(value.input, []).append(value.value)
            elif declared is not None and declared.widget:
                default = None if node_type.definition is not None else widget_default(declared)
                shown.setdefault(value.input, []).append(default)
    return {name: values[0] for name, values in shown.items() if all(value == values[0] for value in values)}


def _is_linked(node: Node, name: str) -> bool:
    value = node.inputs.get(name)
    return isinstance(value, Wired) and (value.link is not None or value.input is not None)


def _size(node_type: NodeType) -> list[int]:
    rows = max(len(node_type.sockets) - len(node_type.widgets), len(node_type.outputs)) + len(node_type.widgets)
    return [270, 46 + 24 * max(rows, 1)]


def _note(note_id: int, note: Note, order: int) -> dict[str, Any]:
    x, y, width, height = note.box
    data: dict[str, Any] = {
        "id": note_id,
        "type": "MarkdownNote" if note.markdown else "Note",
        "pos": [x, y],
        "size": [width, height],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "properties": {},
        "widgets_values": [note.text],
    }
    for key, value in (("title", note.title), ("color", note.color), ("bgcolor", note.background)):
        if value is not None:
            data[key] = value
    return data


def saved_id(node_id: str) -> int | str:
    """A node id as saved documents write it: a number where it is one, and a JavaScript reader can hold it."""
    if node_id.isascii() and node_id.isdigit() and str(int(node_id[:20])) == node_id and int(node_id) < 2**53:
        return int(node_id)
    return node_id
