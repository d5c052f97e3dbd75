"""The worker's side of the socket: frames in, runs of the engine, frames out.

Jobs run one at a time, and memory is freed between them. Everything else that a server asks (cancelling, validation
hooks, previews) is answered while a job runs. The process ends when the socket does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from graph_runtime.cancel import CancelToken
from graph_runtime.crash_points import crash_point
from graph_runtime.events import Custom, Event
from graph_runtime.failure import RAISED, exception_type, message_of
from graph_runtime.frames import BadFrame, read_frames
from graph_runtime.prompt import parse_prompt
from worker import devices
from worker.outbox import Outbox
from worker.runtime import Job, Runtime

__all__ = ["Worker"]

_log = logging.getLogger(__name__)
Header = dict[str, Any]

THINNED = {"node_progress", "node_preview"}
"""Kinds of events of which only the newest for each node is worth sending."""
GATHER = 0.25
"""Seconds that packs are gathered in before the catalogue with them is announced."""
PATIENCE = 1.0
"""Seconds that what still runs at the end has to end by itself."""


@dataclass(slots=True)
class _Running:
    job: str
    attempt: int
    cancel: CancelToken
    previews: bool
    begun: bool = False
    recalled: bool = False


class Worker:
    """Serves one server over one connection.

    Args:
        runtime: catalogue, engine and folders.
        outbox: frames on their way out.
    """

    def __init__(self, runtime: Runtime, outbox: Outbox) -> None:
        self._runtime = runtime
        runtime.on_message = self.send
        self._outbox = outbox
        self._work_list: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._known: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._told_devices = self._runtime.settings.warm_up
        self._packs_ready = asyncio.Event()
        self._packs_news = asyncio.Event()
        self._publishing: asyncio.TimerHandle | None = None
        self._sequence: dict[tuple[str, int], int] = {}
        self._handlers: Mapping[str, Callable[[Header], Awaitable[None] | None]] = {
            "run": self._on_run,
            "cancel": self._on_cancel,
            "previews": self._on_previews,
            "recall": self._on_recall,
            "check": self._ask(self._check),
            "free": self._on_free,
            "catalogue": self._ask(self._catalogue),
            "stats": self._ask(self._stats),
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say hello, warm up, and work until the socket ends or a shutdown is asked for."""
        self._runtime.warming = True
        self._outbox.put(self._announce("hello"))
        pump = asyncio.create_task(self._pump(writer))
        work = asyncio.create_task(self._work())
        warm = asyncio.create_task(self._warm_up())
        try:
            grace = await self._listen(reader)
            await self._wind_down(work, grace)
        finally:
            tasks = {work, warm, *self._tasks}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=PATIENCE)  # a node that is deaf to cancellation is left behind
            self._outbox.close()
            await asyncio.wait({pump}, timeout=PATIENCE)

    async def _pump(self, writer: asyncio.StreamWriter) -> None:
        try:
            await self._outbox.pump(writer, self._stamp)
        except ConnectionError:  # the server is gone; reading the socket says so as well
            return

    async def _listen(self, reader: asyncio.StreamReader) -> float:
        """Handle frames; return the seconds that running jobs still have when there are no more frames."""
        try:
            async for header, _ in read_frames(reader):
                kind = header.get("t")
                if kind == "shutdown":
                    return float(header.get("grace") or 0.0)
                handler = self._handlers.get(str(kind))
                if handler is None:
                    _log.warning(
                        "A frame of the unknown type %r was ignored; server and worker differ in version.", kind
                    )
                    continue
                result = handler(header)
                if result is not None:
                    self._spawn(result)
        except (BadFrame, ConnectionError) as error:
            _log.warning("The connection to the server broke: %s", error)
        return 0.0

    async def _wind_down(self, work: asyncio.Task[None], grace: float) -> None:
        """Let the running job end within `grace` seconds, then cancel it."""
        if grace > 0 and self._known:
            joined = asyncio.create_task(self._work_list.join())
            await asyncio.wait({joined, work}, timeout=grace)
            joined.cancel()
        for running in self._known.values():
            running.cancel.cancel()
        if self._known:
            joined = asyncio.create_task(self._work_list.join())
            await asyncio.wait({joined, work}, timeout=min(grace, 1.0) or 0.2)
            joined.cancel()

    # -- jobs

    def _on_run(self, header: Header) -> None:
        running = _Running(
            job=str(header["job"]),
            attempt=int(header.get("attempt", 1)),
            cancel=CancelToken(),
            previews=bool(header.get("previews")),
        )
        self._known[running.job] = running
        self._work_list.put_nowait(partial(self._take, running, header))

    def _on_free(self, header: Header) -> None:
        """Free memory after what came before, and before what comes next."""
        self._work_list.put_nowait(partial(self._ask(self._free), header))

    def _on_cancel(self, header: Header) -> None:
        running = self._known.get(str(header.get("job")))
        if running is not None:
            running.cancel.cancel()

    def _on_previews(self, header: Header) -> None:
        running = self._known.get(str(header.get("job")))
        if running is not None:
            running.previews = bool(header.get("on"))

    def _on_recall(self, header: Header) -> None:
        """Give back the runs that wait here, so that they can be run elsewhere or later."""
        waiting = [run for run in self._known.values() if not run.begun]
        for run in waiting:
            run.recalled = True
            del self._known[run.job]
        self._outbox.put({"t": "returned", "runs": [(run.job, run.attempt) for run in waiting]})

    async def _work(self) -> None:
        while True:
            work = await self._work_list.get()
            try:
                await work()
            finally:
                self._work_list.task_done()

    async def _take(self, running: _Running, header: Header) -> None:
        if running.recalled:
            return
        running.begun = True
        try:
            await self._run(running, header)
        finally:
            if self._known.get(running.job) is running:
                del self._known[running.job]
        if not self._told_devices and devices.is_warm():  # a job has brought torch in
            await self._tell_devices()

    async def _run(self, running: _Running, header: Header) -> None:
        done: Header = {"t": "done", "job": running.job, "attempt": running.attempt, "outputs": {}, "meta": {}}
        try:
            prompt = header["prompt"]
            await self._wait_for_packs(prompt, running.cancel)
            job = Job(
                id=running.job,
                prompt=prompt,
                targets=tuple(str(target) for target in header.get("targets") or ()),
                extra_data=header.get("extra_data") or {},
                previews=lambda: running.previews,
                attempt=running.attempt,
            )
            self._outbox.gather()
            finished = await self._runtime.run(job, lambda event: self._emit(running, event), running.cancel)
            done |= {key: finished[key] for key in ("outcome", "outputs", "meta", "error")}
        except asyncio.CancelledError:
            raise
        except Exception as error:  # whatever a job does, the worker lives and the server is told
            _log.exception("Job %s could not be run.", running.job)
            done |= {"outcome": "failed", "error": self._runtime.describe_failure(error)}
        crash_point("done.before_frame")
        self._outbox.put(done)

    def _emit(self, running: _Running, event: Event) -> None:
        data = event.to_data()
        header = {"t": "event", "job": running.job, "attempt": running.attempt, "event": data}
        if event.kind in THINNED and not data.get("kept"):
            self._outbox.put_newest((running.job, event.kind, data.get("node")), header, event.bytes)
        else:
            self._outbox.put(header, event.bytes, at_once=False)

    def _stamp(self, header: Header) -> Header:
        """Number events as they leave, so that the numbers a server sees have no gaps."""
        if header["t"] == "done":
            self._sequence.pop((header["job"], header["attempt"]), None)
        if header["t"] != "event":
            return header
        key = header["job"], header["attempt"]
        self._sequence[key] = number = self._sequence.get(key, 0) + 1
        return {**header, "seq": number}

    # -- questions

    def _ask(self, question: Callable[[Header], Awaitable[Any]]) -> Callable[[Header], Awaitable[None]]:
        async def answer(header: Header) -> None:
            try:
                data = await question(header)
            except asyncio.CancelledError:
                raise
            except RAISED as error:  # the server waits for an answer, whatever a pack's hook raises
                _log.exception("A question of type %r could not be answered.", header.get("t"))
                data = {"error": f"{exception_type(error)}: {message_of(error)}"}
            if header.get("request") is not None:
                self._outbox.put({"t": "reply", "request": header["request"], "data": data})

        return answer

    async def _check(self, header: Header) -> Any:
        await self._wait_for_packs(header["prompt"])
        problems = await self._runtime.check_hooks(parse_prompt(header["prompt"]), header.get("targets"))
        return {"problems": [problem.to_data() for problem in problems]}

    def send(self, message: Custom) -> None:
        """Pass on what a pack sends outside of any job: an event of the job "", attempt 0."""
        header = {"t": "event", "job": "", "attempt": 0, "event": message.to_data()}
        self._outbox.put(header, message.bytes)

    async def _free(self, header: Header) -> Any:
        await self._runtime.free(
            unload_models=bool(header.get("unload_models")), clear_results=bool(header.get("free_memory"))
        )
        return {}

    async def _stats(self, header: Header) -> Any:
        return await asyncio.to_thread(self._runtime.stats)

    async def _catalogue(self, header: Header) -> Any:
        """Publish the catalogue again; packs may have changed what their nodes declare."""
        await asyncio.to_thread(self._runtime.relist)
        self._outbox.put(await asyncio.to_thread(self._announce, "catalogue"))
        return {}

    # -- starting

    def _announce(self, kind: str) -> Header:
        return {"t": kind, "pid": os.getpid(), **self._runtime.announcement()}

    async def _warm_up(self) -> None:
        """Load packs, then torch, each in a thread; tell the server as things become ready."""
        loop = asyncio.get_running_loop()

        def done() -> None:
            loop.call_soon_threadsafe(self._publish_soon)

        try:
            await asyncio.to_thread(self._runtime.load_packs, done, wait=False)
        except Exception:
            _log.exception("Packs could not be loaded; the built-in nodes work without them.")
        self._publish()
        if not self._runtime.settings.warm_up:
            self._runtime.warming = False
            self._outbox.put({"t": "ready", "devices": [], "versions": {"python": sys.version}})
            return
        await self._tell_devices()

    async def _tell_devices(self) -> None:
        """Bring torch in if it is not there, and tell the server of versions and devices."""
        self._told_devices = True
        try:
            ready = await asyncio.to_thread(self._runtime.warm)
        except Exception as error:  # the packs and nodes that need no torch still work
            _log.exception("torch could not be loaded.")
            ready = {"devices": [], "versions": {}, "error": f"{type(error).__name__}: {error}"}
        self._outbox.put({"t": "ready", **ready})
        if ready["devices"]:
            await asyncio.to_thread(self._runtime.warm_models)
        else:
            self._runtime.warming = False

    def _publish_soon(self) -> None:
        """Announce the catalogue in a moment, with all packs that are done by then."""
        self._packs_news.set()
        self._packs_news = asyncio.Event()
        if self._publishing is None:
            self._publishing = asyncio.get_running_loop().call_later(GATHER, self._publish)

    def _publish(self) -> None:
        """Announce the catalogue, and which packs are still importing."""
        if self._publishing is not None:
            self._publishing.cancel()
            self._publishing = None
        pending = self._runtime.pending_packs
        if not pending:
            self._packs_ready.set()
        self._packs_news.set()
        self._packs_news = asyncio.Event()
        self._outbox.put({**self._announce("catalogue"), "pending": pending})

    async def _wait_for_packs(self, prompt: Mapping[str, Any], cancel: CancelToken | None = None) -> None:
        """Wait until a graph's nodes are there, or no more packs will come, unless it is cancelled first."""
        if self._packs_ready.is_set() or self._runtime.knows(prompt):
            return
        stopped = asyncio.get_running_loop().create_future()
        if cancel is not None:
            loop = asyncio.get_running_loop()
            cancel.on_cancel(lambda: loop.call_soon_threadsafe(lambda: stopped.done() or stopped.set_result(None)))
        while not (self._packs_ready.is_set() or stopped.done() or self._runtime.knows(prompt)):
            news = asyncio.ensure_future(self._packs_news.wait())
            await asyncio.wait({news, stopped}, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()

    def _spawn(self, coroutine: Awaitable[None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
