"""Between the positions of `widgets_values` in saved editor documents and the names of inputs.

A saved document stores the values of a node's widgets in one list. Its order: the inputs that have widgets, in
declared order, each followed by its companions (what to do with a seed after queueing, a filter text), then
what upload buttons add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from graph_runtime.documents.model import Control
from graph_runtime.documents.types import InputType, NodeType

CONTROLS: Final = frozenset(get_args(Control))
SEEDS: Final = frozenset({"seed", "noise_seed"})
_UPLOADS: Final = ("image_upload", "animated_image_upload", "video_upload", "file_upload")
_ZEROS: Final[Mapping[str, Any]] = {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False}

Role = Literal["value", "control", "filter", "button", "player"]


@dataclass(frozen=True, slots=True)
class WidgetSlot:
    """One position of `widgets_values`: whose it is and what stands there."""

    input: str
    role: Role


@dataclass(frozen=True, slots=True)
class NamedValues:
    """What a list of values said: values and controls by input name, and what was left over."""

    values: Mapping[str, Any]
    controls: Mapping[str, str]
    surplus: tuple[Any, ...]


def companions(each: InputType) -> tuple[Role, ...]:
    """The widgets that directly follow that of an input."""
    wanted = each.options.get("control_after_generate")
    if each.type == "INT" and (wanted or (wanted is None and each.name in SEEDS)):
        return ("control",)
    if each.type == "COMBO" and wanted:
        return ("control", "filter")
    return ()


def widget_slots(node_type: NodeType) -> tuple[WidgetSlot, ...]:
    """Every position of a node's `widgets_values`, in order; an instance of a subgraph stores values only."""
    if node_type.definition is not None:
        return tuple(WidgetSlot(each.name, "value") for each in node_type.widgets)
    slots: list[WidgetSlot] = []
    extras: list[WidgetSlot] = []
    for each in node_type.widgets:
        slots.append(WidgetSlot(each.name, "value"))
        slots.extend(WidgetSlot(each.name, role) for role in companions(each))
        if any(each.options.get(key) for key in _UPLOADS):
            extras.append(WidgetSlot(each.name, "button"))
        elif each.options.get("audio_upload"):
            extras.extend((WidgetSlot(each.name, "player"), WidgetSlot(each.name, "button")))
    return (*slots, *extras)


def name_values(node_type: NodeType, stored: object) -> NamedValues:
    """Give names to what a saved node stored.

    Args:
        stored: a list in widget order, or, as a few packs write it, an object keyed by widget name. Missing
            values are left out of the answer, surplus ones are returned apart.
    """
    if isinstance(stored, Mapping):
        names = node_type.by_name
        values = {name: value for name, value in stored.items() if name in names}
        controls = _one_control(node_type, stored.get("control_after_generate"))
        return NamedValues(values, controls, ())
    if not isinstance(stored, Sequence) or isinstance(stored, (str, bytes)):
        return NamedValues({}, {}, ())
    given = _without_forced(node_type, list(stored))
    values, controls = {}, {}
    slots = widget_slots(node_type)
    for slot, value in zip(slots, given, strict=False):
        if slot.role == "value":
            if value is not None or _accepts_null(node_type.by_name[slot.input]):
                values[slot.input] = value
        elif slot.role == "control":
            control = read_control(value)
            if control is not None:
                controls[slot.input] = control
    return NamedValues(values, controls, tuple(given[len(slots) :]))


def _accepts_null(each: InputType) -> bool:
    return each.has_default and each.default is None


def _one_control(node_type: NodeType, value: object) -> dict[str, str]:
    control = read_control(value)
    controlled = [each.name for each in node_type.widgets if "control" in companions(each)]
    return {controlled[0]: control} if control is not None and controlled else {}


def read_control(value: object) -> str | None:
    """A control word as stored, older booleans included; None if it is none."""
    if isinstance(value, bool):
        return "randomize" if value else "fixed"
    return value if isinstance(value, str) and value in CONTROLS else None


def _without_forced(node_type: NodeType, given: list[Any]) -> list[Any]:
    """Drop the dummy values that older files hold for inputs which are sockets only.

    They are there exactly when the list is as long as the widgets and those inputs together, an input with a
    control counting twice.
    """
    marks: list[bool] = []
    if node_type.definition is not None:
        return given
    for each in node_type.inputs:
        if each.widget or each.forced:
            marks.append(each.forced and not each.widget)
            if each.options.get("control_after_generate") or (each.name in SEEDS and each.type == "INT"):
                marks.append(each.forced and not each.widget)
    if any(marks) and len(marks) == len(given):
        return [value for value, dummy in zip(given, marks, strict=True) if not dummy]
    return given


def list_values(node_type: NodeType, values: Mapping[str, Any], controls: Mapping[str, str]) -> list[Any]:
    """The other direction: the list that a saved document stores for named values."""
    stored: list[Any] = []
    for slot in widget_slots(node_type):
        if slot.role == "value":
            stored.append(values[slot.input] if slot.input in values else widget_default(node_type.by_name[slot.input]))
        elif slot.role == "control":
            stored.append(controls.get(slot.input, "fixed"))
        elif slot.role == "filter":
            stored.append("")
        else:
            stored.append("image" if slot.role == "button" else None)
    return stored


def widget_default(each: InputType) -> Any:
    """The value a new widget shows; None where only the running program can tell (lists of files)."""
    if each.has_default:
        return each.default
    if each.type == "COMBO":
        return each.choices[0] if each.choices else None
    zero = _ZEROS.get(each.type)
    minimum = each.options.get("min")
    if each.type in ("INT", "FLOAT") and isinstance(minimum, (int, float)) and minimum > 0:
        return minimum
    return zero
