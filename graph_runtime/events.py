"""Facts about a run, in the order they happen.

Each event is a frozen dataclass with a `kind`, and travels as JSON (`to_data`, `from_data`). The bytes of a preview
or of a binary custom event travel beside the JSON, in `blob`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

__all__ = [
    "EVENTS",
    "Custom",
    "Event",
    "NodeBlocked",
    "NodeExplained",
    "NodeFinished",
    "NodePreview",
    "NodeProgress",
    "NodeShown",
    "NodeStarted",
    "NodeText",
    "NodesCached",
    "RunCancelled",
    "RunFailed",
    "RunStarted",
    "RunSucceeded",
    "from_data",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str] = ""

    def to_data(self) -> dict[str, Any]:
        """Return the JSON object, `kind` included and `blob` left out."""
        data: dict[str, Any] = {"kind": self.kind}
        for name in _FIELDS[type(self)]:
            data[name] = getattr(self, name)
        return data

    @property
    def bytes(self) -> bytes:
        """The bytes that travel beside the JSON; empty for most events."""
        return getattr(self, "blob", None) or b""


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """The engine took the graph."""

    kind: ClassVar[str] = "run_started"


@dataclass(frozen=True, slots=True)
class NodesCached(Event):
    """Nodes of the submitted graph whose results are known already."""

    kind: ClassVar[str] = "nodes_cached"
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeStarted(Event):
    """A node begins; `display` is where editors highlight, `real` its root in the submitted graph."""

    kind: ClassVar[str] = "node_started"
    node: str
    display: str
    parent: str | None
    real: str


@dataclass(frozen=True, slots=True)
class NodeProgress(Event):
    """A node did `value` of `max` steps; with `state_only`, clients that know no state of nodes are not told."""

    kind: ClassVar[str] = "node_progress"
    node: str
    display: str
    parent: str | None
    real: str
    value: float
    max: float
    state_only: bool = False


@dataclass(frozen=True, slots=True)
class NodePreview(Event):
    """An encoded picture of what a node has so far.

    Attributes:
        format: "JPEG" or "PNG".
        state_only: as for progress.
        kept: it is a result that is delivered as a preview; a newer one does not take its place.
    """

    kind: ClassVar[str] = "node_preview"
    node: str
    display: str
    parent: str | None
    real: str
    format: str
    blob: bytes = field(repr=False)
    state_only: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class NodeText(Event):
    """A line of text to show on a node while it runs."""

    kind: ClassVar[str] = "node_text"
    node: str
    text: str


@dataclass(frozen=True, slots=True)
class NodeShown(Event):
    """What a node shows; None for a selected node that was cached and shows nothing."""

    kind: ClassVar[str] = "node_shown"
    node: str
    display: str
    parent: str | None
    real: str
    ui: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class NodeFinished(Event):
    """A node has its result; `seconds` is the time spent in its code."""

    kind: ClassVar[str] = "node_finished"
    node: str
    display: str
    parent: str | None
    real: str
    cached: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class NodeExplained(Event):
    """Why a node ran: each reason has `kind`, `text`, and `input`, `before`, `after` where they apply."""

    kind: ClassVar[str] = "node_explained"
    node: str
    ran: bool
    reasons: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class NodeBlocked(Event):
    """A node was not run because an input carries a blocker with a message."""

    kind: ClassVar[str] = "node_blocked"
    node: str
    node_type: str
    executed: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Custom(Event):
    """A message of a pack's own; `sid` None means everyone. Binary data travels in `blob`, `data` is then None."""

    kind: ClassVar[str] = "custom"
    type: str | int
    data: Any
    sid: str | None
    blob: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RunSucceeded(Event):
    """Every selected output has its result."""

    kind: ClassVar[str] = "run_succeeded"


@dataclass(frozen=True, slots=True)
class RunFailed(Event):
    """A node failed; nothing else was started. `node` is its root in the submitted graph."""

    kind: ClassVar[str] = "run_failed"
    node: str
    node_type: str
    executed: tuple[str, ...]
    message: str
    exception_type: str
    traceback: tuple[str, ...]
    current_inputs: Mapping[str, Any]
    current_outputs: tuple[str, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class RunCancelled(Event):
    """The run stopped because it was asked to; `node` is where it was, if it was in one."""

    kind: ClassVar[str] = "run_cancelled"
    node: str | None
    node_type: str | None
    executed: tuple[str, ...]


EVENTS: Mapping[str, type[Event]] = {cls.kind: cls for cls in Event.__subclasses__()}
"""Every event class by its kind."""
_FIELDS = {cls: tuple(f.name for f in fields(cls) if f.name != "blob") for cls in EVENTS.values()}
_TUPLES = {"nodes", "executed", "traceback", "reasons", "current_outputs"}


def from_data(data: Mapping[str, Any], blob: bytes = b"") -> Event:
    """Read what `Event.to_data` wrote; unknown kinds and keys are refused.

    Raises:
        ValueError: if the kind is unknown or a key is missing or unknown.
    """
    cls = EVENTS.get(data.get("kind", ""))
    if cls is None:
        raise ValueError(f"Unknown event kind {data.get('kind')!r}; known: {', '.join(EVENTS)}.")
    values = {key: tuple(v) if key in _TUPLES else v for key, v in data.items() if key != "kind"}
    if any(f.name == "blob" for f in fields(cls)):
        values["blob"] = blob if blob or cls is NodePreview else None
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"Event '{cls.kind}' cannot be read: {error}") from error
