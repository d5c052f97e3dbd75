"""Legacy group nodes (`workflow>Name`), read as subgraph definitions.

A saved document keeps them in `extra.groupNodes[Name]`: nodes without ids, links between their positions. The
group shows every widget of its nodes, in their order, and every input that is not linked inside; a name that is
taken is preceded by its node's title.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from graph_runtime.catalogue import NodeSpec
from graph_runtime.documents.saved_graph import items, mapping, slot_number, type_name
from graph_runtime.documents.types import PRIMITIVE, VALUE, InputType, NodeType, Types
from graph_runtime.documents.widgets import NamedValues, Role, read_control, widget_slots

_PREFIXES = ("workflow>", "workflow/")


def group_name(type_id: str) -> str | None:
    """The group's name in a node type; None if the type is no group node."""
    for prefix in _PREFIXES:
        if type_id.startswith(prefix):
            return type_id[len(prefix) :].rstrip()
    return None


@dataclass(frozen=True, slots=True)
class GroupNode:
    """One group node type.

    Attributes:
        id: of the definition it becomes.
        raw: that definition in the form of saved documents, version 1.
        slots: whose value stands at each position of an instance's `widgets_values`.
    """

    id: str
    raw: Mapping[str, Any]
    slots: tuple[tuple[str, Role], ...]

    def name_values(self, stored: object) -> NamedValues:
        """Name an instance's stored values by the inputs of the definition."""
        values: dict[str, Any] = {}
        controls: dict[str, str] = {}
        given = items(stored)
        for (name, role), value in zip(self.slots, given, strict=False):
            control = read_control(value) if role == "control" else None
            if role == "value" and value is not None:
                values[name] = value
            elif control is not None:
                controls[name] = control
        return NamedValues(values, controls, tuple(given[len(self.slots) :]))


def read_group_nodes(
    raw: Mapping[str, Any], catalogue: Mapping[str, NodeSpec], taken: Container[str]
) -> dict[str, GroupNode]:
    """Every group node type of a saved document, by name."""
    types = Types(catalogue)
    found: dict[str, GroupNode] = {}
    for name, stored in mapping(mapping(raw.get("extra")).get("groupNodes")).items():
        if not isinstance(stored, Mapping):
            continue
        group_id = f"group:{name}"
        while group_id in taken:
            group_id += "'"
        found[name.rstrip()] = _Reader(group_id, name, stored, types).read()
    return found


