"""Why each node of a run ran or did not: what the engine said, and what follows from what it did not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.store.rows import Job

__all__ = ["SHARED", "explanations_of"]

SHARED: Mapping[str, Any] = {
    "kind": "cached",
    "text": "It did not run: its result was there already, or an equal node gave it in this run.",
}
_CACHED: Mapping[str, Any] = {"kind": "cached", "text": "It did not run: its result was there already."}
_NOT_NEEDED: Mapping[str, Any] = {"kind": "not_needed", "text": "It did not run: no selected output needed it."}
_NOT_REACHED: Mapping[str, Any] = {"kind": "not_reached", "text": "It did not run: the run ended before it."}


def explanations_of(job: Job) -> list[dict[str, Any]]:
    """One entry a node, `{node, ran, reasons}`, in the order of the graph, nodes of expansions last.

    Of a job that is not finished only what is known so far.
    """
    told = {str(entry["node"]): dict(entry) for entry in job.json("explanations") or ()}
    messages = job.json("messages") or ()
    if not messages:
        return list(told.values())
    cached = {node for kind, data in messages if kind == "execution_cached" for node in data["nodes"]}
    otherwise = _NOT_NEEDED if job.state == "succeeded" else _NOT_REACHED
    entries: list[dict[str, Any]] = []
    for node in job.json("prompt"):
        reason = _CACHED if node in cached else otherwise
        entries.append(told.pop(node) if node in told else {"node": node, "ran": False, "reasons": [dict(reason)]})
    return [*entries, *told.values()]
