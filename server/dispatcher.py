"""The dispatcher: takes jobs from the table to free workers, and what workers say back to the table and the hub.

It keeps no queue of its own. What it holds of a running attempt (who listens, what was said) is lost with the process
and not needed to continue: the table says what to do next.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.exc import SQLAlchemyError

from server.errors import StoreError
from server.feed import Feed
from server.hub.hub import Hub
from server.hub.messages import message_of_pack
from server.leftovers import Leftovers
from server.outcome import finish_of
from server.pools.affinity import Affinity
from server.pools.protocol import PoolEvent, Run, RunDone, RunEvent, RunReturned, WorkerLost, WorkerPool
from server.store.jobs import JobTable
from server.store.rows import FINISHED, Claimed, State
from server.store.writer import StoredEvent, now_ms
from server.translation import Translation
from server.vault import Vault

__all__ = ["Dispatcher"]

log = logging.getLogger("heddle.jobs")

LEASE_SECONDS = 60.0
"""How long an attempt is valid without being extended, unless told otherwise."""
_RETURNED = "The job before it takes longer than those before, so it waits in the queue again."
CROWD = 16
"""How many unfinished jobs there must be before any is given to a worker ahead of time: until then every job but the
one that runs is seen as queued, as established clients expect."""
LOOK_AGAIN = 5.0
"""Seconds after which the table is looked at though nothing woke the dispatcher: a safety net."""


@dataclass(slots=True, eq=False)
class _Active:
    job: str
    attempt: int
    worker: str
    client_id: str | None
    translation: Translation
    cancelling: bool = False


class Dispatcher:
    """Brings jobs and workers together.

    Args:
        table: the job table.
        pool: the workers.
        hub: connected clients.
        feed: listeners of our own API.
        leftovers: settles the files of attempts.
        vault: knows the secrets of jobs.
        lease: seconds that an attempt is valid without being extended.
    """

    def __init__(
        self,
        table: JobTable,
        pool: WorkerPool,
        hub: Hub,
        feed: Feed,
        leftovers: Leftovers,
        vault: Vault,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._table = table
        self._pool = pool
        self._hub = hub
        self._feed = feed
        self._leftovers = leftovers
        self._vault = vault
        self._lease_ms = int(lease * 1000)
        self._affinity = Affinity()
        self._cancel_early: set[str] = set()
        self._active: dict[str, _Active] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._remaining = 0
        self._endings: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []

    @property
    def remaining(self) -> int:
        """How many jobs are queued or running."""
        return self._remaining

    def start(self, remaining: int) -> None:
        """Begin to hand out jobs.

        Args:
            remaining: how many unfinished jobs the table holds.
        """
        self._remaining = remaining
        self._wake.set()
        self._loops = [
            asyncio.create_task(self._claim(), name="claim jobs"),
            asyncio.create_task(self._extend(), name="extend leases"),
        ]

    def running(self) -> list[tuple[str, int]]:
        """Id and attempt of every job that a worker is at."""
        return [(active.job, active.attempt) for active in self._active.values()]

    def waits_at_worker(self, job: str) -> bool:
        """Whether a job was given to its worker ahead of time, and waits there behind another one."""
        active = self._active.get(job)
        return active is not None and active is not next(
            other for other in self._active.values() if other.worker == active.worker
        )

    def progress(self, job: str) -> dict[str, Any] | None:
        """State of the nodes of a running job; None when it is not running."""
        active = self._active.get(job)
        return None if active is None else active.translation.progress

    def greet(self, client_id: str) -> str | None:
        """A client has connected: turn on its previews, and return the node that its running job is at."""
        node = None
        for active in self._active.values():
            if active.client_id == client_id:
                node = active.translation.active_node
            if active.client_id in (client_id, None):
                self._spawn(self._pool.previews(active.job, True))
        return node

    def expect(self) -> None:
        """A job is about to be stored: a free worker claims it in the transaction that stores it."""
        self._wake.set()

    def committed(self, events: Sequence[StoredEvent]) -> None:
        """Changes of the table are on disk: count, tell, and look for work."""
        for event in events:
            if event.kind == "queued":
                self._remaining += 1
            elif event.kind in FINISHED:
                self._remaining -= 1
                self._cancel_early.discard(event.job)
        self._feed.stored(events)
        for event in events:
            if event.kind == "cancelling" or (event.kind in FINISHED and event.job in self._active):
                continue  # a run that ends says so itself, in the order that clients expect
            self._hub.say_status(self._remaining, event.client_id)
        if any(event.kind in ("queued", "lost", "returned", "resumed") for event in events):
            self._wake.set()

    async def cancel(self, job: str) -> Literal["cancelled", "requested"] | None:
        """Cancel a job: the row first, then the worker is asked."""
        answer = await self._table.cancel(job)
        active = self._active.get(job)
        if answer == "requested" and active is not None:
            active.cancelling = True
            await self._pool.cancel(job, active.attempt)
        elif answer == "requested":
            self._cancel_early.add(job)  # it has just been claimed: `_start` passes it on
        return answer

    async def take(self, event: PoolEvent) -> None:
        """Take the next event of the pool."""
        match event:
            case RunEvent(job="", event={"kind": "custom"} as message):  # a pack speaks outside of any job
                self._hub.send(message["sid"], message_of_pack(message, event.blob))
            case RunEvent():
                active = self._active.get(event.job)
                if active is not None and active.attempt == event.attempt:
                    active.translation.follow(event.event, event.blob)
                    self._feed.passing(event.job, event.attempt, event.event, now_ms())
            case RunDone():
                self._wake.set()
                active = self._active.get(event.job)
                if active is not None and active.attempt == event.attempt:
                    self._spawn(self._end(active, event))
                else:
                    self._spawn(self._leftovers.lost(event.job, event.attempt, {}))
            case RunReturned():
                active = self._active.get(event.job)
                if active is not None and active.attempt == event.attempt:
                    self._spawn(self._lose(active, _RETURNED, died=False, change="returned"))
            case WorkerLost():
                self._affinity.forget(event.worker)
                self._wake.set()
                active = self._active.get(event.job or "")
                if active is not None and active.attempt == event.attempt:
                    self._spawn(self._lose(active, event.reason, pid=event.pid))
                elif event.job is not None:
                    self._spawn(self._leftovers.lost(event.job, event.attempt, {}))
            case _:
                self._wake.set()

    async def drain(self, grace: float) -> None:
        """Stop taking jobs; let running ones end within `grace` seconds, then queue them again."""
        self._draining = True
        if self._active and grace > 0:
            log.info("waiting up to %g s for %d running job(s) to end", grace, len(self._active))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._idle.wait()
        for active in list(self._active.values()):
            await self._lose(active, "The server was stopped while the job was running.", died=False)

    async def close(self) -> None:
        """End the tasks; call `drain` first."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self._endings:
            await asyncio.gather(*self._endings, return_exceptions=True)

    async def _claim(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            net = loop.call_later(LOOK_AGAIN, self._wake.set)
            await self._wake.wait()
            net.cancel()
            self._wake.clear()
            try:
                while not self._draining and await self._hand_out():
                    pass
            except (SQLAlchemyError, StoreError) as error:
                log.error("no job can be taken from the table: %s. Trying again in %g s.", error, LOOK_AGAIN)

    async def _hand_out(self) -> bool:
        """Give a job to a free worker or, where there is none, jobs ahead to those that are at short ones."""
        free = self._pool.free()
        if free:
            choose = self._choose if len(free) > 1 else None
            taken = [await self._table.claim(free[0], self._lease_ms, choose)]
        else:
            ahead = self._pool.ahead() if self._remaining >= CROWD else ()
            taken = await asyncio.gather(*(self._table.claim(worker, self._lease_ms) for worker in ahead))
        for claimed in taken:
            if claimed is not None:
                await self._start(claimed)
        return bool(taken) and None not in taken

    def _choose(self, prompt: str) -> str | None:
        """The free worker that holds most of what a prompt needs; None if there is none any more."""
        free = self._pool.free()
        return self._affinity.choose(free, json.loads(prompt)) if free else None

    async def _start(self, claimed: Claimed) -> None:
        client_id = claimed.client_id
        worker = claimed.worker
        if self._pool.size > 1:
            self._affinity.runs(worker, json.loads(claimed.prompt))
        translation = Translation(claimed.id, client_id, self._hub, prompt=claimed.prompt)
        active = _Active(claimed.id, claimed.attempt, worker, client_id, translation)
        self._active[claimed.id] = active
        self._idle.clear()
        secrets = self._vault.open(claimed.secrets, claimed.id)
        run = Run(
            claimed.id,
            claimed.attempt,
            claimed.prompt,
            claimed.targets,
            {**json.loads(claimed.extra_data), **secrets},
            self._hub.listens(client_id),
        )
        if claimed.id in self._cancel_early:
            self._cancel_early.discard(claimed.id)
            active.cancelling = True
        if await self._pool.start(worker, run):
            if active.cancelling:
                await self._pool.cancel(active.job, active.attempt)
        else:
            await self._lose(active, f"{worker} could not take the job any more.", died=False, change="returned")

    async def _end(self, active: _Active, done: RunDone) -> None:
        kind, data = active.translation.end(done.outcome, done.error)
        written = self._leftovers.written(active.job, active.attempt, done.outputs)
        finish = finish_of(done.outcome, active.translation, done.outputs, done.meta, done.error, artifacts=written)
        try:
            stored = await self._table.finish(active.job, active.attempt, finish)
        except (SQLAlchemyError, StoreError) as error:
            log.error("the outcome of job %s cannot be stored: %s. It will run again.", active.job, error)
            self._forget(active)
            return
        self._forget(active)
        if not stored:
            log.warning("job %s attempt %d ended too late; a newer attempt has its place", active.job, active.attempt)
            await self._leftovers.lost(active.job, active.attempt, {})
            return
        self._leftovers.published(active.job, active.attempt)
        self._announce(active, kind, data)

    async def _lose(
        self,
        active: _Active,
        reason: str,
        died: bool = True,
        pid: int = 0,
        change: Literal["lost", "returned"] = "lost",
    ) -> None:
        translation = active.translation
        words = self._leftovers.last_words(pid, active.job, active.attempt) if pid else None
        if words is not None and not words.began:
            died = False  # the worker was dead already when it was given the job
        error = _lost_error(translation, reason, words.node if words is not None else None)
        if died and error["node"] is not None:
            reason = f"{reason}; node {error['node']} ({error['node_type']}) was running"
        ended: State = "cancelled" if active.cancelling else "dead"
        kind, data = translation.end("cancelled" if active.cancelling else "failed", error)
        written = self._leftovers.written(active.job, active.attempt, translation.outputs)
        finish = finish_of(ended, translation, translation.outputs, translation.meta, error, reason, written)
        try:
            state = await self._table.lose(active.job, active.attempt, reason, finish, died, change)
        except (SQLAlchemyError, StoreError) as failure:
            log.error("the loss of job %s cannot be stored: %s. It is repaired later.", active.job, failure)
            self._forget(active)
            return
        self._forget(active)
        await self._leftovers.lost(active.job, active.attempt, translation.outputs if state in FINISHED else {})
        if state in FINISHED:
            self._announce(active, kind, data)

    def _announce(self, active: _Active, kind: str, data: Mapping[str, Any]) -> None:
        """Say that a run has ended, in the established order; its history is on disk."""
        active.translation.announce(kind, data)
        self._hub.say_status(self._remaining, active.client_id)
        active.translation.announce_idle()

    def _forget(self, active: _Active) -> None:
        if self._active.get(active.job) is active:
            del self._active[active.job]
        if not self._active:
            self._idle.set()

    async def _extend(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 3000)
            try:
                await self._table.extend(self.running(), self._lease_ms)
                if await self._table.reap():
                    await self._leftovers.settle_all()
            except (SQLAlchemyError, StoreError) as error:
                log.error("leases cannot be extended: %s", error)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._endings.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._endings.discard(task)
        if not task.cancelled():
            error = task.exception()
            if error is not None:
                log.error("handling the end of a run failed", exc_info=error)


def _lost_error(translation: Translation, reason: str, node: str | None) -> dict[str, Any]:
    """The facts of a run whose worker is gone, as a failed run would tell them."""
    return {
        **translation.last_known(node),
        "message": f"The worker is gone: {reason}. Look at the node that was running, then queue the job again.",
        "exception_type": "WorkerLost",
        "traceback": [],
        "current_inputs": {},
        "current_outputs": [],
    }
