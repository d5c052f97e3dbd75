"""What is wanted, what is ready, what is done. Runs nothing.

A plan is told what a node depends on and which results exist already; it answers which node to start next. Among
ready nodes, those come first that show something or wait for something outside, then what feeds them, so that people
see results early; otherwise the order of discovery decides. Everything is linear in the number of links.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence

__all__ = ["Plan"]

_FAR = 3


class Plan:
    """Schedules nodes over lanes.

    Args:
        dependencies: the nodes that must be done before this one starts; lazy links left out.
        is_available: says whether a node's result can be had without running it.
        lane: names the lane that a node runs in; each lane is taken from on its own.
        first: says whether a node is to come first among the ready (it shows something, or is asynchronous).
    """

    def __init__(
        self,
        dependencies: Callable[[str], Iterable[str]],
        is_available: Callable[[str], bool],
        *,
        lane: Callable[[str], str] = lambda node_id: "device",
        first: Callable[[str], bool] = lambda node_id: False,
    ) -> None:
        self._dependencies = dependencies
        self._is_available = is_available
        self._lane = lane
        self._first = first
        self._open: dict[str, set[str]] = {}
        self._done: set[str] = set()
        self._dependants: dict[str, list[str]] = {}
        self._rank: dict[str, int] = {}
        self._number: dict[str, int] = {}
        self._ready: dict[str, list[tuple[int, int, str]]] = {}
        self.taken: set[str] = set()

    @property
    def finished(self) -> bool:
        """Everything that is wanted is done."""
        return not self._open

    @property
    def has_ready(self) -> bool:
        """Some lane has a node to start."""
        return any(self._ready.values())

    def is_done(self, node_id: str) -> bool:
        """This node has run, or its result was there already."""
        return node_id in self._done

    def is_wanted(self, node_id: str) -> bool:
        """This node is to run and has not yet."""
        return node_id in self._open

    def waits_for(self, node_id: str) -> Sequence[str]:
        """Return what an open node is waiting for."""
        return sorted(self._open.get(node_id, ()))

    def open_nodes(self) -> list[str]:
        """Return everything that is wanted and not done, in order of discovery."""
        return list(self._open)

    def want(self, targets: Iterable[str], *, even_if_available: bool = False) -> list[str]:
        """Schedule nodes and everything they depend on; return the newly scheduled ones.

        Args:
            even_if_available: schedule the targets themselves although their results exist; they then wait for
                nothing.
        """
        added: list[str] = []
        for target in targets:
            if target in self._open or (target in self._done and not even_if_available):
                continue
            if self._is_available(target):
                if not even_if_available:
                    self._done.add(target)
                    continue
                self._done.discard(target)
                self._admit(target, set())
                added.append(target)
                continue
            self._discover(target, added)
        self._rate(added)
        for node_id in added:
            if not self._open[node_id]:
                self._push(node_id)
        return added

    def take(self, lane: str) -> str | None:
        """Return the next node to start in this lane, or None."""
        ready = self._ready.get(lane)
        if not ready:
            return None
        node_id = heapq.heappop(ready)[2]
        self.taken.add(node_id)
        return node_id

    def require(self, node_id: str, sources: Iterable[str]) -> bool:
        """Make a taken node wait for further sources; it becomes ready again when they are done.

        Returns:
            True if all of them are done already, and the node goes on at once without being put back.
        """
        wanted = list(dict.fromkeys(sources))
        self.want(wanted)
        waiting = {source for source in wanted if source not in self._done}
        if not waiting:
            return True
        self.taken.discard(node_id)
        self._open[node_id] |= waiting
        for source in waiting:
            self._dependants.setdefault(source, []).append(node_id)
        return False

    def watch(self, node_id: str, source: str) -> None:
        """Record that a taken node, without being put back, waits for a source."""
        self._open[node_id].add(source)
        self._dependants.setdefault(source, []).append(node_id)

    def finish(self, node_id: str) -> None:
        """Mark a node as done; those that waited only for it become ready."""
        self.taken.discard(node_id)
        self._open.pop(node_id, None)
        self._done.add(node_id)
        for dependant in self._dependants.pop(node_id, ()):
            waiting = self._open.get(dependant)
            if waiting is not None and node_id in waiting:
                waiting.discard(node_id)
                if not waiting and dependant not in self.taken:
                    self._push(dependant)

    def forget(self, node_id: str) -> None:
        """A node's result is gone: whoever wants it from now on makes it run again."""
        self._done.discard(node_id)

    def find_cycle(self) -> list[str]:
        """Return one circle of open nodes that wait for each other, or an empty list."""
        state: dict[str, int] = {}
        for start in self._open:
            if start in state:
                continue
            path = [start]
            branches = [iter(self.waits_for(start))]
            state[start] = 1
            while path:
                source = next(branches[-1], None)
                if source is None:
                    state[path.pop()] = 2
                    branches.pop()
                elif state.get(source) == 1:
                    return path[path.index(source) :]
                elif source not in state and source in self._open:
                    state[source] = 1
                    path.append(source)
                    branches.append(iter(self.waits_for(source)))
        return []

    def _discover(self, target: str, added: list[str]) -> None:
        stack = [target]
        while stack:
            node_id = stack.pop()
            if node_id in self._open or node_id in self._done:
                continue
            waiting: set[str] = set()
            fresh: list[str] = []
            for source in self._dependencies(node_id):
                if source in self._done or source in waiting:
                    continue
                if source not in self._open:
                    if self._is_available(source):
                        self._done.add(source)
                        continue
                    fresh.append(source)
                waiting.add(source)
                self._dependants.setdefault(source, []).append(node_id)
            self._admit(node_id, waiting)
            added.append(node_id)
            stack.extend(reversed(fresh))

    def _admit(self, node_id: str, waiting: set[str]) -> None:
        self._open[node_id] = waiting
        self._number.setdefault(node_id, len(self._number))
        self._rank.setdefault(node_id, _FAR)

    def _rate(self, added: list[str]) -> None:
        """Rank new nodes by how near they are to one that comes first."""
        near = [node_id for node_id in added if self._first(node_id)]
        for node_id in near:
            self._rank[node_id] = 0
        for rank in (1, 2):
            nearer = near
            near = []
            for node_id in nearer:
                for source in self._open.get(node_id, ()):
                    if self._rank.get(source, 0) > rank:
                        self._rank[source] = rank
                        near.append(source)

    def _push(self, node_id: str) -> None:
        heap = self._ready.setdefault(self._lane(node_id), [])
        heapq.heappush(heap, (self._rank[node_id], self._number[node_id], node_id))
