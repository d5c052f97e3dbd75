"""What documents need to know of a node type: its sockets and widgets, by name and by position.

Types come from three places: the catalogue, the document's own definitions, and, for a node whose type is not
installed, the sockets that the document kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from graph_runtime.catalogue import MISSING, WIDGET_TYPES, InputSpec, NodeSpec
from graph_runtime.documents.model import Definition, Node, Wired

REROUTE: Final = "Reroute"
PRIMITIVE: Final = "PrimitiveNode"
VIRTUAL: Final = frozenset({REROUTE, PRIMITIVE})
VALUE: Final = "value"
EDITOR_WIDGETS: Final = WIDGET_TYPES | {
    "MARKDOWN",
    "COLOR",
    "IMAGEUPLOAD",
    "AUDIO_UI",
    "AUDIOUPLOAD",
    "AUDIO_RECORD",
    "WEBCAM",
    "LOAD_3D",
    "LOAD_3D_ANIMATION",
}


@dataclass(frozen=True, slots=True)
class InputType:
    """One input of a node type; `default` is None where `has_default` is False."""

    name: str
    type: str
    widget: bool = False
    required: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    has_default: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def forced(self) -> bool:
        """Would be a widget, were it not declared as a socket only."""
        return bool(self.options.get("forceInput"))

    @property
    def has_socket(self) -> bool:
        """Whether a link can end here."""
        return not self.options.get("socketless")


@dataclass(frozen=True, slots=True)
class OutputType:
    """One output of a node type."""

    name: str
    type: str


@dataclass(frozen=True)
class NodeType:
    """The sockets of one node type.

    Attributes:
        known: whether the catalogue or a definition describes it, so that names can be trusted.
    """

    id: str
    title: str
    inputs: tuple[InputType, ...]
    outputs: tuple[OutputType, ...]
    known: bool = True
    definition: Definition | None = field(default=None, compare=False)

    @cached_property
    def by_name(self) -> Mapping[str, InputType]:
        """Inputs by name."""
        return {each.name: each for each in self.inputs}

    @cached_property
    def widgets(self) -> tuple[InputType, ...]:
        """The inputs that have a widget, in the order of their values."""
        return tuple(each for each in self.inputs if each.widget)

    @cached_property
    def sockets(self) -> tuple[InputType, ...]:
        """The input sockets as they stand on a node: pure inputs first, then those of widgets.

        The sockets of an instance mirror the definition: other editors find them by position.
        """
        linkable = [each for each in self.inputs if each.has_socket]
        if self.definition is not None:
            return tuple(linkable)
        return (*(each for each in linkable if not each.widget), *(each for each in linkable if each.widget))

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """One distinct name for each output: a repeated name gets `#2`, `#3`, …."""
        return distinct(each.name or each.type or "output" for each in self.outputs)

    @cached_property
    def _slots(self) -> Mapping[str, int]:
        return {name: index for index, name in enumerate(self.output_names)}

    def output_name(self, slot: int) -> str:
        """The name that links use for an output; `#slot` where nobody knows its name."""
        return self.output_names[slot] if 0 <= slot < len(self.outputs) else f"#{slot}"

    def slot(self, name: str) -> int | None:
        """The position of a named output; None if there is none of that name."""
        found = self._slots.get(name)
        if found is None and name[:1] == "#" and name[1:].isascii() and name[1:].isdigit() and len(name) < 7:
            return int(name[1:])
        return found

    def output_type(self, slot: int) -> str:
        """The declared type of an output, `*` where it is not known."""
        return self.outputs[slot].type if 0 <= slot < len(self.outputs) else "*"


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names in order, with `#2`, `#3`, … added where one was there already."""
    taken: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        unique, count = name, taken.get(name, 1)
        while unique in taken:
            count += 1
            unique = f"{name}#{count}"
        taken[name] = count
        taken.setdefault(unique, 1)
        result.append(unique)
    return tuple(result)


