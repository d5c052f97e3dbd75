"""A pool of workers that speak frames over a socket: handshake, runs, questions, deadlines and replacement.

How a worker comes to life is the launcher's business: `server.pools.local` starts processes, `server.pools.fake` a
task in this process. Everything after that is the same for both.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph_runtime.frames import BadFrame
from server.errors import NoWorker
from server.pools.assigned import Assigned
from server.pools.connection import Connection
from server.pools.launched import Launched, Launcher, ending_of
from server.pools.protocol import (
    CataloguePublished,
    PoolEvent,
    Run,
    RunDone,
    RunEvent,
    RunReturned,
    WorkerFree,
    WorkerLog,
    WorkerLost,
    WorkerReady,
)

__all__ = ["Deadlines", "FramedPool"]

log = logging.getLogger("heddle.workers")

_BACKLOG = 4096
"""Events that may wait for the dispatcher; beyond it the workers' sockets are not read."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long workers may take, in seconds."""

    hello: float = 120.0
    """From the start of a worker to its first frame."""
    cancel: float = 8.0
    """From a cancellation to the end of the run; after that the worker is replaced."""
    silence: float = 45.0
    """Without any frame; after that the worker is replaced. Shorter than the lease of an attempt."""
    ping: float = 5.0
    """Between two questions whether a worker is alive."""
    backoff: float = 10.0
    """Longest pause before a worker is replaced that keeps dying young."""

    @classmethod
    def within(cls, lease: float) -> Deadlines:
        """Deadlines that give a silent worker up before its attempt's lease of so many seconds ends."""
        usual = cls()
        return cls(silence=min(usual.silence, 0.75 * lease), ping=min(usual.ping, lease / 8))


@dataclass(slots=True, eq=False)
class _Worker:
    name: str
    launched: Launched
    connection: Connection
    assigned: Assigned = field(default_factory=Assigned)
    said_hello: bool = False
    complete: bool = False
    heard: float = 0.0
    ended_because: str | None = None
    deadline: asyncio.TimerHandle | None = None
    recall: asyncio.TimerHandle | None = None


