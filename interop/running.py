"""Which node call is running here: what progress bars and messages of packs belong to.

A context variable, so that calls that run at the same time are told apart. Threads that a node starts itself begin
without it; they are taken to belong to the call that began last.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "call", "call_of", "executing", "last_call"]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a pack's function.

    Args:
        node_id: id of the node, ephemeral ones included.
        context: the engine's `Context` of that node.
        job: id of the job, the established prompt id.
        client_id: who submitted it, None when nobody listens.
        list_index: which item of a mapped input.
        graphs: numbers the graphs that the call builds, so that their ids are the same in every run.
    """

    node_id: str
    context: Any
    job: str = ""
    client_id: str | None = None
    list_index: int | None = 0
    graphs: Iterator[int] = field(default_factory=itertools.count, compare=False)


_current: ContextVar[Call | None] = ContextVar("heddle_pack_call", default=None)
_begun: list[Call] = []


@contextmanager
def call(running: Call) -> Iterator[None]:
    """Mark the body as being `running`."""
    token = _current.set(running)
    _begun.append(running)
    try:
        yield
    finally:
        _current.reset(token)
        _begun.remove(running)


def executing() -> Call | None:
    """The call of this task or thread, or None."""
    return _current.get()


def last_call() -> Call | None:
    """The call of this task or thread, else the one that began last and is not over."""
    found = _current.get()
    return found if found is not None else next(reversed(_begun), None)


def call_of(node_id: str) -> Call | None:
    """The call of this node that began last and is not over."""
    return next((running for running in reversed(_begun) if running.node_id == node_id), None)
