"""Who a node is: its parent, the node shown in its place, and its root in the submitted graph."""

from __future__ import annotations

__all__ = ["Identities"]


class Identities:
    """Knows the origin of nodes that came from expansions; submitted nodes are their own display and root."""

    __slots__ = ("_displays", "_parents", "_reals")

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._displays: dict[str, str] = {}
        self._reals: dict[str, str] = {}

    def add(self, node_id: str, parent: str, display: str | None = None) -> None:
        """Record that `parent` expanded into this node."""
        shown = display or parent
        self._parents[node_id] = parent
        self._displays[node_id] = self._displays.get(shown, shown)
        self._reals[node_id] = self._reals.get(parent, parent)

    def is_ephemeral(self, node_id: str) -> bool:
        """The node came from an expansion."""
        return node_id in self._parents

    def parent(self, node_id: str) -> str | None:
        """Return the node that expanded into this one; None for submitted nodes."""
        return self._parents.get(node_id)

    def display(self, node_id: str) -> str:
        """Return the node that editors highlight."""
        return self._displays.get(node_id, node_id)

    def real(self, node_id: str) -> str:
        """Return the root ancestor in the submitted graph."""
        return self._reals.get(node_id, node_id)
