"""What one node declares.

A spec is plain data plus, in the process that runs nodes, a `Behaviour`. It travels as JSON (`to_data`, `from_data`);
specs read from data have no behaviour but everything that validation and editors need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from graph_runtime.sockets import AnyType, Mode, OneOfTypes, also_taken, is_wildcard

if TYPE_CHECKING:
    from graph_runtime.behaviour import Behaviour

__all__ = ["BUILT_IN", "HIDDEN_KINDS", "MISSING", "WIDGET_TYPES", "ChoicesOf", "InputSpec", "NodeSpec", "OutputSpec"]

BUILT_IN = "nodes"
"""The module of nodes that come with the project; their validation hooks only look whether a file is there."""
ChoicesOf = Callable[[str], Sequence[str]]
"""Lists the names in a folder, given its key."""
HIDDEN_KINDS = frozenset(
    {"UNIQUE_ID", "PROMPT", "DYNPROMPT", "EXTRA_PNGINFO", "AUTH_TOKEN_COMFY_ORG", "API_KEY_COMFY_ORG"}
)
"""Hidden inputs that the engine fills; any other kind takes the graph's value, if there is one."""
WIDGET_TYPES = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
"""Stands for "no default"."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One declared input.

    Args:
        type: socket type; may be a live `str` subclass that overrides inequality. "COMBO" for choices.
        mode: how the value is received; see `graph_runtime.sockets`.
        options: established option keys besides `default` (`min`, `max`, `step`, `multiline`, `tooltip`, …).
        choices: fixed choices; with `choices_from`, those listed before the files.
        choices_from: `{"folder": key}`: the names in a folder, listed when asked.
        combo_form: "old": membership is checked; "new": it is not.
    """

    name: str
    type: str
    mode: Mode = "value"
    required: bool = True
    default: Any = MISSING
    hidden: str | None = None
    widget: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[Any, ...] | None = None
    choices_from: Mapping[str, Any] | None = None
    combo_form: Literal["old", "new"] | None = None
    aliases: tuple[str, ...] = ()
    show_if: Mapping[str, Any] | None = None

    @property
    def is_lazy(self) -> bool:
        """The source is evaluated only on demand."""
        return self.mode == "lazy" or bool(self.options.get("lazy"))

    @property
    def is_ref(self) -> bool:
        """The wire itself is passed, not its value."""
        return self.mode == "ref" or bool(self.options.get("rawLink"))

    def resolve_choices(self, choices: ChoicesOf) -> list[Any] | None:
        """Return the choices as they are now, or None where there are none."""
        if self.choices_from is None:
            return None if self.choices is None else list(self.choices)
        return [*(self.choices or ()), *choices(self.choices_from["folder"])]

    def to_data(self) -> dict[str, Any]:
        """Return the catalogue entry of this input."""
        data: dict[str, Any] = {
            "name": self.name,
            "type": str.__str__(self.type),
            "mode": self.mode,
            "required": self.required,
        }
        if self.default is not MISSING:
            data["default"] = self.default
        data |= {
            "hidden": self.hidden,
            "widget": self.widget,
            "options": dict(self.options),
            "choices": None if self.choices is None else list(self.choices),
            "choices_from": None if self.choices_from is None else dict(self.choices_from),
            "combo_form": self.combo_form,
        }
        if type(self.type) is not str and is_wildcard(self.type):
            data["any"] = True
        also = also_taken(self.type)
        if also:
            data["also"] = list(also)
        if self.aliases:
            data["aliases"] = list(self.aliases)
        if self.show_if:
            data["show_if"] = dict(self.show_if)
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> InputSpec:
        """Read what `to_data` wrote."""
        choices = data.get("choices")
        return cls(
            name=data["name"],
            type=_type_of(data),
            mode=data.get("mode", "value"),
            required=data.get("required", True),
            default=data.get("default", MISSING),
            hidden=data.get("hidden"),
            widget=data.get("widget", False),
            options=data.get("options") or {},
            choices=None if choices is None else tuple(choices),
            choices_from=data.get("choices_from"),
            combo_form=data.get("combo_form"),
            aliases=tuple(data.get("aliases", ())),
            show_if=data.get("show_if"),
        )


