"""Everything that can go wrong in the runtime, as one tree.

HeddleError                  what happened, where, what to do
├── DeclarationError         a node's author made a mistake; found at import
│   └── DuplicateNode        two declarations claim one id
├── InvalidGraph             a document cannot become a graph; carries every Problem
├── UnknownNode              an id that no catalogue entry has
├── UnknownInput             a lazy check asked for an input that cannot be evaluated
├── NodeReturnedWrongly      a node's return value does not fit its declaration
├── ExpansionError           a node expanded into something that cannot run
│   ├── DuplicateNodeError   an expansion reuses an id
│   ├── DependencyCycleError nodes that wait for each other, found while running
│   └── EndlessExpansion     an expansion that does not stop growing
└── Cancelled                the run was asked to stop; nodes let it pass
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graph_runtime.problems import Problem

__all__ = [
    "Cancelled",
    "DeclarationError",
    "DependencyCycleError",
    "DuplicateNode",
    "DuplicateNodeError",
    "EndlessExpansion",
    "ExpansionError",
    "HeddleError",
    "InvalidGraph",
    "NodeReturnedWrongly",
    "UnknownInput",
    "UnknownNode",
    "did_you_mean",
]


_LONGEST_NAME = 200


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or an empty text."""
    if len(name) > _LONGEST_NAME:
        return ""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f" Did you mean '{near[0]}'?" if near else ""


class HeddleError(Exception):
    """Base of every error that the runtime raises on purpose.

    Args:
        what: what happened, with the actual names and numbers.
        where: the node, file or input concerned; may be empty.
        fix: what the reader can do about it; may be empty.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text} {fix}".rstrip())


class DeclarationError(HeddleError):
    """A node is declared in a way that cannot work; raised when its module is imported."""


class DuplicateNode(DeclarationError):
    """Two declarations claim the same node id."""


class InvalidGraph(HeddleError):
    """A document cannot be read as a graph; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [f"{p.where()}: {p.what} {p.details}".rstrip() for p in self.problems[:20]]
        if len(self.problems) > 20:
            lines.append(f"… and {len(self.problems) - 20} more")
        super().__init__("\n".join(lines) or "The graph is not valid.")


class UnknownNode(HeddleError):
    """No catalogue entry has this id."""

    def __init__(self, node_type: str, known: Iterable[str] = (), *, where: str = "") -> None:
        self.node_type = node_type
        super().__init__(
            f"Node type '{node_type}' does not exist.{did_you_mean(node_type, known)}",
            where=where,
            fix="Install the pack that provides it, or replace the node.",
        )


class UnknownInput(HeddleError):
    """A lazy check asked for an input that is a literal or is not connected."""


class NodeReturnedWrongly(HeddleError, TypeError):
    """A node returned something that does not fit the outputs it declares."""


class ExpansionError(HeddleError):
    """A node expanded into nodes that cannot run."""


class DuplicateNodeError(ExpansionError):
    """An expansion contains an id that exists already."""


class DependencyCycleError(ExpansionError):
    """Nodes wait for each other; possible only through expansion or lazy inputs."""


class EndlessExpansion(ExpansionError):
    """An expansion grew past the engine's limit; most likely a loop without an end."""


class Cancelled(HeddleError):
    """The run was asked to stop. Nodes must not swallow it."""

    def __init__(self, what: str = "The run was cancelled.") -> None:
        super().__init__(what)