class Types:
    """Finds the type of every node of one document."""

    def __init__(self, catalogue: Mapping[str, NodeSpec], definitions: Mapping[str, Definition] | None = None) -> None:
        self._catalogue = catalogue
        self._definitions = definitions or {}
        self._found: dict[str, NodeType | None] = {}
        self._promoted: frozenset[tuple[str, str]] | None = None

    def knows(self, type_id: str) -> bool:
        """Whether the type is virtual, a definition, or in the catalogue."""
        return self.named(type_id) is not None

    def named(self, type_id: str) -> NodeType | None:
        """The type of that id, None if it is not installed."""
        if type_id not in self._found:
            self._found[type_id] = self._find(type_id)
        return self._found[type_id]

    def of(self, node: Node) -> NodeType:
        """The type of a node; for one that is not installed, made from what the node keeps."""
        return self.named(node.type) or _from_node(node)

    def _find(self, type_id: str) -> NodeType | None:
        if type_id == REROUTE:
            return NodeType(REROUTE, REROUTE, (InputType(VALUE, "*"),), (OutputType(VALUE, "*"),))
        if type_id == PRIMITIVE:
            return NodeType(PRIMITIVE, "Primitive", (InputType(VALUE, "*", widget=True),), (OutputType(VALUE, "*"),))
        definition = self._definitions.get(type_id)
        if definition is not None:
            return self._from_definition(type_id, definition)
        spec = self._catalogue.get(type_id)
        return None if spec is None else from_spec(spec)

    def _from_definition(self, type_id: str, definition: Definition) -> NodeType:
        if self._promoted is None:
            self._promoted = self._find_promoted()
        promoted = self._promoted
        inputs = tuple(
            InputType(each.name, each.type, widget=(type_id, each.name) in promoted) for each in definition.inputs
        )
        outputs = tuple(OutputType(each.name, each.type) for each in definition.outputs)
        return NodeType(type_id, definition.name or type_id, inputs, outputs, definition=definition)

    def _find_promoted(self) -> frozenset[tuple[str, str]]:
        """Inputs of definitions that feed a widget inside, through any number of nested definitions."""
        feeds: dict[tuple[str, str], list[tuple[str, str]]] = {}
        found: list[tuple[str, str]] = []
        for outer, definition in self._definitions.items():
            for node in definition.nodes.values():
                for name, value in node.inputs.items():
                    if not isinstance(value, Wired) or value.input is None:
                        continue
                    if node.type in self._definitions:
                        feeds.setdefault((node.type, name), []).append((outer, value.input))
                    elif value.has_value or self._is_widget(node, name):
                        found.append((outer, value.input))
        promoted = set(found)
        while found:
            for above in feeds.get(found.pop(), ()):
                if above not in promoted:
                    promoted.add(above)
                    found.append(above)
        return frozenset(promoted)

    def _is_widget(self, node: Node, name: str) -> bool:
        described = self.of(node).by_name.get(name)
        return described is not None and described.widget


def _from_node(node: Node) -> NodeType:
    kept = node.sockets
    inputs = tuple(InputType(each.name, each.type, bool(each.widget)) for each in kept.inputs) if kept else ()
    outputs = tuple(OutputType(each.name, each.type) for each in kept.outputs) if kept else ()
    return NodeType(node.type, node.type, inputs, outputs, known=False)


def _has_editor_widget(each: InputSpec) -> bool:
    """Whether editors of this family draw a widget for a type that is no plain value."""
    shown = each.options.get("widgetType") or str.__str__(each.type)
    return shown in EDITOR_WIDGETS and not each.options.get("forceInput")


def from_spec(spec: NodeSpec) -> NodeType:
    """A catalogue entry as documents see it: required inputs before optional ones, hidden ones left out."""
    ordered = sorted(spec.visible, key=lambda each: not each.required)
    inputs = tuple(
        InputType(
            each.name,
            str.__str__(each.type),
            widget=each.widget or _has_editor_widget(each),
            required=each.required,
            options=each.options,
            has_default=each.default is not MISSING,
            default=None if each.default is MISSING else each.default,
            choices=each.choices or (),
            aliases=each.aliases,
        )
        for each in ordered
    )
    outputs = tuple(OutputType(str.__str__(each.name), str.__str__(each.type)) for each in spec.outputs)
    return NodeType(spec.id, spec.display_name, inputs, outputs)
