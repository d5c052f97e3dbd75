"""The results of one run: which exist, who still needs them, and which nodes share them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graph_runtime.cache import Cache, Entry
from graph_runtime.graph import Node
from graph_runtime.keys import Key
from graph_runtime.spec import NodeSpec

__all__ = ["Ledger"]


class Ledger:
    """Holds results for as long as somebody in the run needs them; the cache decides about later runs.

    Args:
        cache: where results of earlier runs are found and new ones are kept.
        keys: key by node id; grows during the run.
        is_wanted: says whether a node is still to run.
        forget: called with a node whose result is dropped.
    """

    __slots__ = (
        "_by_key",
        "_cache",
        "_counted",
        "_forget",
        "_inflight",
        "_is_wanted",
        "_keys",
        "_twins",
        "_users",
        "results",
    )

    def __init__(
        self,
        cache: Cache,
        keys: Mapping[str, Key],
        is_wanted: Callable[[str], bool],
        forget: Callable[[str], None],
    ) -> None:
        self.results: dict[str, Entry] = {}
        self._cache = cache
        self._keys = keys
        self._is_wanted = is_wanted
        self._forget = forget
        self._users: dict[str, int] = {}
        self._counted: set[str] = set()
        self._by_key: dict[bytes, Entry] = {}
        self._inflight: dict[bytes, str] = {}
        self._twins: dict[str, str] = {}

    def available(self, node_id: str) -> bool:
        """Say whether a node's result can be had without running it, and take hold of it if so."""
        if node_id in self.results:
            return True
        key = self._keys.get(node_id)
        if key is None:
            return False
        entry = self._cache.get(key) or self._by_key.get(key)
        if entry is None:
            return False
        self.results[node_id] = entry
        return True

    def reserve(self, node_id: str, nodes: Mapping[str, Node], catalogue: Mapping[str, NodeSpec]) -> None:
        """Note what a scheduled node will use, and what the nodes behind its lazy links would use if they ran.

        Results are held for those too, so that nothing runs twice because a branch was chosen late.
        """
        stack = [node_id]
        while stack:
            current = stack.pop()
            if current in self._counted:
                continue
            self._counted.add(current)
            node = nodes[current]
            spec = catalogue.get(node.type)
            for name, link in node.links():
                self._users[link.node] = self._users.get(link.node, 0) + 1
                declared = spec.by_name.get(name) if spec is not None else None
                may_run = current != node_id or (declared is not None and declared.is_lazy)
                if may_run and link.node in nodes and self._keys.get(link.node) not in self._cache:
                    stack.append(link.node)

    def expect(self, sources: Iterable[str]) -> None:
        """Note one more user of each source's result."""
        users = self._users
        for source in sources:
            users[source] = users.get(source, 0) + 1

    def use_up(self, sources: Iterable[str]) -> None:
        """Note one user less of each source's result, and drop results that nobody needs."""
        for source in sources:
            left = self._users.get(source, 0) - 1
            if left > 0:
                self._users[source] = left
            else:
                self._users.pop(source, None)
                if not self._is_wanted(source):
                    self._release(source)

    def claim(self, node_id: str) -> str | None:
        """Take charge of computing a node's key; returns the twin that does so already, if there is one."""
        key = self._keys.get(node_id)
        if key is None:
            return None
        other = self._inflight.setdefault(key, node_id)
        if other == node_id:
            return None
        self._twins[node_id] = other
        self.expect([other])
        return other

    def meet_twin(self, node_id: str) -> None:
        """Share the result of the twin that this node waited for, if it is there."""
        twin = self._twins.pop(node_id, None)
        if twin is None:
            return
        if twin in self.results:
            self.results[node_id] = self.results[twin]
        self.use_up([twin])

    def store(self, node_id: str, entry: Entry) -> None:
        """Take a new result."""
        key = self._keys.get(node_id)
        if key is not None:
            self._inflight.pop(key, None)
            self._by_key[key] = entry
            self._cache.put(key, entry)

    def settle(self, node: Node, entry: Entry) -> None:
        """A node is done: hold its result if somebody needs it, and let go of what only it needed."""
        self.results[node.id] = entry
        if node.id in self._counted:
            self._counted.discard(node.id)
            self.use_up(link.node for _, link in node.links())
        if not self._users.get(node.id):
            self._release(node.id)

    def clear(self) -> None:
        """Let go of everything; the run is over."""
        held: dict[Any, Any] | set[str]
        for held in (self.results, self._users, self._by_key, self._inflight, self._twins, self._counted):
            held.clear()

    def _release(self, node_id: str) -> None:
        entry = self.results.pop(node_id, None)
        if entry is None:
            return
        key = self._keys.get(node_id)
        if key is not None and self._by_key.get(key) is entry:
            del self._by_key[key]
        self._forget(node_id)
