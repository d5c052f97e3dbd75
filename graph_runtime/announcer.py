"""Events about nodes, with the identity that each carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graph_runtime import events
from graph_runtime.cache import Entry
from graph_runtime.explain import FROM_TIER
from graph_runtime.identity import Identities

__all__ = ["Announcer"]

MOST_LETTERS = 1_000_000
"""Letters of the ids that an event tells; nested expansions make ids long."""


class Announcer:
    """Emits what happens to nodes, and collects what they show.

    Args:
        outputs: what nodes show, by node id, from the cache too.
        executed: ids of nodes that have a result from this run, in order of completion.
    """

    __slots__ = ("_emit", "_identities", "executed", "outputs")

    def __init__(self, emit: Callable[[events.Event], None], identities: Identities) -> None:
        self._emit = emit
        self._identities = identities
        self.outputs: dict[str, Mapping[str, Any]] = {}
        self.executed: list[str] = []

    @property
    def told(self) -> tuple[str, ...]:
        """`executed` as events tell it: all of it, or as many of the newest as `MOST_LETTERS` allow."""
        letters, first = 0, len(self.executed)
        while first and (letters := letters + len(self.executed[first - 1])) <= MOST_LETTERS:
            first -= 1
        return tuple(self.executed[first:])

    def _who(self, node_id: str) -> tuple[str, str, str | None, str]:
        known = self._identities
        return node_id, known.display(node_id), known.parent(node_id), known.real(node_id)

    def started(self, node_id: str) -> None:
        """A node's code is about to be called."""
        self._emit(events.NodeStarted(*self._who(node_id)))

    def explained(self, node_id: str, reasons: tuple[Mapping[str, Any], ...]) -> None:
        """Why a node runs."""
        self._emit(events.NodeExplained(node_id, True, reasons))

    def reused(self, node_id: str, entry: Entry) -> None:
        """A result is used again; said once of those that outlived the process that computed them."""
        if entry.from_tier:
            entry.from_tier = False
            self._emit(events.NodeExplained(node_id, False, (FROM_TIER,)))

    def shown(self, node_id: str, ui: Mapping[str, Any] | None) -> None:
        """What a node shows; None for a cached one that shows nothing."""
        if ui is not None:
            self.outputs[node_id] = ui
        self._emit(events.NodeShown(*self._who(node_id), ui))

    def warned(self, node_id: str, texts: tuple[str, ...]) -> None:
        """Warnings that belong to a result which is used again."""
        for text in texts:
            self._emit(events.NodeText(node_id, text))

    def finished(self, node_id: str, *, cached: bool, seconds: float) -> None:
        """A node has its result."""
        self.executed.append(node_id)
        self._emit(events.NodeFinished(*self._who(node_id), cached, seconds))

    def blocked(self, node_id: str, node_type: str, message: str) -> None:
        """A blocker with a message prevented a call."""
        self._emit(events.NodeBlocked(node_id, node_type, self.told, message))

    def meta(self) -> dict[str, Mapping[str, Any]]:
        """Return the established identity record of every node that shows something."""
        keys = ("node_id", "display_node", "parent_node", "real_node_id")
        return {node_id: dict(zip(keys, self._who(node_id), strict=True)) for node_id in self.outputs}
