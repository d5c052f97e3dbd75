"""List semantics: every output is a list of values; a node is called once an item, and its results are merged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from graph_runtime.behaviour import Blocker, Result
from graph_runtime.errors import HeddleError
from graph_runtime.spec import NodeSpec

__all__ = ["EmptyList", "append_values", "call_count", "merge_ui", "nth_call", "spread"]


class EmptyList(HeddleError, IndexError):
    """An input received no value at all while others have some."""


def call_count(lists: Mapping[str, list[Any]], whole: Collection[str] = ()) -> int:
    """Return how often a node is called: as often as its longest list has items, and at least once."""
    return max((len(values) for name, values in lists.items() if name not in whole), default=1) or 1


def nth_call(lists: Mapping[str, list[Any]], index: int, whole: Collection[str] = ()) -> dict[str, Any]:
    """Return the arguments of one call; shorter lists repeat their last item, `whole` inputs get the entire list.

    Raises:
        EmptyList: if an input has no item.
    """
    arguments: dict[str, Any] = {}
    for name, values in lists.items():
        if name in whole:
            arguments[name] = list(values)
        elif values:
            arguments[name] = values[index] if index < len(values) else values[-1]
        else:
            raise EmptyList(
                f"list index out of range: input '{name}' received an empty list.",
                fix="Make sure that the node before it gives at least one value.",
            )
    return arguments


def spread(spec: NodeSpec, lists: Mapping[str, list[Any]], whole: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield the arguments of every call of a node.

    Args:
        lists: the values of each input.
        whole: inputs that receive the entire list in each call.
    """
    if spec.input_is_list:
        yield {name: list(values) for name, values in lists.items()}
        return
    mapped = [values for name, values in lists.items() if name not in whole]
    if mapped and not any(mapped):
        yield {name: list(lists[name]) for name in lists if name in whole}
        return
    for index in range(call_count(lists, whole)):
        yield nth_call(lists, index, whole)


def append_values(spec: NodeSpec, outputs: list[list[Any]], values: Sequence[Any]) -> None:
    """Add one call's values to the merged outputs; outputs declared as lists are spliced."""
    declared = spec.outputs
    for index, value in enumerate(values):
        if index == len(outputs):
            outputs.append([])
        if index < len(declared) and declared[index].is_list and not isinstance(value, Blocker):
            outputs[index].extend(value)
        else:
            outputs[index].append(value)


def merge_ui(shown: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Join what the calls of one node show, key by key."""
    if not shown:
        return None
    merged: dict[str, Any] = {}
    for ui in shown:
        for key, values in ui.items():
            items = list(values) if isinstance(values, list | tuple) else [values]
            merged.setdefault(key, []).extend(items)
    return merged


def blocked(spec: NodeSpec) -> Result:
    """Return the result of a call that was prevented: every output passes a silent blocker on.

    An output declared as a list is spliced like any other, so it gets the blocker as its one item.
    """
    return Result([Blocker(None) for _ in spec.outputs])
