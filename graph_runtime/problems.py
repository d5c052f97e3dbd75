"""One thing that is wrong with a graph, said so that a person and a program can both use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of validation.

    Args:
        code: the established error type ("required_input_missing", …) or one of ours ("dependency_cycle").
        node: id of the node it belongs to; None when it concerns the whole graph.
        input: name of the input concerned, if one is.
        what: what is wrong; for established codes exactly the established message.
        fix: what to do about it.
        details: the established `details` text, short and machine-friendly.
        extra: the established `extra_info` object.
    """

    code: str
    node: str | None
    input: str | None
    what: str
    fix: str = ""
    details: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def where(self) -> str:
        """Name the place in the reader's words: node, input, or the whole graph."""
        if self.node is None:
            return "graph"
        return f"node {self.node}, input '{self.input}'" if self.input else f"node {self.node}"

    def to_data(self) -> dict[str, Any]:
        """Return the JSON form used by the API."""
        return {
            "code": self.code,
            "node": self.node,
            "input": self.input,
            "what": self.what,
            "fix": self.fix,
            "details": self.details,
            "extra": dict(self.extra),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Problem:
        """Read what `to_data` wrote."""
        return cls(**{key: data[key] for key in ("code", "node", "input", "what", "fix", "details", "extra")})
