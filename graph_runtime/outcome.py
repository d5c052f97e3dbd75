"""How a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graph_runtime.events import RunFailed

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and what it leaves for history.

    Args:
        outputs: what nodes show, by node id; from the cache too.
        meta: for each of them, the established identity record.
        executed: ids of nodes that have a result from this run, in order of completion.
        error: set if the run failed.
    """

    status: Literal["succeeded", "failed", "cancelled"]
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    meta: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    executed: tuple[str, ...] = ()
    error: RunFailed | None = None
