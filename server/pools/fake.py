"""A fake worker: speaks real frames and runs a handful of pretend nodes, in a few milliseconds and without torch.

`FakeLauncher` hosts it in this process; `python -m server.pools.fake` is the same thing as a process, to be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from server.pools.connection import Connection
from server.pools.fake_nodes import CATALOGUE, Cancelled, Crash, FakeRun

__all__ = ["FakeLauncher", "FakeWorker", "speak"]


class FakeWorker:
    """A worker that is a task of this process."""

    pid = 0

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries
        self._ours, theirs = socket.socketpair()
        self._task = asyncio.create_task(speak(theirs, entries), name="fake worker")

    async def connect(self) -> Connection:
        """Open the frames to it."""
        return await Connection.over(self._ours)

    def kill(self) -> None:
        """End it at once."""
        self._task.cancel()

    async def wait(self) -> str:
        """Wait until it is gone."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([self._task])
        return "the fake worker crashed"


class FakeLauncher:
    """Starts fake workers and remembers them, so that a test can kill one.

    Args:
        entries: the catalogue they publish.
    """

    def __init__(self, entries: Mapping[str, Any] = CATALOGUE) -> None:
        self._entries = entries
        self.workers: list[FakeWorker] = []

    def __call__(self, slot: int) -> FakeWorker:
        worker = FakeWorker(self._entries)
        self.workers.append(worker)
        return worker


async def speak(end: socket.socket, entries: Mapping[str, Any] = CATALOGUE) -> None:
    """Be a worker at this end of a socket until it closes or a node crashes."""
    connection = await Connection.over(end)
    runs: dict[str, FakeRun] = {}
    waiting: deque[FakeRun] = deque()
    news = asyncio.Event()
    crashed = asyncio.Event()
    hello = {"catalogue": dict(entries), "digest": f"fake-{len(entries)}", "packs": []}

    async def serve() -> None:
        await connection.send({"t": "hello", "pid": os.getpid(), **hello})
        await connection.send({"t": "catalogue", **hello})
        await connection.send({"t": "ready", "devices": [FAKE_DEVICE], "versions": {"torch": "none (fake)"}})
        async for header, _ in connection.frames():
            await receive(header)

    async def receive(header: Mapping[str, Any]) -> None:
        match header["t"]:
            case "run":
                run = FakeRun(header, connection.send)
                runs[run.job] = run
                waiting.append(run)
                news.set()
            case "cancel" if header["job"] in runs:
                runs[header["job"]].cancel()
            case "recall":
                await connection.send({"t": "returned", "runs": [(run.job, run.attempt) for run in waiting]})
                waiting.clear()
            case "check":
                problems = [problem for node, data in header["prompt"].items() for problem in _check(node, data)]
                await connection.send({"t": "reply", "request": header["request"], "data": {"problems": problems}})
            case "stats":
                await connection.send({"t": "reply", "request": header["request"], "data": {"devices": [FAKE_DEVICE]}})

    async def work() -> None:
        while True:
            await news.wait()
            news.clear()
            while waiting:
                await _run(waiting.popleft(), connection, crashed.set)

    tasks = [asyncio.create_task(serve()), asyncio.create_task(crashed.wait()), asyncio.create_task(work())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await connection.close()


FAKE_DEVICE = {
    "name": "fake", "type": "cpu", "index": None, "vram_total": 1, "vram_free": 1, "torch_vram_total": 1,
    "torch_vram_free": 1,
}  # fmt: skip


async def _run(run: FakeRun, connection: Connection, crash: Callable[[], None]) -> None:
    outcome, error = "succeeded", None
    try:
        await run.execute()
    except Crash:
        crash()
        return
    except Cancelled as cancelled:
        outcome = "cancelled"
        await run.emit({"kind": "run_cancelled", "executed": run.executed, **cancelled.where})
    except ValueError as failure:
        outcome = "failed"
        error = run.failure(failure)
        await run.emit({"kind": "run_failed", **error})
    else:
        await run.emit({"kind": "run_succeeded"})
    done = {"t": "done", "job": run.job, "attempt": run.attempt, "outcome": outcome, "error": error}
    await connection.send({**done, "outputs": run.outputs, "meta": run.meta})


def _check(node: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    text = data.get("inputs", {}).get("text")
    if data["class_type"] != "FakeChecked" or text != "bad":
        return []
    problem = {
        "code": "custom_validation_failed",
        "node": node,
        "input": "text",
        "what": "Custom validation failed for node",
        "fix": "Use another text.",
        "details": "text - bad is not allowed",
        "extra": {"input_name": "text"},
    }
    return [problem]


def main() -> None:
    """Be a worker process."""
    end = socket.socket(fileno=int(os.environ["HEDDLE_WORKER_FD"]))
    asyncio.run(speak(end))


if __name__ == "__main__":
    main()
