"""Saved editor documents, versions 0.4 and 1, read into one shape.

Both versions mean the same and differ in how links, reroutes and counters are written; subgraph definitions use
the form of version 1 inside either. Nothing is interpreted here; what is missing or broken is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graph_runtime.documents.errors import DocumentProblem
from graph_runtime.documents.reading import join

INPUTS_ID: Final = "-10"
OUTPUTS_ID: Final = "-20"


@dataclass(frozen=True, slots=True)
class SavedSocket:
    """One socket of a saved node; `links` holds link ids, at most one for an input."""

    name: str
    type: str
    links: tuple[str, ...]
    widget: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class SavedLink:
    """One link: from an output's position to an input's; `parent` is its last waypoint."""

    id: str
    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class LooseLink:
    """A link between one socket and a waypoint: it has an origin or a target, and leads nowhere at its other end."""

    origin: tuple[str, int] | None
    target: tuple[str, int] | None
    parent: str


@dataclass(frozen=True, slots=True)
class SavedNode:
    """One node as stored; `raw` is the whole object."""

    id: str
    type: str
    mode: int
    inputs: tuple[SavedSocket, ...]
    outputs: tuple[SavedSocket, ...]
    title: str | None
    pos: tuple[float, float] | None
    size: tuple[float, float] | None
    properties: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def widgets_values(self) -> Any:
        """The stored values: a list, an object, or None."""
        return self.raw.get("widgets_values")


@dataclass(frozen=True, slots=True)
class SavedGraph:
    """The root graph or a definition."""

    path: str
    nodes: Mapping[str, SavedNode]
    links: Mapping[str, SavedLink]
    loose: tuple[LooseLink, ...]
    reroutes: tuple[Mapping[str, Any], ...]
    groups: tuple[Mapping[str, Any], ...]
    raw: Mapping[str, Any] = field(repr=False)


def read_saved_graph(raw: Mapping[str, Any], path: str, problems: list[DocumentProblem]) -> SavedGraph:
    """Read the root of a saved document or one of its definitions."""
    extra = mapping(raw.get("extra"))
    nodes: dict[str, SavedNode] = {}
    for index, each in enumerate(items(raw.get("nodes"))):
        node = _read_node(each, join(path, f"nodes.{index}"), problems)
        if node is None:
            continue
        if node.id in nodes:
            problems.append(
                DocumentProblem(
                    "duplicate_id",
                    join(path, f"nodes.{index}.id"),
                    f"Two nodes have the id {node.id}.",
                    "Give one of them another id.",
                    node.id,
                )
            )
        nodes[node.id] = node
    parents = {
        identity(each.get("id")): identity(each.get("parentId"))
        for each in items(extra.get("linkExtensions"))
        if isinstance(each, Mapping)
    }
    links: dict[str, SavedLink] = {}
    for each in items(raw.get("links")):
        link = _read_link(each, parents)
        if link is not None:
            links[link.id] = link
    reroutes = items(raw.get("reroutes")) or items(extra.get("reroutes"))
    return SavedGraph(
        path,
        nodes,
        links,
        tuple(loose for each in items(raw.get("floatingLinks")) if (loose := _read_loose(each)) is not None),
        tuple(each for each in reroutes if isinstance(each, Mapping)),
        tuple(each for each in items(raw.get("groups")) if isinstance(each, Mapping)),
        raw,
    )


def read_definitions(raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every subgraph definition of a saved document with its path, however deep it is nested."""
    pending = [("", raw)]
    while pending:
        path, holder = pending.pop()
        stored = mapping(holder.get("definitions")).get("subgraphs")
        for index, each in enumerate(items(stored)):
            if isinstance(each, Mapping):
                place = join(path, f"definitions.subgraphs.{index}")
                yield place, each
                pending.append((place, each))


