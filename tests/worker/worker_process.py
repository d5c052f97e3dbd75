"""A real worker process at the other end of a real socket pair, for tests."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from graph_runtime.frames import FrameReader, encode

ROOT = Path(__file__).resolve().parents[2]


class WorkerProcess:
    """The server's side of one worker: sends frames, and remembers everything that came back."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self.writer = writer
        self.frames: list[tuple[dict[str, Any], bytes]] = []
        self._cutter = FrameReader()
        self._arrived: deque[tuple[dict[str, Any], bytes]] = deque()

    def send(self, header: dict[str, Any]) -> None:
        self.writer.write(encode(header))

    async def next(self, timeout: float = 60) -> tuple[dict[str, Any], bytes] | None:
        async with asyncio.timeout(timeout):
            while not self._arrived:
                data = await self._reader.read(65536)
                if not data:
                    return None
                self._arrived.extend(self._cutter.feed(data))
        self.frames.append(self._arrived.popleft())
        return self.frames[-1]

    async def until(self, kind: str, timeout: float = 60, **fields: Any) -> dict[str, Any]:
        """The next frame of this kind with these fields."""
        async with asyncio.timeout(timeout):
            while (frame := await self.next(timeout)) is not None:
                header = frame[0]
                if header["t"] == kind and all(header.get(key) == value for key, value in fields.items()):
                    return header
        raise AssertionError(f"the worker ended before a frame of type {kind!r} came")

    async def run(self, job: str, prompt: dict[str, Any], targets: list[str], **fields: Any) -> dict[str, Any]:
        """Run a job and return its `done` frame."""
        self.start(job, prompt, targets, **fields)
        return await self.until("done", job=job)

    def start(self, job: str, prompt: dict[str, Any], targets: list[str], **fields: Any) -> None:
        header = {"t": "run", "job": job, "attempt": 1, "prompt": prompt, "targets": targets, "extra_data": {}}
        self.send({**header, "previews": False, **fields})

    def events(self, job: str) -> list[dict[str, Any]]:
        return [header["event"] for header, _ in self.frames if header["t"] == "event" and header["job"] == job]


def command(data_dir: Path, *flags: str | Path) -> list[str]:
    return [sys.executable, "-m", "worker", "--data-dir", str(data_dir), "--cpu", *map(str, flags)]


def environment(number: int) -> dict[str, str]:
    return {**os.environ, "HEDDLE_WORKER_FD": str(number), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@asynccontextmanager
async def worker(data_dir: Path, *flags: str | Path) -> AsyncIterator[WorkerProcess]:
    """Start a worker and end it afterwards."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(  # noqa: ASYNC220 (starting takes no time, and the parent must be the main thread)
        command(data_dir, *flags), cwd=ROOT, env=environment(theirs.fileno()), pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=None if os.environ.get("SHOW_WORKER") else subprocess.DEVNULL,
    )  # fmt: skip
    theirs.close()
    ours.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=1024 * 1024)
    try:
        yield WorkerProcess(process, reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()
        try:
            await asyncio.to_thread(process.wait, 10)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
