"""Another editor: makes the prompt of a saved document as the established one does, by positions instead of names.

Nothing of ours is used here but the catalogue, so that a mistake of importer or exporter shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graph_runtime.catalogue import NodeSpec

REMOVED = object()
"""A link to a node that does not run: the input disappears."""
NOTHING = object()
"""A link that leads nowhere: the widget's value stands."""


@dataclass
class Place:
    """One graph of a document, as seen through the instances that lead to it."""

    path: str
    raw: Mapping[str, Any]
    outer: Place | None = None
    instance: Mapping[str, Any] | None = None

    def links(self) -> dict[Any, tuple[Any, int, Any, int]]:
        """Origin, its slot, target and its slot, by link id."""
        found = {}
        for each in self.raw["links"]:
            if each is None:
                continue
            if isinstance(each, Mapping):
                ends = (each["origin_id"], each["origin_slot"], each["target_id"], each["target_slot"])
                found[each["id"]] = ends
            else:
                found[each[0]] = tuple(each[1:5])
        return found


class OtherEditor:
    """Reads one saved document."""

    def __init__(self, saved: Mapping[str, Any], catalogue: Mapping[str, NodeSpec]) -> None:
        self.root = Place("", saved)
        self.catalogue = catalogue
        self.definitions = {each["id"]: each for each in saved.get("definitions", {}).get("subgraphs", [])}

    def prompt(self) -> dict[str, dict[str, Any]]:
        """Class and inputs of every node that runs."""
        found: dict[str, dict[str, Any]] = {}
        places = [self.root]
        while places:
            place = places.pop()
            for node in place.raw["nodes"]:
                if node["type"] in self.definitions:
                    places.append(Place(f"{place.path}{node['id']}:", self.definitions[node["type"]], place, node))
                elif node["type"] not in ("Reroute", "PrimitiveNode", "Note") and node["mode"] not in (2, 4):
                    found[f"{place.path}{node['id']}"] = self.executed(place, node)
        return found

    def executed(self, place: Place, node: Mapping[str, Any]) -> dict[str, Any]:
        """One node of the prompt: its widgets first, then what its links bring."""
        spec = self.catalogue.get(node["type"])
        inputs = dict(self.values(node))
        types = {each.name: str.__str__(each.type) for each in spec.visible} if spec is not None else {}
        for socket in node["inputs"]:
            if socket["link"] is None:
                continue
            wanted = types.get(socket["name"], "*" if spec is not None else socket["type"])
            brought = self.follow(place, socket["link"], wanted)
            if brought is REMOVED:
                inputs.pop(socket["name"], None)
            elif brought is not NOTHING:
                inputs[socket["name"]] = brought
        return {"class_type": node["type"], "inputs": inputs}

    def values(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Values of widgets by name, taken from the stored list in the order of the widgets."""
        names: list[str | None] = []
        if node["type"] in self.definitions:
            definition = self.definitions[node["type"]]
            names = [each["name"] for slot, each in enumerate(definition["inputs"]) if self.promotes(definition, slot)]
        elif node["type"] in self.catalogue:
            names = widget_names(self.catalogue[node["type"]])
        stored = node.get("widgets_values") or []
        if isinstance(stored, Mapping):
            return {name: stored[name] for name in names if name in stored}
        return {name: value for name, value in zip(names, stored, strict=False) if name is not None}

    def promotes(self, definition: Mapping[str, Any], slot: int) -> bool:
        """Whether an input of a definition feeds a widget inside."""
        place = Place("", definition)
        nodes = {node["id"]: node for node in definition["nodes"]}
        for origin, origin_slot, target, target_slot in place.links().values():
            if (origin, origin_slot) != (-10, slot) or target == -20:
                continue
            node = nodes[target]
            inner = self.definitions.get(node["type"])
            if inner is not None:
                if self.promotes(inner, target_slot):
                    return True
            elif "widget" in node["inputs"][target_slot]:
                return True
        return False

    def follow(self, place: Place, link: Any, wanted: str) -> Any:
        """What a link brings: `[node, slot]`, a value, or one of the two above."""
        origin, slot, _, _ = place.links().get(link, (None, 0, 0, 0))
        if origin == -10:
            return self.outside(place, slot, wanted)
        node = next((each for each in place.raw["nodes"] if each["id"] == origin), None)
        if node is None:
            return NOTHING
        if node["type"] == "PrimitiveNode":
            value = node["widgets_values"][0]
            return NOTHING if value is None else value  # a primitive that was never filled in
        if node["type"] == "Reroute":
            return self.input_of(place, node, 0, wanted)
        if node["mode"] == 2 and node["type"] not in self.definitions:
            return REMOVED
        if node["mode"] == 4:
            return self.bypass(place, node, slot, wanted)
        if node["type"] in self.definitions:
            inside = Place(f"{place.path}{node['id']}:", self.definitions[node["type"]], place, node)
            for found, (_, _, target, target_slot) in inside.links().items():
                if (target, target_slot) == (-20, slot):
                    return self.follow(inside, found, wanted)
            return NOTHING
        return [f"{place.path}{node['id']}", slot]

    def outside(self, place: Place, slot: int, wanted: str) -> Any:
        """From a definition's own input to what its instance has there."""
        assert place.outer is not None and place.instance is not None
        socket = place.instance["inputs"][slot]
        assert socket["name"] == place.raw["inputs"][slot]["name"], "sockets of an instance mirror the definition"
        if socket["link"] is not None:
            return self.follow(place.outer, socket["link"], wanted)
        value = self.values(place.instance).get(socket["name"])
        return NOTHING if value is None else value  # what one input feeds showed different values

    def input_of(self, place: Place, node: Mapping[str, Any], slot: int, wanted: str) -> Any:
        """What the socket at a position brings."""
        link = node["inputs"][slot]["link"] if slot < len(node["inputs"]) else None
        return NOTHING if link is None else self.follow(place, link, wanted)

    def bypass(self, place: Place, node: Mapping[str, Any], slot: int, wanted: str) -> Any:
        """Through a bypassed node by the input that fits."""
        sockets = self.sockets(node)
        own = self.output_type(node, slot)
        chosen: int | None
        if not sockets:
            return NOTHING
        if wanted in ("*", ""):
            chosen = slot if slot < len(sockets) else 0
        elif slot < len(sockets) and fits(sockets[slot][1], own) and fits(sockets[slot][1], wanted):
            chosen = slot
        else:
            exact = [at for at, (_, kind) in enumerate(sockets) if kind == wanted]
            near = [at for at, (_, kind) in enumerate(sockets) if fits(kind, own) and fits(kind, wanted)]
            chosen = next(iter([*exact, *near]), None)
        if chosen is None:
            return NOTHING
        linked = [each["link"] for each in node["inputs"] if each["name"] == sockets[chosen][0]]
        return NOTHING if not linked or linked[0] is None else self.follow(place, linked[0], wanted)

    def sockets(self, node: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Name and type of every input socket of a loaded node: those without a widget first."""
        spec = self.catalogue.get(node["type"])
        if spec is None:
            return [(each["name"], each["type"]) for each in node["inputs"]]
        ordered = sorted(spec.visible, key=lambda item: not item.required)
        widgets = widget_names(spec)
        ordered.sort(key=lambda item: item.name in widgets)
        return [(each.name, str.__str__(each.type)) for each in ordered]

    def output_type(self, node: Mapping[str, Any], slot: int) -> str:
        """The declared type of an output."""
        spec = self.catalogue.get(node["type"])
        if spec is not None:
            return str.__str__(spec.outputs[slot].type)
        return str(node["outputs"][slot]["type"])


def widget_names(spec: NodeSpec) -> list[str | None]:
    """Whose value stands at each position of `widgets_values`; None for controls and filters."""
    names: list[str | None] = []
    for each in sorted(spec.visible, key=lambda item: not item.required):
        if each.widget or each.type == "WEBCAM" or each.options.get("widgetType"):
            controlled = bool(each.options.get("control_after_generate"))
            names += [each.name] + [None] * (controlled + (controlled and each.type == "COMBO"))
    return names


def fits(left: str, right: str) -> bool:
    """Whether two types may be linked."""
    if left in ("*", "") or right in ("*", ""):
        return True
    return bool(
        {each.strip() for each in left.lower().split(",")} & {each.strip() for each in right.lower().split(",")}
    )