class _Reader:
    """Builds one definition; every step adds to `inputs`, `links` and `slots`."""

    def __init__(self, group_id: str, name: str, stored: Mapping[str, Any], types: Types) -> None:
        self._id, self._name, self._stored, self._types = group_id, name, stored, types
        self._inputs: list[dict[str, Any]] = []
        self._outputs: list[dict[str, Any]] = []
        self._links: list[dict[str, Any]] = []
        self._slots: list[tuple[str, Role]] = []
        self._seen: dict[str, int] = {}

    def read(self) -> GroupNode:
        """The definition and the order of an instance's values."""
        nodes = [each for each in items(self._stored.get("nodes")) if isinstance(each, Mapping)]
        inside = self._inner_links(len(nodes))
        into = {(target, slot): link for link, (_, _, target, slot) in inside.items()}
        linked_out = {(source, slot) for source, slot, _, _ in inside.values()}
        outside = {
            (slot_number(each[0]), slot_number(each[1]))
            for each in items(self._stored.get("external"))
            if isinstance(each, (list, tuple)) and len(each) > 1
        }
        built = []
        for index, node in enumerate(nodes):
            built.append(self._node(index, node, into))
            self._expose_outputs(index, node, linked_out, outside)
        raw = {
            "id": self._id,
            "name": self._name,
            "inputs": self._inputs,
            "outputs": self._outputs,
            "nodes": built,
            "links": self._links,
        }
        return GroupNode(self._id, raw, tuple(self._slots))

    def _inner_links(self, count: int) -> dict[int, tuple[int, int, int, int]]:
        found = {}
        for each in items(self._stored.get("links")):
            numbers = [slot_number(value) for value in items(each)[:4]]
            if len(numbers) < 4 or any(number is None for number in numbers):
                continue
            source, slot, target, target_slot = (number or 0 for number in numbers)
            if source < count and target < count:
                link_id = self._link(str(source), slot, str(target), target_slot, "*")
                found[link_id] = (source, slot, target, target_slot)
        return found

    def _link(self, origin: str, slot: int, target: str, target_slot: int, kind: str) -> int:
        link_id = len(self._links) + 1
        self._links.append(
            {
                "id": link_id,
                "origin_id": origin,
                "origin_slot": slot,
                "target_id": target,
                "target_slot": target_slot,
                "type": kind,
            }
        )
        return link_id

    def _node(self, index: int, node: Mapping[str, Any], into: Mapping[tuple[int, int], int]) -> dict[str, Any]:
        sockets = [dict(each) for each in items(node.get("inputs")) if isinstance(each, Mapping)]
        for slot, socket in enumerate(sockets):
            socket["link"] = into.get((index, slot))
        converted = {mapping(each.get("widget")).get("name") for each in sockets} - {None}
        node_type = self._type(node)
        if node_type is not None:
            for widget in node_type.widgets:
                if widget.name not in converted and not (
                    node.get("type") == PRIMITIVE and not items(node.get("outputs"))
                ):
                    self._expose_widget(index, node, node_type, widget, sockets)
        for slot, socket in enumerate(sockets):
            if socket["link"] is None:
                name = self._exposed_name(index, node, str(socket.get("name") or "input"))
                self._expose(index, name, type_name(socket.get("type")), socket, slot)
        return {**node, "id": str(index), "inputs": sockets}

    def _type(self, node: Mapping[str, Any]) -> NodeType | None:
        return self._types.named(str(node.get("type") or "").rstrip())

    def _expose_widget(
        self,
        index: int,
        node: Mapping[str, Any],
        node_type: NodeType,
        widget: InputType,
        sockets: list[dict[str, Any]],
    ) -> None:
        name = self._exposed_name(index, node, widget.name)
        kind = widget.type
        if node.get("type") == PRIMITIVE:
            kind = type_name(mapping(next(iter(items(node.get("outputs"))), None)).get("type"))
        socket = {"name": widget.name, "type": kind, "widget": {"name": widget.name}}
        sockets.append(socket)
        self._expose(index, name, kind, socket, len(sockets) - 1)
        if node.get("type") == PRIMITIVE:
            stored = items(node.get("widgets_values"))
            roles: list[Role] = ["value", "control", "filter"]
            self._slots.extend((name, role) for role in roles[: max(1, len(stored))])
        else:
            self._slots.extend((name, slot.role) for slot in widget_slots(node_type) if slot.input == widget.name)

    def _expose(self, index: int, name: str, kind: str, socket: dict[str, Any], slot: int) -> None:
        link_id = self._link("-10", len(self._inputs), str(index), slot, kind)
        socket["link"] = link_id
        self._inputs.append({"name": name, "type": kind, "linkIds": [link_id]})

    def _exposed_name(self, index: int, node: Mapping[str, Any], name: str) -> str:
        custom = mapping(mapping(mapping(self._stored.get("config")).get(str(index))).get("input")).get(name)
        shown = mapping(custom).get("name")
        key = final = shown if isinstance(shown, str) and shown else name
        title = node.get("title")
        if (node.get("type") == PRIMITIVE and title) or final in self._seen:
            prefix = f"{title or node.get('type')} "
            key = final = f"{prefix}{VALUE if node.get('type') == PRIMITIVE else name}"
            if final in self._seen:
                final = f"{prefix}{self._seen[final]} {name}"
        self._seen[key] = self._seen.get(key, 1) + 1
        return final

    def _expose_outputs(
        self,
        index: int,
        node: Mapping[str, Any],
        linked: Container[tuple[int, int]],
        outside: Container[tuple[int | None, int | None]],
    ) -> None:
        config = mapping(mapping(mapping(self._stored.get("config")).get(str(index))).get("output"))
        for slot, socket in enumerate(items(node.get("outputs"))):
            custom = mapping(config.get(str(slot)))
            shown = custom.get("visible")
            if not (shown if isinstance(shown, bool) else (index, slot) not in linked or (index, slot) in outside):
                continue
            kind = type_name(mapping(socket).get("type"))
            name = str(custom.get("name") or mapping(socket).get("name") or kind)
            link_id = self._link(str(index), slot, "-20", len(self._outputs), kind)
            self._outputs.append({"name": name, "type": kind, "linkIds": [link_id]})
