"""The graph as it grows during a run, for nodes that read it (hidden input DYNPROMPT)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graph_runtime.errors import HeddleError
from graph_runtime.graph import Graph, Node
from graph_runtime.identity import Identities
from graph_runtime.prompt import parse_node, to_prompt

__all__ = ["LivePrompt", "NodeNotFoundError"]


class NodeNotFoundError(HeddleError, KeyError):
    """The running graph has no node of this id."""


class LivePrompt:
    """Reads (and, for loops, extends) the running graph in the API format."""

    def __init__(
        self,
        nodes: Mapping[str, Node],
        identities: Identities,
        original: Mapping[str, Any],
        add: Callable[[Node, str, str | None], None],
    ) -> None:
        self._nodes = nodes
        self._identities = identities
        self._original = original
        self._add = add
        self._rendered: dict[str, Any] = {}

    def get_node(self, node_id: str) -> Any:
        """Return one node as `{"class_type", "inputs", …}`.

        Raises:
            NodeNotFoundError: if there is none.
        """
        if node_id in self._original:
            return self._original[node_id]
        if node_id not in self._rendered:
            node = self._nodes.get(node_id)
            if node is None:
                raise NodeNotFoundError(f"Node {node_id} not found.")
            self._rendered[node_id] = to_prompt(Graph([node]), wrap=False)[node_id]
        return self._rendered[node_id]

    def has_node(self, node_id: str) -> bool:
        """Say whether this node exists, submitted or from an expansion."""
        return node_id in self._original or node_id in self._nodes

    def get_original_prompt(self) -> Mapping[str, Any]:
        """Return the submitted graph."""
        return self._original

    def get_real_node_id(self, node_id: str) -> str:
        """Return the root ancestor in the submitted graph."""
        return self._identities.real(node_id)

    def get_parent_node_id(self, node_id: str) -> str | None:
        """Return the node that expanded into this one, or None."""
        return self._identities.parent(node_id)

    def get_display_node_id(self, node_id: str) -> str:
        """Return the node that editors highlight for this one."""
        return self._identities.display(node_id)

    def all_node_ids(self) -> set[str]:
        """Return the ids of all nodes, from expansions too."""
        return set(self._nodes) | set(self._original)

    def add_ephemeral_node(
        self, node_id: str, node_info: Mapping[str, Any], parent_id: str, display_id: str | None = None
    ) -> None:
        """Add a node that belongs to `parent_id`."""
        self._add(parse_node(node_id, node_info), parent_id, display_id)
