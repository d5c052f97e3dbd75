"""Hypothesis strategies for saved editor documents, as other programs write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from graph_runtime.catalogue import NodeSpec
from tests.graph_runtime.documents.other_editor import widget_names
from tests.graph_runtime.documents.saved_files import document, node

VALUES = {
    "INT": st.integers(0, 2**64 - 1),
    "FLOAT": st.floats(-1e9, 1e9),
    "STRING": st.sampled_from(["a", "two words", "ü", ""]),
    "COMBO": st.sampled_from(["euler", "x", "not there"]),
    "BOOLEAN": st.booleans(),
}
CONTROLS = st.sampled_from(["fixed", "increment", "decrement", "randomize"])


class Drawing:
    """Draws one graph: a root or the inside of a definition; links lead from earlier nodes to later ones."""

    def __init__(self, draw: Any, catalogue: Mapping[str, NodeSpec], definitions: list[dict[str, Any]]) -> None:
        self.draw, self.catalogue, self.definitions = draw, catalogue, definitions
        self.nodes: list[dict[str, Any]] = []
        self.links: list[list[Any]] = []
        self.outputs: list[tuple[int, int, str]] = []
        self.primitives: list[int] = []
        self.boundary: list[dict[str, Any]] = []

    def graph(self) -> Drawing:
        """Between one and six nodes."""
        kinds = [*sorted(self.catalogue), "Reroute", "PrimitiveNode", "Mystery", *(d["id"] for d in self.definitions)]
        for number in range(self.draw(st.integers(1, 6))):
            self.add(number * 2 + 1, self.draw(st.sampled_from(kinds)))
        return self

    def add(self, node_id: int, kind: str) -> None:
        """One more node, with links into it."""
        spec = self.catalogue.get(kind)
        definition = next((each for each in self.definitions if each["id"] == kind), None)
        values: list[Any] | dict[str, Any] | None = None
        mode = self.draw(st.sampled_from([0, 0, 0, 2, 4]))
        if spec is not None:
            sockets, values = self.class_sockets(spec)
            outputs = [(str.__str__(each.name), str.__str__(each.type)) for each in spec.outputs]
            if self.draw(st.integers(0, 3)) == 0:  # a few packs store values by name
                names = [name for name in widget_names(spec) if name is not None]
                values = {name: self.draw(VALUES["INT"]) for name in names}
        elif definition is not None:
            sockets = [(each["name"], each["type"], each["promoted"]) for each in definition["inputs"]]
            values = [self.draw(VALUES["INT"]) for each in definition["inputs"] if each["promoted"]]
            outputs = [(each["name"], each["type"]) for each in definition["outputs"]]
            mode = self.draw(st.sampled_from([0, 0, 4]))
        elif kind == "PrimitiveNode":
            sockets, outputs, mode = [], [("INT", "INT")], 0
            values = [self.draw(VALUES["INT"]), self.draw(CONTROLS)]
        elif kind == "Reroute":
            sockets, outputs, mode = [("", "*", False)], [("", "*")], 0
        else:
            sockets, outputs = [("picture", "IMAGE", False), ("n", "INT", False)], [("IMAGE", "IMAGE"), ("x", "MASK")]
        stored = [(name, type_, self.link_to(node_id, at, type_, widget), *(["w"] if widget else []))
                  for at, (name, type_, widget) in enumerate(sockets)]  # fmt: skip
        self.nodes.append(node(node_id, kind, stored, [(name, type_, []) for name, type_ in outputs], values, mode))
        if kind == "PrimitiveNode":
            self.primitives.append(node_id)
        else:
            self.outputs += [(node_id, slot, type_) for slot, (_, type_) in enumerate(outputs)]

    def class_sockets(self, spec: NodeSpec) -> tuple[list[tuple[str, str, bool]], list[Any]]:
        """The sockets that a file has, in any order, and the values of all widgets."""
        kinds = {each.name: str.__str__(each.type) for each in spec.visible}
        names = widget_names(spec)
        values: list[Any] = []
        for name in names:
            if name is None:  # a control, then a filter
                values.append(self.draw(CONTROLS) if values and names[len(values) - 1] is not None else "")
            else:
                values.append(self.draw(VALUES.get(kinds[name], VALUES["INT"])))
        sockets = [
            (name, kind, name in names) for name, kind in kinds.items() if name not in names or self.draw(st.booleans())
        ]
        return self.draw(st.permutations(sockets)), values

    def link_to(self, target: int, slot: int, kind: str, widget: bool) -> int | None:
        """Perhaps a link into a socket: from an earlier output, a primitive, or the definition's own input."""
        sources: list[tuple[int, int, str]] = [*self.outputs]
        if widget:
            sources += [(each, 0, "INT") for each in self.primitives]
        source = self.draw(st.sampled_from([None, *sources, "boundary"]))
        if source is None or (source == "boundary" and not self.boundary):
            return None
        if source == "boundary":
            at = self.draw(st.integers(0, len(self.boundary) - 1))
            if self.boundary[at]["promoted"] is not widget:
                return None
            source = (-10, at, self.boundary[at]["type"])
        link_id = len(self.links) + 1
        self.links.append([link_id, source[0], source[1], target, slot, source[2]])
        origin = next((each for each in self.nodes if each["id"] == source[0]), None)
        if origin is not None:
            origin["outputs"][source[1]]["links"].append(link_id)
        else:
            self.boundary[source[1]]["linkIds"].append(link_id)
        return link_id


@st.composite
def saved_documents(draw: Any, catalogue: Mapping[str, NodeSpec]) -> dict[str, Any]:
    """A saved document with up to three definitions, each of which may hold instances of those before it."""
    definitions: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 3))):
        drawing = Drawing(draw, catalogue, definitions)
        shape = draw(st.lists(st.booleans(), max_size=3))
        drawing.boundary = [
            {"id": f"i{at}", "name": f"in{at}", "type": "INT" if widget else "IMAGE", "promoted": widget, "linkIds": []}
            for at, widget in enumerate(shape)
        ]
        drawing.graph()
        ends = draw(st.lists(st.sampled_from(drawing.outputs), max_size=2)) if drawing.outputs else []
        outputs = []
        for at, (origin, slot, kind) in enumerate(ends):
            link_id = len(drawing.links) + 1
            drawing.links.append([link_id, origin, slot, -20, at, kind])
            outputs.append({"id": f"o{at}", "name": f"out{at}", "type": kind, "linkIds": [link_id]})
        for each in drawing.boundary:  # nothing that has no link inside is promoted
            each["promoted"] = each["promoted"] and bool(each["linkIds"])
        definitions.append({
            "id": f"00000000-0000-4000-8000-{number:012}", "version": 1, "revision": 0, "name": f"Definition {number}",
            "inputs": drawing.boundary, "outputs": outputs, "nodes": drawing.nodes, "links": as_objects(drawing.links),
        })  # fmt: skip
    root = Drawing(draw, catalogue, definitions).graph()
    version = draw(st.sampled_from([0.4, 1]))
    links: list[Any] = root.links if version == 0.4 else as_objects(root.links)
    if draw(st.booleans()):
        links = [None, *links]  # what older files leave of a link that was removed
    return document(root.nodes, (), version=version, definitions={"subgraphs": definitions}) | {"links": links}


def as_objects(links: list[list[Any]]) -> list[dict[str, Any]]:
    """Links in the form of version 1."""
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return [dict(zip(keys, each, strict=True)) for each in links]