def _read_node(raw: object, path: str, problems: list[DocumentProblem]) -> SavedNode | None:
    if not isinstance(raw, Mapping):
        problems.append(
            DocumentProblem("not_a_node", path, f"A node is an object; this is {_kind(raw)}.", "Remove it.")
        )
        return None
    node_id, type_id = identity(raw.get("id")), raw.get("type")
    if node_id is None or not isinstance(type_id, str) or not type_id.strip():
        missing = "'id'" if node_id is None else "'type'"
        problems.append(
            DocumentProblem("missing_key", path, f"The node has no {missing}.", "Add it, or remove the node.", node_id)
        )
        return None
    mode = raw.get("mode")
    title = raw.get("title")
    return SavedNode(
        node_id,
        type_id,
        mode if isinstance(mode, int) else 0,
        tuple(_read_socket(each, is_input=True) for each in items(raw.get("inputs")) if isinstance(each, Mapping)),
        tuple(_read_socket(each, is_input=False) for each in items(raw.get("outputs")) if isinstance(each, Mapping)),
        title if isinstance(title, str) else None,
        pair(raw.get("pos")),
        pair(raw.get("size")),
        mapping(raw.get("properties")),
        raw,
    )


def _read_socket(raw: Mapping[str, Any], *, is_input: bool) -> SavedSocket:
    stored = [raw.get("link")] if is_input else items(raw.get("links"))
    widget = raw.get("widget")
    widget_name = mapping(widget).get("name")
    label = raw.get("label")
    return SavedSocket(
        str(raw.get("name") or ""),
        type_name(raw.get("type")),
        tuple(link for link in map(identity, stored) if link is not None),
        widget_name if isinstance(widget_name, str) else None,
        label if isinstance(label, str) else None,
    )


def _read_link(raw: object, parents: Mapping[str | None, str | None]) -> SavedLink | None:
    if isinstance(raw, Mapping):
        fields = [raw.get(key) for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")]
        parent = identity(raw.get("parentId"))
    elif isinstance(raw, Sequence) and not isinstance(raw, str) and len(raw) >= 5:
        fields = [*raw[:6], "*"][:6]
        parent = None
    else:
        return None
    link_id, origin, target = identity(fields[0]), identity(fields[1]), identity(fields[3])
    origin_slot, target_slot = slot_number(fields[2]), slot_number(fields[4])
    if link_id is None or origin is None or target is None or origin_slot is None or target_slot is None:
        return None
    if parent is None:
        parent = parents.get(link_id)
    return SavedLink(link_id, origin, origin_slot, target, target_slot, type_name(fields[5]), parent)


def _read_loose(raw: object) -> LooseLink | None:
    """A floating link; the end that leads nowhere has the position -1."""
    if not isinstance(raw, Mapping):
        return None
    parent = identity(raw.get("parentId"))
    origin, origin_slot = identity(raw.get("origin_id")), slot_number(raw.get("origin_slot"))
    target, target_slot = identity(raw.get("target_id")), slot_number(raw.get("target_slot"))
    if parent is None or (origin_slot is None) == (target_slot is None):
        return None
    return LooseLink(
        (origin, origin_slot) if origin is not None and origin_slot is not None else None,
        (target, target_slot) if target is not None and target_slot is not None else None,
        parent,
    )


def identity(value: object) -> str | None:
    """An id, which may be stored as number or text, as text; None if it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (int, str)) and value != "":
        return str(value)
    return None


def slot_number(value: object) -> int | None:
    """A socket's position; some files store it as text or float."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, str)):
        try:
            number = int(value)
        except (ValueError, OverflowError):
            return None
        return number if 0 <= number < 1_000_000 else None
    return None


def type_name(value: object) -> str:
    """A socket's type as text: combos are stored as lists, wildcards as 0 or -1 too."""
    if isinstance(value, (list, tuple)):
        return "COMBO"
    return value if isinstance(value, str) and value else "*"


def pair(value: object) -> tuple[float, float] | None:
    """Two numbers, stored as a list or as an object with the keys "0" and "1"."""
    if isinstance(value, Mapping):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, (list, tuple)) and len(value) >= 2:
        first, second = value[0], value[1]
        if is_number(first) and is_number(second):
            return first, second
    return None


def is_number(value: object) -> bool:
    """A finite number that is no boolean."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return value == value and abs(value) != float("inf")


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def _kind(value: object) -> str:
    return {"list": "a list", "str": "text", "NoneType": "null"}.get(type(value).__name__, "a number")
