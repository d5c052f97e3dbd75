"""What the job table holds, as immutable values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import RowMapping

from graph_runtime.prompt import unwrapped

__all__ = [
    "FINISHED",
    "UNFINISHED",
    "Artifact",
    "Claimed",
    "Finish",
    "Job",
    "NewJob",
    "State",
    "Submitted",
    "name_of",
]

State = Literal["queued", "running", "succeeded", "failed", "cancelled", "dead"]

UNFINISHED: tuple[State, ...] = ("queued", "running")
FINISHED: tuple[State, ...] = ("succeeded", "failed", "cancelled", "dead")


@dataclass(frozen=True, slots=True)
class NewJob:
    """A submission that passed validation.

    Attributes:
        id: the job's id; the client's `prompt_id` or a fresh UUID.
        number: the priority the client asked for; None takes the next ticket.
        front: whether to go ahead of everything queued normally (used when `number` is None).
        ticket: the server's counter, None when `number` is given.
        key: idempotency key; equal to the id when the client chose the id.
        body_hash: digest of what was submitted, compared when a key comes again; None without a key.
        secrets: the handle under which the server keeps what only the worker may see; None without any.
        problems: the established `node_errors` of outputs that were left out.
        replaces_finished: whether a finished job of the same id and another body makes room for this one.
        name: what people call it: the name of its workflow.
        priority: jobs of a higher one run first; 0 unless somebody asks for another.
    """

    id: str
    prompt: str
    targets: tuple[str, ...]
    extra_data: str
    number: float
    ticket: int | None
    client_id: str | None = None
    key: str | None = None
    body_hash: str | None = None
    secrets: str | None = None
    problems: str = "{}"
    replaces_finished: bool = False
    name: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that is on disk: just now, or before with the same key and body."""

    id: str
    number: float | int
    existed: bool
    problems: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that was taken from the queue for one attempt, by a worker."""

    worker: str
    id: str
    attempt: int
    prompt: str
    targets: tuple[str, ...]
    extra_data: str
    secrets: str | None
    client_id: str | None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that an attempt made: `path` below `folder`, its size, and the node that showed it, where one did."""

    folder: str
    path: str
    bytes: int
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """How an attempt ended, as it is stored; its files are registered in the same transaction."""

    state: State
    outputs: str = "{}"
    meta: str = "{}"
    messages: str = "[]"
    error: str | None = None
    reason: str | None = None
    outputs_count: int = 0
    preview_output: str | None = None
    explanations: str | None = None
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table; texts of JSON are parsed when asked for."""

    row: RowMapping

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def state(self) -> State:
        state: State = self.row["state"]
        return state

    @property
    def number(self) -> float | int:
        """The priority as it was announced: a whole number from the counter, a float from a client."""
        number: float = self.row["number"]
        return number if self.row["ticket"] is None else int(number)

    def json(self, column: str, default: Any = None) -> Any:
        """The value of a JSON column."""
        text = self.row[column]
        return default if text is None else json.loads(text)

    @property
    def queue_item(self) -> list[Any]:
        """The established five-element array; secrets are stored elsewhere and never shown."""
        return [
            self.number,
            self.id,
            unwrapped(self.json("prompt")),
            self.json("extra_data", {}),
            self.json("targets"),
        ]


def name_of(extra_data: Mapping[str, Any]) -> str | None:
    """The name of the workflow that came along with a job; None when it has none."""
    value: Any = extra_data
    for key in ("extra_pnginfo", "workflow", "extra", "heddle", "name"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value[:200] if isinstance(value, str) and value.strip() else None
