"""The nodes of one saved graph, read into named inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from graph_runtime.documents.errors import DocumentProblem
from graph_runtime.documents.group_nodes import GroupNode, group_name
from graph_runtime.documents.reading import join
from graph_runtime.documents.saved_graph import (
    INPUTS_ID,
    OUTPUTS_ID,
    SavedGraph,
    SavedLink,
    SavedNode,
    SavedSocket,
    items,
    mapping,
)
from graph_runtime.documents.saved_layout import NOTES
from graph_runtime.documents.types import PRIMITIVE, REROUTE, VALUE, NodeType, Types, distinct
from graph_runtime.documents.widgets import NamedValues, name_values, read_control, widget_default

RENAMED: Final[Mapping[str, str]] = {
    "T2IAdapterLoader": "ControlNetLoader",
    "SDV_img2vid_Conditioning": "SVD_img2vid_Conditioning",
}
MODES: Final[Mapping[int, str]] = {2: "muted", 4: "bypassed"}
_SAMPLERS: Final = frozenset({"KSampler", "KSamplerAdvanced"})
_READ_KEYS: Final = frozenset(
    {"id", "type", "pos", "size", "order", "mode", "inputs", "outputs", "title", "color", "bgcolor", "properties"}
    | {"flags", "widgets_values"}
)
_READ_FLAGS: Final = frozenset({"collapsed", "pinned"})


class NodeReader:
    """Reads the nodes of one graph; `boundary` names the inputs of the definition that it belongs to."""

    def __init__(
        self,
        graph: SavedGraph,
        types: Types,
        groups: Mapping[str, GroupNode],
        boundary: Sequence[str],
        warnings: list[DocumentProblem],
    ) -> None:
        self._graph = graph
        self._types = types
        self._groups = groups
        self._boundary = boundary
        self._warnings = warnings
        self._names: dict[str, tuple[str, ...]] = {}

    def read(self) -> dict[str, dict[str, Any]]:
        """Every node that can run, in stored order."""
        return {node.id: self._node(node) for node in self._graph.nodes.values() if node.type not in NOTES}

    def read_links(self) -> dict[str, dict[str, Any]]:
        """The same nodes with their links only."""
        return {
            node.id: {"type": self.type_id(node), "inputs": self._links(node), **self._sockets(node), **_muted(node)}
            for node in self._graph.nodes.values()
            if node.type not in NOTES
        }

    def type_id(self, node: SavedNode) -> str:
        """The type of a node under its present name."""
        name = node.type.rstrip()
        group = group_name(name)
        if group is not None and group in self._groups:
            return self._groups[group].id
        return name if self._types.knows(name) else RENAMED.get(name, name)

    def source(self, link: SavedLink) -> dict[str, Any] | None:
        """What a link brings: `{"link": …}` or `{"input": …}`; None if it comes from nowhere."""
        begins = self.output_at(link.origin, link.origin_slot)
        if begins is None:
            return None
        return {"input": begins[1]} if begins[0] == "@inputs" else {"link": list(begins)}

    def output_at(self, origin: str, slot: int) -> tuple[str, str] | None:
        """The node and output at a position; `@inputs` is the definition's own side."""
        if origin == INPUTS_ID and self._boundary:
            return ("@inputs", self._boundary[slot]) if slot < len(self._boundary) else None
        node = self._graph.nodes.get(origin)
        if node is None or node.type in NOTES:
            return None
        return node.id, self._output_name(node, slot)

    def input_at(self, target: str, slot: int) -> tuple[str, str] | None:
        """The node and input at a position; `@outputs` is the definition's own side."""
        if target == OUTPUTS_ID:
            names = distinct(
                str(mapping(each).get("name") or "output") for each in items(self._graph.raw.get("outputs"))
            )
            return ("@outputs", names[slot]) if slot < len(names) else None
        node = self._graph.nodes.get(target)
        if node is None or node.type in NOTES:
            return None
        names = self._input_names(node)
        return (node.id, names[slot]) if slot < len(names) else None

    def _output_name(self, node: SavedNode, slot: int) -> str:
        names = self._output_names(node)
        return names[slot] if slot < len(names) else f"#{slot}"

    def _output_names(self, node: SavedNode) -> tuple[str, ...]:
        known = self._types.named(self.type_id(node))
        if known is not None:
            return known.output_names
        return distinct(each.name or each.type or "output" for each in node.outputs)

    def _input_names(self, node: SavedNode) -> tuple[str, ...]:
        if node.id not in self._names:
            if node.type == REROUTE:
                names: tuple[str, ...] = (VALUE,) * len(node.inputs)
            else:
                names = self._input_names_of_type(node)
            self._names[node.id] = names
        return self._names[node.id]

    def _input_names_of_type(self, node: SavedNode) -> tuple[str, ...]:
        names = distinct(each.name or each.type or "input" for each in node.inputs)
        known = self._types.named(self.type_id(node))
        if known is None or known.definition is None or len(names) != len(known.inputs):
            return names
        declared = known.by_name
        return tuple(name if name in declared else at.name for name, at in zip(names, known.inputs, strict=True))

    def _links(self, node: SavedNode) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, socket in zip(self._input_names(node), node.inputs, strict=True):
            for link_id in socket.links:
                link = self._graph.links.get(link_id)
                source = self.source(link) if link is not None else None
                if source is None:
                    self._warn(node, name, f"The link {link_id} comes from nowhere and was dropped.", "Link it again.")
                else:
                    found[name] = source
        return found

    def _node(self, node: SavedNode) -> dict[str, Any]:
        type_id = self.type_id(node)
        known = self._types.named(type_id)
        data: dict[str, Any] = {"type": type_id}
        if node.title is not None and node.title not in (known.title if known else type_id, type_id, ""):
            data["title"] = node.title
        named = self._values(node, known)
        mode = self._mode(node, known)
        if mode is not None:
            data["mode"] = mode
        data["inputs"] = self._inputs(node, known, named)
        if named.controls:
            data["controls"] = dict(named.controls)
        data |= self._sockets(node)
        kept = self._kept(node, known, named, mode)
        if kept:
            data["kept"] = kept
        return data

    def _inputs(self, node: SavedNode, known: NodeType | None, named: NamedValues) -> dict[str, Any]:
        links = self._links(node)
        inputs: dict[str, Any] = {}
        values = dict(named.values)
        if node.type.rstrip() in _SAMPLERS and str(values.get("sampler_name", "")).startswith("sample_"):
            values["sampler_name"] = values["sampler_name"].removeprefix("sample_")
        if known is not None and known.definition is None and node.type != PRIMITIVE:
            for each in known.widgets:
                default = widget_default(each)
                if each.name not in values and each.name not in links and default is not None:
                    values[each.name] = default
        for name, value in values.items():
            if not _is_json(value):
                self._warn(node, name, "The stored value is no JSON value and was dropped.", "Set it again.")
            elif name in links:
                inputs[name] = {**links[name], "value": value}
            else:
                inputs[name] = {"value": value} if isinstance(value, (list, dict)) else value
        for name, link in links.items():
            inputs.setdefault(name, link)
        return inputs

    def _values(self, node: SavedNode, known: NodeType | None) -> NamedValues:
        stored = node.widgets_values
        group = self._groups.get(group_name(node.type.rstrip()) or "")
        if group is not None:
            return group.name_values(stored)
        if node.type == PRIMITIVE:
            values = items(stored)
            control = read_control(values[1]) if len(values) > 1 else None
            return NamedValues(
                {VALUE: values[0]} if values and values[0] is not None else {}, {VALUE: control} if control else {}, ()
            )
        if known is None or node.type == REROUTE:
            return NamedValues({}, {}, ())
        if known.definition is not None:
            return name_values(known, _promoted(stored, node, known))
        return name_values(known, stored)

    def _mode(self, node: SavedNode, known: NodeType | None) -> str | None:
        """The mode; an instance's own mode concerns its links only, its nodes run as theirs say."""
        mode = MODES.get(node.mode)
        if mode is None or known is None or known.definition is None:
            return mode
        inside = [each.mode for each in known.definition.nodes.values()]
        if mode == "muted":
            return mode if inside and set(inside) == {"muted"} else None
        return mode if inside and None not in inside else None

    def _sockets(self, node: SavedNode) -> dict[str, Any]:
        if self._types.knows(self.type_id(node)):
            if node.type != PRIMITIVE or not node.outputs:
                return {}
            return {"sockets": {"outputs": [{"name": VALUE, "type": node.outputs[0].type}]}}
        names = self._input_names(node)
        sockets: dict[str, Any] = {}
        if node.inputs:
            sockets["inputs"] = [_kept_input(name, each) for name, each in zip(names, node.inputs, strict=True)]
        if node.outputs:
            outputs = distinct(each.name or each.type or "output" for each in node.outputs)
            sockets["outputs"] = [
                {"name": name, "type": each.type} for name, each in zip(outputs, node.outputs, strict=True)
            ]
        return {"sockets": sockets} if sockets else {}

    def _kept(self, node: SavedNode, known: NodeType | None, named: NamedValues, mode: str | None) -> dict[str, Any]:
        kept = {key: value for key, value in node.raw.items() if key not in _READ_KEYS}
        flags = {key: value for key, value in mapping(node.raw.get("flags")).items() if key not in _READ_FLAGS}
        properties = dict(node.properties)
        if properties.get("Node name for S&R") in (node.type, self.type_id(node)):
            del properties["Node name for S&R"]
        labels = {
            side: found
            for side, names, sockets in (
                ("inputs", self._input_names(node), node.inputs),
                ("outputs", self._output_names(node), node.outputs),
            )
            if (found := {name: each.label for name, each in zip(names, sockets, strict=False) if each.label})
        }
        if labels:
            kept["labels"] = labels
        if flags:
            kept["flags"] = flags
        if properties:
            kept["properties"] = properties
        if node.mode != 0 and mode is None:
            kept["mode"] = node.mode
        if known is None and node.widgets_values not in (None, [], {}):
            kept["widgets_values"] = node.widgets_values
        elif any(value is not None for value in named.surplus) and known is not None and known.definition is None:
            self._warn(node, None, f"{len(named.surplus)} surplus widget values were left out.", "Nothing to do.")
        return kept

    def _warn(self, node: SavedNode, name: str | None, what: str, fix: str) -> None:
        path = join(self._graph.path, f"nodes.{node.id}" + (f".inputs.{name}" if name else ""))
        self._warnings.append(DocumentProblem("import", path, what, fix, node.id, name))


def _muted(node: SavedNode) -> dict[str, str]:
    return {"mode": MODES[node.mode]} if node.mode in MODES else {}


def _promoted(stored: Any, node: SavedNode, known: NodeType) -> Any:
    """An instance's values in the order of its promoted inputs.

    Newer files list in `proxyWidgets` which inner widgets an instance shows; those of inner nodes hold their value
    inside, so only the entries that stand for the instance's own inputs (node -1) count here.
    """
    proxies = [list(items(each)) for each in items(node.properties.get("proxyWidgets"))]
    if not proxies or not isinstance(stored, (list, tuple)) or len(stored) != len(proxies):
        return stored
    shown = [(str(each[0]), str(each[1])) if len(each) > 1 else ("", "") for each in proxies]
    if not any(owner == "-1" for owner, _ in shown):
        return stored if len(known.widgets) == len(stored) else None
    return {name: value for (owner, name), value in zip(shown, stored, strict=True) if owner == "-1"}


def _kept_input(name: str, socket: SavedSocket) -> dict[str, Any]:
    kept: dict[str, Any] = {"name": name, "type": socket.type}
    if socket.widget is not None:
        kept["widget"] = True
    return kept


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    return value is None or isinstance(value, (str, int))
