"""What can be wrong with a workflow document, worded once.

HeddleError
└── InvalidDocument          every problem of one document, found together
    └── UnreadableDocument   the bytes are no document at all (bad JSON, wrong kind of file)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from graph_runtime.errors import HeddleError


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One fault of a document.

    Attributes:
        code: stable word for programs, e.g. `unknown_key`.
        path: where it is, keys joined by dots: `nodes.3.inputs.seed`.
        what: what happened, with the actual names and numbers.
        fix: what the reader can do.
        node: id of the node concerned, if it is one node.
        input: name of the input concerned, if it is one input.
    """

    code: str
    path: str
    what: str
    fix: str
    node: str | None = None
    input: str | None = None

    def to_data(self) -> dict[str, str | None]:
        """The problem as plain data, for answers and logs."""
        return {
            "code": self.code,
            "path": self.path,
            "what": self.what,
            "fix": self.fix,
            "node": self.node,
            "input": self.input,
        }

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.what} {self.fix}".rstrip()


class InvalidDocument(HeddleError):
    """A document cannot be used; `problems` names every fault that was found."""

    def __init__(self, problems: Iterable[DocumentProblem]) -> None:
        self.problems: tuple[DocumentProblem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnreadableDocument(InvalidDocument):
    """The bytes hold no workflow: broken JSON, too deep, or a file of another kind."""

    def __init__(self, what: str, fix: str, *, code: str = "unreadable", path: str = "") -> None:
        super().__init__([DocumentProblem(code, path, what, fix)])


def nearest(name: str, known: Sequence[str]) -> str:
    """ "Did you mean …?" or the list of known names, ready to follow a sentence."""
    close = get_close_matches(name[:200], known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not known:
        return "There are none."
    shown = ", ".join(repr(each) for each in known[:12])
    return f"Known: {shown}{', …' if len(known) > 12 else ''}."