class FramedPool:
    """Keeps a number of workers alive and speaks with them.

    Args:
        launcher: starts one worker.
        size: how many there are.
        deadlines: when a worker is given up.
        first: a worker that was started before the pool, to save time.
    """

    def __init__(
        self,
        launcher: Launcher,
        size: int = 1,
        deadlines: Deadlines = Deadlines(),
        first: Sequence[Launched] = (),
    ) -> None:
        self._launcher = launcher
        self._size = size
        self._deadlines = deadlines
        self._first = list(first)
        self._workers: dict[str, _Worker] = {}
        self._free: dict[str, None] = {}
        self._events: asyncio.Queue[PoolEvent | None] = asyncio.Queue(_BACKLOG)
        self._questions: dict[str, tuple[_Worker, asyncio.Future[Any]]] = {}
        self._numbers = itertools.count(1)
        self._requests = itertools.count(1)
        self._keepers: list[asyncio.Task[None]] = []
        self._closing = False
        self._alive: set[Launched] = set()

    @property
    def size(self) -> int:
        """How many workers there are."""
        return self._size

    async def open(self) -> None:
        """Start the workers; returns before they are up."""
        self._keepers = [
            asyncio.create_task(
                self._keep(slot, self._first[slot] if slot < len(self._first) else None), name=f"keeper {slot}"
            )
            for slot in range(self._size)
        ]

    async def close(self) -> None:
        """End every worker and wait until they are gone."""
        self._closing = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers = []
        for launched in self._alive:
            launched.kill()
        await asyncio.gather(*(launched.wait() for launched in self._alive))
        self._alive.clear()
        while self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(None)

    def free(self) -> Sequence[str]:
        """Names of workers that can take a run now, the one that has waited longest first."""
        return list(self._free)

    def ahead(self) -> Sequence[str]:
        """Names of busy workers that can take runs ahead, one for each run, where no worker is free."""
        if self._free:
            return []
        return [name for name, worker in self._workers.items() for _ in range(worker.assigned.room)]

    async def start(self, worker: str, run: Run) -> bool:
        """Give a run to a worker that is free, or has room ahead; False when it has just died."""
        chosen = self._workers.get(worker)
        if chosen is None or (worker not in self._free and not chosen.assigned.room):
            return False
        self._free.pop(worker, None)
        chosen.assigned.add((run.job, run.attempt))
        chosen.heard = time.monotonic()
        header = {
            "t": "run",
            "job": run.job,
            "attempt": run.attempt,
            "targets": list(run.targets),
            "extra_data": run.extra_data,
            "previews": run.previews,
        }
        try:
            await chosen.connection.send(header, prompt=run.prompt)
        except ConnectionError:
            chosen.assigned.returned((run.job, run.attempt))
            return False
        if chosen.recall is None and chosen.assigned.waiting:
            self._recall_later(chosen)
        return True

    async def cancel(self, job: str, attempt: int) -> None:
        """Ask for a run to end; a worker that does not in time is replaced."""
        for worker in self._workers.values():
            if (job, attempt) not in worker.assigned:
                continue
            if worker.assigned.current == (job, attempt) and worker.deadline is None:
                loop = asyncio.get_running_loop()
                worker.deadline = loop.call_later(self._deadlines.cancel, self._overdue, worker)
            await self._send(worker, {"t": "cancel", "job": job})

    async def previews(self, job: str, on: bool) -> None:
        """Say whether anybody looks at the previews of a run."""
        for worker in self._workers.values():
            if worker.assigned.holds(job):
                await self._send(worker, {"t": "previews", "job": job, "on": on})

    async def events(self) -> AsyncIterator[PoolEvent]:
        """What happens in the workers, in order for each; ends when the pool is closed."""
        while True:
            event = await self._events.get()
            if event is None:
                return
            yield event

    async def ask(self, kind: str, fields: Mapping[str, Any], timeout: float) -> Any:
        """Put a short question to any live worker and return its answer."""
        live = [worker for worker in self._workers.values() if worker.said_hello]
        if not live:
            raise NoWorker("No worker process is up yet. Wait a few seconds and try again.")
        worker = next((worker for worker in live if not worker.assigned), live[0])
        return await self._ask(worker, kind, fields, timeout)

    async def tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Send a notice to every live worker."""
        for worker in list(self._workers.values()):
            if worker.said_hello:
                await self._send(worker, {"t": kind, **fields})

    async def _ask(self, worker: _Worker, kind: str, fields: Mapping[str, Any], timeout: float) -> Any:
        request = f"q{next(self._requests)}"
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[request] = (worker, answer)
        try:
            await self._send(worker, {"t": kind, "request": request, **fields})
            return await asyncio.wait_for(answer, timeout)
        finally:
            self._questions.pop(request, None)

    async def _send(self, worker: _Worker, header: Mapping[str, Any]) -> None:
        try:
            await worker.connection.send(header)
        except ConnectionError:
            log.debug("worker %s is gone; its keeper replaces it", worker.name)

    async def _keep(self, slot: int, launched: Launched | None) -> None:
        """Keep the worker of one slot alive for as long as the pool is open."""
        young_deaths = 0
        while not self._closing:
            name = f"worker-{next(self._numbers)}"
            started = time.monotonic()
            grown_up = False
            try:
                launched = launched or self._launcher(slot)
                self._alive.add(launched)
            except OSError as error:
                log.error("a worker cannot be started: %s. Trying again.", error)
            else:
                grown_up = await self._serve(name, launched)
            launched = None
            grown_up = grown_up or time.monotonic() - started > self._deadlines.backoff
            young_deaths = 0 if grown_up else young_deaths + 1
            if young_deaths > 1:
                await asyncio.sleep(min(0.25 * 2 ** (young_deaths - 2), self._deadlines.backoff))

    async def _serve(self, name: str, launched: Launched) -> bool:
        """Speak with one worker until it is gone; says whether it had come up completely."""
        connection = await launched.connect()
        worker = _Worker(name, launched, connection, heard=time.monotonic())
        self._workers[name] = worker
        watch = asyncio.create_task(self._watch(worker), name=f"watch {name}")
        broken = ""
        try:
            async for header, blob in connection.frames():
                worker.heard = time.monotonic()
                await self._receive(worker, header, blob)
        except BadFrame as error:
            broken = str(error)
        except (KeyError, TypeError) as error:
            broken = f"it sent a frame that lacks {error}; server and worker must be of the same version"
        finally:
            watch.cancel()
            for timer in (worker.deadline, worker.recall):
                if timer is not None:
                    timer.cancel()
            self._workers.pop(name, None)
            self._free.pop(name, None)
            await connection.close()
            for request, (asked, answer) in list(self._questions.items()):
                if asked is worker and not answer.done():
                    answer.set_exception(NoWorker(f"The worker {name} died before it answered. Try again."))
                    self._questions.pop(request, None)
        ending = await ending_of(launched)
        self._alive.discard(launched)
        reason = worker.ended_because or broken or ending
        if not self._closing:
            log.warning("%s (process %d) is gone: %s", name, launched.pid, reason)
            for waiting in worker.assigned.waiting:
                await self._events.put(RunReturned(name, *waiting))
            job, attempt = worker.assigned.current or (None, 0)
            await self._events.put(WorkerLost(name, job, attempt, reason, launched.pid))
        return worker.complete

    async def _receive(self, worker: _Worker, header: dict[str, Any], blob: bytes) -> None:
        put = self._events.put
        match header.get("t"):
            case "event":
                await put(RunEvent(worker.name, header["job"], header["attempt"], header["seq"], header["event"], blob))
            case "done":
                if worker.deadline is not None:
                    worker.deadline.cancel()
                    worker.deadline = None
                worker.assigned.ended((header["job"], header["attempt"]))
                if not worker.assigned:
                    self._free[worker.name] = None
                await put(
                    RunDone(
                        worker.name,
                        header["job"],
                        header["attempt"],
                        header["outcome"],
                        header.get("outputs") or {},
                        header.get("meta") or {},
                        header.get("error"),
                    )
                )
            case "returned":
                for job, attempt in header["runs"]:
                    if worker.assigned.returned((job, attempt)):
                        if not worker.assigned:
                            self._free[worker.name] = None
                        await put(RunReturned(worker.name, job, attempt))
            case "hello" | "catalogue" as kind:
                packs = header.get("packs", [])
                complete = kind == "catalogue" and not header.get("pending")
                worker.complete = worker.complete or kind == "catalogue"
                await put(CataloguePublished(worker.name, header["catalogue"], header["digest"], packs, complete))
                if not worker.said_hello:
                    worker.said_hello = True
                    self._free[worker.name] = None
                    await put(WorkerFree(worker.name))
            case "ready":
                await put(WorkerReady(worker.name, header.get("devices", []), header.get("versions", {})))
            case "reply":
                asked = self._questions.get(header.get("request", ""))
                if asked is not None and not asked[1].done():
                    asked[1].set_result(header.get("data"))
            case "log":
                await put(WorkerLog(worker.name, header.get("entries", [])))
            case other:
                log.warning("%s sent a frame of unknown type %r; it is ignored", worker.name, other)

    async def _watch(self, worker: _Worker) -> None:
        """Give a worker up that never says hello, or falls silent while it runs something."""
        limits = self._deadlines
        started = time.monotonic()
        while True:
            await asyncio.sleep(min(limits.ping, limits.hello, limits.silence))
            now = time.monotonic()
            if not worker.said_hello:
                if now - started > limits.hello:
                    self._give_up(worker, f"it did not come up within {limits.hello:g} s")
                continue
            if now - worker.heard > limits.silence:
                self._give_up(worker, f"nothing was heard from it for {limits.silence:g} s")
            elif now - worker.heard >= limits.ping:
                await self._send(worker, {"t": "stats", "request": "alive"})

    def _recall_later(self, worker: _Worker) -> None:
        """Ask for waiting runs back when the current one turns out not to be short."""
        worker.recall = None
        if not worker.assigned.waiting:
            return
        seconds = worker.assigned.overdue_in
        if seconds > 0:
            worker.recall = asyncio.get_running_loop().call_later(seconds, self._recall_later, worker)
        else:
            worker.connection.notify({"t": "recall"})

    def _overdue(self, worker: _Worker) -> None:
        self._give_up(worker, f"the run did not end within {self._deadlines.cancel:g} s of its cancellation")

    def _give_up(self, worker: _Worker, reason: str) -> None:
        worker.ended_because = reason
        worker.launched.kill()
