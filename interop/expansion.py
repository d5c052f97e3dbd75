"""Graphs that packs build while they run.

Source: protocol §4.5, §5.6.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from interop import running

__all__ = ["GraphBuilder", "PromptNode", "add_graph_prefix", "is_link"]

PromptGraph = dict[str, dict[str, Any]]

_prefix: ContextVar[tuple[str, int, Iterator[int]] | None] = ContextVar("heddle_graph_prefix", default=None)


def is_link(value: object) -> bool:
    """Whether an input's value is a link: [node id, output number]."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
        and not isinstance(value[1], bool)
    )


class PromptNode:
    """One node of a graph being built.

    Args:
        id: its id in the expanded graph.
        class_type: the node's type.
        inputs: literals and links; an input of None is left out.
    """

    def __init__(self, id: str, class_type: str, inputs: Mapping[str, Any]) -> None:
        self.id = id
        self.class_type = class_type
        self.inputs = dict(inputs)
        self.override_display_id: str | None = None

    def out(self, index: int) -> list[Any]:
        """A link to one of its outputs."""
        return [self.id, index]

    def set_input(self, key: str, value: Any) -> None:
        """Set an input; None removes it."""
        if value is None:
            self.inputs.pop(key, None)
        else:
            self.inputs[key] = value

    def get_input(self, key: str) -> Any:
        """The value of an input, or None."""
        return self.inputs.get(key)

    def set_override_display_id(self, override_display_id: str) -> None:
        """Let events of this node name another node."""
        self.override_display_id = override_display_id

    def serialize(self) -> dict[str, Any]:
        """The node in the API format."""
        node = {"class_type": self.class_type, "inputs": self.inputs}
        return node if self.override_display_id is None else node | {"override_display_id": self.override_display_id}


class GraphBuilder:
    """Builds the graph that a node expands into, with ids that are the same in every run.

    Args:
        prefix: put before every id; by default "<node id>.<item>.<number of the graph>.".
    """

    def __init__(self, prefix: str | None = None) -> None:
        self.prefix = self.alloc_prefix() if prefix is None else prefix
        self.nodes: dict[str, PromptNode] = {}
        self.id_gen = 1

    @classmethod
    def set_default_prefix(cls, prefix_root: str, call_index: int, graph_index: int = 0) -> None:
        """Set what `alloc_prefix` starts from in this task or thread."""
        _prefix.set((prefix_root, call_index, itertools.count(graph_index)))

    @classmethod
    def alloc_prefix(
        cls, root: str | None = None, call_index: int | None = None, graph_index: int | None = None
    ) -> str:
        """The next prefix of the running call."""
        chosen, call = _prefix.get(), running.last_call()
        if chosen is None:
            chosen = ("", 0, itertools.count()) if call is None else (call.node_id, call.list_index or 0, call.graphs)
        root = chosen[0] if root is None else root
        call_index = chosen[1] if call_index is None else call_index
        graph_index = next(chosen[2]) if graph_index is None else graph_index
        return f"{root}.{call_index}.{graph_index}."

    def node(self, class_type: str, id: str | None = None, **kwargs: Any) -> PromptNode:
        """Add a node, or find the one that has this id already.

        Args:
            id: by default counted from 1.
            kwargs: its inputs.
        """
        if id is None:
            id, self.id_gen = str(self.id_gen), self.id_gen + 1
        id = self.prefix + id
        if id not in self.nodes:
            self.nodes[id] = PromptNode(id, class_type, kwargs)
        return self.nodes[id]

    def lookup_node(self, id: str) -> PromptNode | None:
        """The node of that id, given without prefix, or None."""
        return self.nodes.get(self.prefix + id)

    def finalize(self) -> PromptGraph:
        """The graph in the API format, for `expand`."""
        return {id: node.serialize() for id, node in self.nodes.items()}

    def replace_node_output(self, node_id: str, index: int, new_value: Any) -> None:
        """Put a value where an output is used; None removes those inputs."""
        used = [self.prefix + node_id, index]
        for node in self.nodes.values():
            for key in [key for key, value in node.inputs.items() if is_link(value) and value == used]:
                node.set_input(key, new_value)

    def remove_node(self, id: str) -> None:
        """Leave a node out; links to it stay as they are."""
        self.nodes.pop(self.prefix + id, None)


def add_graph_prefix(
    graph: Mapping[str, Mapping[str, Any]], outputs: list[Any] | tuple[Any, ...], prefix: str
) -> tuple[PromptGraph, tuple[Any, ...]]:
    """Copy a graph under other ids.

    Args:
        graph: in the API format.
        outputs: literals, and links into `graph`.
    Returns:
        The graph and the outputs with `prefix` before every id.
    """

    def moved(value: Any) -> Any:
        return [prefix + value[0], value[1]] if is_link(value) else value

    renamed = {
        prefix + id: {**node, "inputs": {key: moved(value) for key, value in node.get("inputs", {}).items()}}
        for id, node in graph.items()
    }
    return renamed, tuple(moved(output) for output in outputs)
