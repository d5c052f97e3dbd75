"""Literals of a graph: coerced to the types that inputs declare, and checked against bounds and choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graph_runtime.errors import did_you_mean
from graph_runtime.object_info import input_config
from graph_runtime.problems import Problem
from graph_runtime.showing import shown, shown_value
from graph_runtime.spec import ChoicesOf, InputSpec, NodeSpec

__all__ = ["COERCIONS", "LiteralCheck"]

_LONGEST_LIST = 20
_MOST_SUGGESTIONS = 50
_TYPE_WORDS = {"INT": "a whole number", "FLOAT": "a number", "STRING": "a text", "BOOLEAN": "true or false"}


def _to_float(value: Any) -> float:
    number = float(value)
    if number != number:
        raise ValueError("not a number (NaN) cannot be used as an input")
    return number


COERCIONS: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": _to_float, "STRING": str, "BOOLEAN": bool}
"""INT truncates floats and parses decimal texts; STRING makes None "None"; BOOLEAN makes "false" True."""


class LiteralCheck:
    """Checks the literals of one graph; every folder is listed once.

    Args:
        choices: lists the names in a folder.
    """

    def __init__(self, choices: ChoicesOf) -> None:
        self._choices = choices
        self._listed: dict[str, list[str]] = {}
        self._members: dict[int, tuple[InputSpec, list[Any], frozenset[Any] | None]] = {}
        self._suggested = 0

    def check(self, node: str, spec: NodeSpec, item: InputSpec, value: Any) -> tuple[Any, Problem | None]:
        """Return the value as the input's type has it, and what is wrong with it."""
        kept = value
        convert = COERCIONS.get(item.type) if type(item.type) is str else None
        if convert is not None:
            try:
                kept = convert(value)
            except Exception as error:
                extra = {
                    "input_name": item.name,
                    "input_config": self.config(item),
                    "received_value": shown_value(value),
                    "exception_message": str(error),
                }
                what = f"Failed to convert an input value to a {item.type} value"
                details = f"{item.name}, {shown(value)}, {error}"
                fix = f"Enter {_TYPE_WORDS[item.type]}."
                return value, Problem("invalid_input_type", node, item.name, what, fix, details, extra)
            if type(kept) is type(value) and kept == value:
                kept = value
        if spec.checks_inputs is not None and spec.checks(item.name):
            return kept, None
        return kept, self._check_bounds(node, item, kept) or self._check_member(node, item, kept)

    def config(self, item: InputSpec) -> list[Any]:
        """Return the established `input_config` of an input."""
        return input_config(item, self._list_once)

    def wire_type(self, item: InputSpec) -> Any:
        """Return what an output's type is compared with: the declared type, or the list of choices."""
        return self._choices_of(item)[0] if item.combo_form == "old" else item.type

    def _check_bounds(self, node: str, item: InputSpec, value: Any) -> Problem | None:
        if not isinstance(value, int | float):
            return None
        low, high = item.options.get("min"), item.options.get("max")
        if low is not None and value < low:
            code, what = "value_smaller_than_min", f"Value {value} smaller than min of {low}"
        elif high is not None and value > high:
            code, what = "value_bigger_than_max", f"Value {value} bigger than max of {high}"
        else:
            return None
        extra = {"input_name": item.name, "input_config": self.config(item), "received_value": shown_value(value)}
        bounds = f"from {low}" if high is None else f"up to {high}" if low is None else f"from {low} to {high}"
        return Problem(code, node, item.name, what, f"Choose a value {bounds}.", item.name, extra)

    def _check_member(self, node: str, item: InputSpec, value: Any) -> Problem | None:
        if item.combo_form != "old":
            return None
        listed, members = self._choices_of(item)
        if _is_among(value, listed, members):
            return None
        long = len(listed) > _LONGEST_LIST
        offered = f"(list of length {len(listed)})" if long else str(listed)
        config = None if long else self.config(item)
        extra = {"input_name": item.name, "input_config": config, "received_value": shown_value(value)}
        fix = "Choose one of the listed values." if listed else "The folder it chooses from is empty: put a file there."
        if self._suggested < _MOST_SUGGESTIONS:
            self._suggested += 1
            fix += did_you_mean(shown(value), [str(choice) for choice in listed[:2000]])
        details = f"{item.name}: '{shown(value)}' not in {offered}"
        return Problem("value_not_in_list", node, item.name, "Value not in list", fix, details, extra)

    def _choices_of(self, item: InputSpec) -> tuple[list[Any], frozenset[Any] | None]:
        cached = self._members.get(id(item))
        if cached is None:
            listed = item.resolve_choices(self._list_once) or []
            try:
                members = frozenset(listed)
            except TypeError:
                members = None
            cached = self._members[id(item)] = (item, listed, members)
        return cached[1], cached[2]

    def _list_once(self, folder: str) -> list[str]:
        if folder not in self._listed:
            self._listed[folder] = list(self._choices(folder))
        return self._listed[folder]


def _is_among(value: Any, listed: list[Any], members: frozenset[Any] | None) -> bool:
    if members is not None:
        try:
            return value in members
        except TypeError:
            return False
    return value in listed
