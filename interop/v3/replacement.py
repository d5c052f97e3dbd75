"""Nodes that take the place of others, which old workflows still name.

A pack registers what replaced what while it is imported; submitted graphs are changed before they are validated. A node
that exists is never replaced.
Source: the established V3 API (`io.NodeReplace`, `ComfyAPI.node_replacement`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interop.host import current
from interop.turn import loading

__all__ = ["NodeReplace", "register"]


class NodeReplace:
    """What replaced a node.

    Args:
        new_node_id, old_node_id: their ids.
        old_widget_ids: the old node's widgets in the order of saved workflows.
        input_mapping: for each input of the new node {"new_id", "old_id"} or {"new_id", "set_value"}; None keeps names.
        output_mapping: {"new_idx", "old_idx"} for each output that moved; None keeps their order.
    """

    def __init__(
        self,
        new_node_id: str,
        old_node_id: str,
        old_widget_ids: Sequence[str] | None = None,
        input_mapping: Sequence[Mapping[str, Any]] | None = None,
        output_mapping: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self.new_node_id, self.old_node_id = new_node_id, old_node_id
        self.old_widget_ids = list(old_widget_ids or ())
        self.input_mapping = None if input_mapping is None else [dict(one) for one in input_mapping]
        self.output_mapping = None if output_mapping is None else [dict(one) for one in output_mapping]

    def as_dict(self) -> dict[str, Any]:
        """As data."""
        return dict(vars(self))

    def inputs(self, old: Mapping[str, Any]) -> dict[str, Any]:
        """The new node's inputs, from those of the old one."""
        if self.input_mapping is None:
            return dict(old)
        found: dict[str, Any] = {}
        for one in self.input_mapping:
            if "set_value" in one:
                found[one["new_id"]] = one["set_value"]
            elif one.get("old_id") in old:
                found[one["new_id"]] = old[one["old_id"]]
        return found

    def output(self, old: int) -> int:
        """Where an output went."""
        moved = {one["old_idx"]: one["new_idx"] for one in self.output_mapping or ()}
        return int(moved.get(old, old))


def register(replacement: NodeReplace) -> None:
    """Let submitted graphs use a node in place of one that is gone.

    Raises:
        RuntimeError: outside of a pack's import.
    """
    if not loading.pack:
        raise RuntimeError("This replacement comes too late: register replacements in on_load.")

    def replaced(data: dict[str, Any]) -> dict[str, Any]:
        prompt = data.get("prompt")
        everything = current().everything
        known = {} if everything is None else everything()
        if not isinstance(prompt, dict) or replacement.old_node_id in known:
            return data
        return {**data, "prompt": replaced_in(prompt, replacement)}

    current().on_prompt.append((loading.pack, replaced))


def replaced_in(prompt: Mapping[str, Any], replacement: NodeReplace) -> dict[str, Any]:
    """A graph in which a node stands in the place of another."""
    old = {
        id
        for id, node in prompt.items()
        if isinstance(node, Mapping) and node.get("class_type") == replacement.old_node_id
    }

    def moved(value: Any) -> Any:
        link = isinstance(value, list) and len(value) == 2 and value[0] in old and isinstance(value[1], int)
        return [value[0], replacement.output(value[1])] if link else value

    found: dict[str, Any] = {}
    for id, node in prompt.items():
        if isinstance(node, Mapping) and isinstance(node.get("inputs"), Mapping):
            inputs = {name: moved(value) for name, value in node["inputs"].items()}
            if id in old:
                inputs, node = replacement.inputs(inputs), {**node, "class_type": replacement.new_node_id}
            node = {**node, "inputs": inputs}
        found[id] = node
    return found
