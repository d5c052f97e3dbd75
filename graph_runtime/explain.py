"""Why a node ran: what differs from the last run that contained it.

The explainer keeps the last few runs' graphs and keys (not their results) and compares only the nodes that run, so an
explanation costs nothing for nodes that do not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graph_runtime.cache import Cache
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.keys import NO_TOKEN, Key, encode
from graph_runtime.showing import is_deep, shown
from graph_runtime.spec import NodeSpec

__all__ = ["FROM_TIER", "Explainer", "RunRecord"]

FROM_TIER: Mapping[str, Any] = {
    "kind": "from_disk",
    "text": "It did not run: its result came from disk, where an earlier run left it.",
}
"""Why a node does not run whose result outlived the process that computed it."""

_REMEMBERED_RUNS = 8
_REMEMBERED_NODES = 200_000


@dataclass(slots=True)
class RunRecord:
    """What one run knew of its nodes.

    Args:
        token_errors: why a node's change token could not be computed.
        finished: nodes that have a result, by id.
    """

    graph: Graph
    keys: Mapping[str, Key]
    tokens: Mapping[str, Any]
    versions: dict[str, int]
    token_errors: dict[str, str] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)


class Explainer:
    """Compares a node with its past."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._runs: deque[RunRecord] = deque(maxlen=_REMEMBERED_RUNS)

    def remember(self, record: RunRecord) -> None:
        """Keep a run for later comparisons; large graphs push older runs out."""
        self._runs.appendleft(record)
        while len(self._runs) > 1 and sum(len(run.graph) for run in self._runs) > _REMEMBERED_NODES:
            self._runs.pop()

    @property
    def runs(self) -> tuple[RunRecord, ...]:
        """The runs that are remembered, newest first."""
        return tuple(self._runs)

    def clear(self) -> None:
        """Forget all runs."""
        self._runs.clear()

    def reasons(self, node: Node, spec: NodeSpec, run: RunRecord) -> tuple[dict[str, Any], ...]:
        """Return why this node runs in this run, most telling first; never empty."""
        before = next((r for r in self._runs if node.id in r.graph and r.graph[node.id].type == node.type), None)
        if not spec.cache:
            return (_reason("always", text=f"'{spec.id}' never reuses results."),)
        if before is None:
            return (_reason("never_seen", text="It has not run before."),)
        found = self._differences(node, before, run)
        if found:
            return tuple(found)
        key = run.keys.get(node.id)
        if key is None:
            return (self._unkeyable(node, spec, run),)
        eviction = self._cache.eviction(key)
        if eviction is not None:
            text = f"Its result was dropped because {eviction.reason}; it held {eviction.nbytes} bytes."
            return (_reason("evicted", text=text, at=eviction.at, nbytes=eviction.nbytes, why=eviction.reason),)
        if node.id not in before.finished:
            return (_reason("unfinished", text="It did not finish, or was not needed, last time."),)
        return (_reason("not_kept", text="Its last result was not kept."),)

    def _differences(self, node: Node, before: RunRecord, run: RunRecord) -> list[dict[str, Any]]:
        old = before.graph[node.id]
        found: list[dict[str, Any]] = []
        now_version, then_version = run.versions.get(node.type), before.versions.get(node.type)
        if now_version != then_version:
            text = f"Version of '{node.type}' changed from {then_version} to {now_version}."
            found.append(_reason("version", before=then_version, after=now_version, text=text))
        now_token, then_token = run.tokens.get(node.id, NO_TOKEN), before.tokens.get(node.id, NO_TOKEN)
        comparable = now_token is not NO_TOKEN and then_token is not NO_TOKEN and encode(now_token) is not None
        if comparable and not _same(now_token, then_token):
            text = "What it reads from outside (a file's content) changed."
            found.append(_reason("fingerprint", before=_plain(then_token), after=_plain(now_token), text=text))
        for name in [*node.inputs, *(name for name in old.inputs if name not in node.inputs)]:
            reason = _input_difference(name, node, old, before, run)
            if reason is not None:
                found.append(reason)
        return found

    def _unkeyable(self, node: Node, spec: NodeSpec, run: RunRecord) -> dict[str, Any]:
        if node.id in run.token_errors:
            text = f"Its change token could not be computed: {run.token_errors[node.id]}"
            return _reason("always", text=text)
        if node.id in run.tokens:
            return _reason("always", text="Its change token never matches (it is NaN, or cannot be compared).")
        for name, link in node.links():
            if run.keys.get(link.node) is None:
                return _reason("upstream", input=name, text=f"Node {link.node}, connected to '{name}', always runs.")
        return _reason("always", text="One of its values cannot be compared (NaN, or not JSON).")


def _input_difference(name: str, node: Node, old: Node, before: RunRecord, run: RunRecord) -> dict[str, Any] | None:
    if name not in old.inputs:
        return _reason("input", input=name, after=_plain(node.inputs[name]), text=f"'{name}' is new.")
    if name not in node.inputs:
        return _reason("input", input=name, before=_plain(old.inputs[name]), text=f"'{name}' is gone.")
    now, then = node.inputs[name], old.inputs[name]
    if type(now) is Link and type(then) is Link:
        now_key, then_key = run.keys.get(now.node), before.keys.get(then.node)
        if now.output != then.output:
            text = f"'{name}' is connected to output {now.output} instead of {then.output}."
            return _reason("input", input=name, before=then.to_list(), after=now.to_list(), text=text)
        if now_key != then_key and now_key is not None:
            text = f"Node {now.node}, connected to '{name}', changed."
            return _reason("upstream", input=name, before=then.to_list(), after=now.to_list(), text=text)
        return None
    if _same(now, then):
        return None
    text = f"'{name}' changed from {_shown(then)} to {_shown(now)}."
    return _reason("input", input=name, before=_plain(then), after=_plain(now), text=text)


def _reason(kind: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, **facts}


def _same(now: Any, then: Any) -> bool:
    if type(now) is not type(then):
        return False
    if isinstance(now, list | dict) and (is_deep(now) or is_deep(then)):
        return now is then
    return bool(now == then)


def _plain(value: Any) -> Any:
    if isinstance(value, Link):
        return value.to_list()
    if value is None or isinstance(value, bool | int | float):
        return value
    return shown(value, 300, str if isinstance(value, str) else repr)


def _shown(value: Any) -> str:
    return f"a link to node {value.node}" if isinstance(value, Link) else shown(value, 60, repr)