def _type_of(data: Mapping[str, Any]) -> str:
    """The type of an entry, with the comparisons that its class made."""
    if data.get("any"):
        return AnyType(data["type"])
    return OneOfTypes(data["type"], data["also"]) if data.get("also") else str(data["type"])


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One declared output; `choices` is set where the type is a list of choices."""

    name: str
    type: str
    is_list: bool = False
    tooltip: str | None = None
    choices: tuple[Any, ...] | None = None

    @property
    def wire_type(self) -> Any:
        """What is compared with an input's type: the live type object, or the list of choices."""
        return self.type if self.choices is None else list(self.choices)

    def to_data(self) -> dict[str, Any]:
        """Return the catalogue entry of this output."""
        data: dict[str, Any] = {
            "name": str.__str__(self.name),
            "type": str.__str__(self.type),
            "is_list": self.is_list,
            "tooltip": self.tooltip,
        }
        if self.choices is not None:
            data["choices"] = list(self.choices)
        if type(self.type) is not str and is_wildcard(self.type):
            data["any"] = True
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> OutputSpec:
        """Read what `to_data` wrote."""
        choices = data.get("choices")
        return cls(
            data["name"],
            AnyType(data["type"]) if data.get("any") else data["type"],
            data.get("is_list", False),
            data.get("tooltip"),
            None if choices is None else tuple(choices),
        )


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """Everything a node declares.

    Args:
        module: "nodes" or "custom_nodes.<pack>".
        version: part of every cache key; raise it when results change.
        terminal: a run may start from this node.
        cache: False makes every run of the node count as new.
        not_idempotent: nodes with equal inputs do not share a result.
        input_is_list: one call receives all lists whole.
        checks_inputs: None, the names its validation hook takes, or "*"; "input_types" among them turns the
            engine's own check of link types off.
        fingerprint: the node has a change token.
        device: runs on the thread that owns the device; False lets it run beside, in a pool.
        dynamic_inputs, dynamic_outputs: the live declaration answers for names and slots it does not list.
        convention: how `object_info` words it: "v1" or "v3".
        behaviour: the code; None in a spec read from data.
        by_name, visible, hidden_inputs, whole, former: views of the inputs: by name, those people see, the others,
            those that take a whole list, and former names of inputs with their names of today.
        keyed_by_id: the node's id is part of its cache key.
        mark: id and version, as cache keys begin.
    """

    id: str
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    display_name: str = ""
    description: str = ""
    category: str = ""
    module: str = BUILT_IN
    version: int = 1
    terminal: bool = False
    cache: bool = True
    deprecated: bool = False
    experimental: bool = False
    api_node: bool | None = None
    not_idempotent: bool = False
    input_is_list: bool = False
    checks_inputs: tuple[str, ...] | Literal["*"] | None = None
    fingerprint: bool = False
    device: bool = True
    dynamic_inputs: bool = False
    dynamic_outputs: bool = False
    convention: Literal["v1", "v3"] = "v1"
    behaviour: Behaviour | None = field(default=None, repr=False, compare=False)
    by_name: Mapping[str, InputSpec] = field(init=False, repr=False, compare=False)
    visible: tuple[InputSpec, ...] = field(init=False, repr=False, compare=False)
    hidden_inputs: tuple[InputSpec, ...] = field(init=False, repr=False, compare=False)
    whole: frozenset[str] = field(init=False, repr=False, compare=False)
    former: Mapping[str, str] = field(init=False, repr=False, compare=False)
    keyed_by_id: bool = field(init=False, repr=False, compare=False)
    mark: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "by_name", MappingProxyType({item.name: item for item in self.inputs}))
        put(self, "visible", tuple(item for item in self.inputs if item.hidden is None))
        put(self, "hidden_inputs", tuple(item for item in self.inputs if item.hidden is not None))
        put(self, "whole", frozenset(item.name for item in self.inputs if item.mode == "many"))
        put(self, "former", {old: item.name for item in self.visible for old in item.aliases})
        asks_for_id = self.convention == "v1" and any(item.hidden == "UNIQUE_ID" for item in self.hidden_inputs)
        put(self, "keyed_by_id", self.not_idempotent or asks_for_id)
        put(self, "mark", f"{len(self.id)}:{self.id}@{self.version}")
        if not self.display_name:
            put(self, "display_name", self.id)

    @property
    def durable(self) -> bool:
        """Its results may outlive the process: it leaves nothing behind but values that equal inputs give again."""
        return not (self.terminal or self.not_idempotent)

    @property
    def lane(self) -> Literal["device", "beside", "loop"]:
        """Where it runs: on the device's thread, in the pool beside it, or on the event loop."""
        if self.behaviour is not None and self.behaviour.asynchronous:
            return "loop"
        return "device" if self.device else "beside"

    def input(self, name: str) -> InputSpec | None:
        """Return the declared input of this name, hidden ones included."""
        return self.by_name.get(name)

    def output(self, index: int) -> OutputSpec | None:
        """Return the output at this slot, or None where there is none."""
        if 0 <= index < len(self.outputs):
            return self.outputs[index]
        return OutputSpec("*", "*") if self.dynamic_outputs and index >= 0 else None

    def checks(self, name: str) -> bool:
        """Say whether the node's own validation hook takes charge of this input."""
        hook = self.checks_inputs
        return hook is not None and ("*" in hook or name in hook)

    def files_to_find(self) -> tuple[str, ...] | None:
        """The inputs whose files the validation hook looks for, where it does nothing else; None for any other hook."""
        hook = () if self.checks_inputs is None else self.checks_inputs
        return hook if isinstance(hook, tuple) and (self.module == BUILT_IN or not hook) else None

    def to_data(self) -> dict[str, Any]:
        """Return the catalogue entry as JSON-ready data."""
        hook = self.checks_inputs
        data: dict[str, Any] = {
            "id": self.id,
            "display_name": self.display_name,
            "description": self.description,
            "category": self.category,
            "module": self.module,
            "version": self.version,
            "terminal": self.terminal,
            "cache": self.cache,
            "deprecated": self.deprecated,
            "experimental": self.experimental,
            "api_node": self.api_node,
            "not_idempotent": self.not_idempotent,
            "input_is_list": self.input_is_list,
            "inputs": [item.to_data() for item in self.inputs],
            "outputs": [item.to_data() for item in self.outputs],
            "checks_inputs": list(hook) if isinstance(hook, tuple) else hook,
            "fingerprint": self.fingerprint,
            "convention": self.convention,
        }
        for flag in ("dynamic_inputs", "dynamic_outputs"):
            if getattr(self, flag):
                data[flag] = True
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> NodeSpec:
        """Read what `to_data` wrote; the spec has no behaviour."""
        plain = {
            key: data[key]
            for key in (
                "id",
                "display_name",
                "description",
                "category",
                "module",
                "version",
                "terminal",
                "cache",
                "deprecated",
                "experimental",
                "api_node",
                "not_idempotent",
                "input_is_list",
                "fingerprint",
                "convention",
                "dynamic_inputs",
                "dynamic_outputs",
            )
            if key in data
        }
        hook = data.get("checks_inputs")
        return cls(
            inputs=tuple(InputSpec.from_data(item) for item in data.get("inputs", ())),
            outputs=tuple(OutputSpec.from_data(item) for item in data.get("outputs", ())),
            checks_inputs=tuple(hook) if isinstance(hook, list) else hook,
            **plain,
        )
