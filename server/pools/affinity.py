"""Which worker suits a job: the one that has computed most of it already.

A worker keeps the models it loaded and the results it computed. What it has computed is remembered here as one number
a node, which stands for the node's type, its values and everything above it; the more of these a job shares with a
worker, the less that worker has to do. Only free workers are compared, so no job ever waits for a better place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Affinity", "marks"]

_REMEMBERED = 20_000


class Affinity:
    """Remembers what each worker has run lately."""

    def __init__(self) -> None:
        self._known: dict[str, OrderedDict[int, None]] = {}

    def choose(self, free: Sequence[str], prompt: Mapping[str, Any]) -> str:
        """Return the free worker that shares most nodes with this prompt; of equals, the first."""
        if len(free) == 1 or not self._known:
            return free[0]
        wanted = set(marks(prompt))
        return max(free, key=lambda worker: sum(mark in self._known.get(worker, ()) for mark in wanted))

    def runs(self, worker: str, prompt: Mapping[str, Any]) -> None:
        """A worker runs this prompt now."""
        known = self._known.setdefault(worker, OrderedDict())
        for mark in marks(prompt):
            known[mark] = None
            known.move_to_end(mark)
        while len(known) > _REMEMBERED:
            known.popitem(last=False)

    def forget(self, worker: str) -> None:
        """A worker is gone, and what it held with it."""
        self._known.pop(worker, None)


def marks(prompt: Mapping[str, Any]) -> list[int]:
    """One number for each node of a prompt in the API format, equal for equal nodes over equal ones.

    The numbers mean nothing outside of this process.
    """
    found: dict[str, int] = {}
    entered: set[str] = set()
    stack = list(prompt)
    while stack:
        node = stack[-1]
        inputs = prompt[node].get("inputs", {})
        if node not in found and node not in entered:
            entered.add(node)
            stack += [source for source in _sources(inputs, prompt) if source not in entered]
            continue
        stack.pop()
        if node not in found:
            found[node] = _mark(prompt[node], inputs, found)
    return list(found.values())


def _sources(inputs: Mapping[str, Any], prompt: Mapping[str, Any]) -> list[str]:
    return [value[0] for value in inputs.values() if _is_link(value) and value[0] in prompt]


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def _mark(node: Mapping[str, Any], inputs: Mapping[str, Any], found: Mapping[str, int]) -> int:
    parts = (
        (name, found.get(value[0]), value[1]) if _is_link(value) else (name, repr(value))
        for name, value in sorted(inputs.items())
    )
    return hash((node.get("class_type"), *parts))
