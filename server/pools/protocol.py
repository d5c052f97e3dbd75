"""What the dispatcher needs of workers, whatever they are: processes here, a fake, later a cluster.

Every pool passes `tests/server/test_pool_contract.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

__all__ = [
    "CataloguePublished",
    "Outcome",
    "PoolEvent",
    "Run",
    "RunDone",
    "RunEvent",
    "RunReturned",
    "WorkerFree",
    "WorkerLog",
    "WorkerLost",
    "WorkerPool",
    "WorkerReady",
]

Outcome: TypeAlias = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job, as a worker receives it; `prompt` is the ASCII text of its JSON, as it is stored."""

    job: str
    attempt: int
    prompt: str
    targets: Sequence[str]
    extra_data: Mapping[str, Any]
    previews: bool = True


@dataclass(frozen=True, slots=True)
class WorkerFree:
    """A worker can take a run."""

    worker: str


@dataclass(frozen=True, slots=True)
class CataloguePublished:
    """A worker said which nodes it has; `complete` once its packs have been loaded as well."""

    worker: str
    entries: Mapping[str, Any]
    digest: str
    packs: Sequence[Mapping[str, Any]]
    complete: bool


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker's device is warm."""

    worker: str
    devices: Sequence[Mapping[str, Any]]
    versions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something happened in a run; `event` is the plain form of `graph_runtime.events`."""

    worker: str
    job: str
    attempt: int
    seq: int
    event: Mapping[str, Any]
    blob: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class RunDone:
    """A run ended; the worker is at its next one, or free again."""

    worker: str
    job: str
    attempt: int
    outcome: Outcome
    outputs: Mapping[str, Any]
    meta: Mapping[str, Any]
    error: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RunReturned:
    """A run that was given ahead comes back: the worker has not begun it, and will not."""

    worker: str
    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker is gone, and with it the attempt it was at; a replacement is being started."""

    worker: str
    job: str | None
    attempt: int
    reason: str
    pid: int = 0


@dataclass(frozen=True, slots=True)
class WorkerLog:
    """Lines a worker logged: `{"t": ISO time, "m": text}`."""

    worker: str
    entries: Sequence[Mapping[str, Any]]


PoolEvent: TypeAlias = (
    WorkerFree | CataloguePublished | WorkerReady | RunEvent | RunDone | RunReturned | WorkerLost | WorkerLog
)


class WorkerPool(Protocol):
    """Workers that run attempts, one at a time each.

    A worker whose runs are very short may be given a few ahead; it gives back (`RunReturned`) what it has not begun
    when one of them takes longer.
    """

    @property
    def size(self) -> int:
        """How many workers there are."""

    async def open(self) -> None:
        """Start the workers; returns before they are up."""

    async def close(self) -> None:
        """End every worker, running or not, and wait until they are gone."""

    def free(self) -> Sequence[str]:
        """Names of workers that can take a run now, the one that has waited longest first."""

    def ahead(self) -> Sequence[str]:
        """Names of busy workers that can take runs ahead, one for each run, where no worker is free."""

    async def start(self, worker: str, run: Run) -> bool:
        """Give a run to a worker that is free, or has room ahead.

        Returns:
            False when it has just died (it is reported lost without this run), or has no room.
        """

    async def cancel(self, job: str, attempt: int) -> None:
        """Ask for a run to end; a worker that does not in time is replaced."""

    async def previews(self, job: str, on: bool) -> None:
        """Say whether anybody looks at the previews of a run."""

    def events(self) -> AsyncIterator[PoolEvent]:
        """What happens in the workers, in order for each; ends when the pool is closed."""

    async def ask(self, kind: str, fields: Mapping[str, Any], timeout: float) -> Any:
        """Put a short question to any live worker and return its answer.

        Raises:
            NoWorker: if no worker is up.
            TimeoutError: if the answer does not come in `timeout` seconds.
        """

    async def tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Send a notice to every live worker."""
