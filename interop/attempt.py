"""Importing one pack in a thread of its own, watched from outside.

A pack has its turn while it brings in libraries or runs for a moment; one that waits for something, or keeps running
in its own code, loses its turn, so that the next pack starts beside it. One that is not done at its deadline is told to
end, and left behind.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from interop import routes
from interop.crashes import CrashRecord
from interop.discovery import Pack
from interop.errors import BadPack
from interop.importing import PackImports
from interop.reading import Contribution
from interop.turn import loading

__all__ = ["Attempt"]

IDLE = 1.0
"""Seconds in its own code, without bringing in a library, after which a pack loses its turn."""
POLL = 0.02
"""Seconds between two looks at a thread."""


@dataclass(eq=False)
class Attempt:
    """Importing one pack.

    Args:
        patience: seconds after which the pack loses its turn in any case.
        deadline: seconds after which it is given up.
        idle: seconds without bringing in a library after which it loses its turn.
    """

    pack: Pack
    imports: PackImports
    record: CrashRecord
    patience: float
    deadline: float
    idle: float = IDLE
    error: BaseException | None = None
    contribution: Contribution = field(default_factory=Contribution)
    started: float = 0.0
    seconds: float = 0.0
    thread: threading.Thread | None = None
    given_up: bool = False
    hung_before: bool = False
    suspected: bool = False
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hung_before = self.record.hung(self.pack.name, self.pack.path)
        self.suspected = self.record.suspected(self.pack.name, self.pack.path)
        if self.record.ended_workers(self.pack.name, self.pack.path):
            self.error = BadPack(
                "importing it ended the whole worker process the last times. "
                "Correct or remove the pack; it is tried again once its files change."
            )

    @property
    def limit(self) -> float:
        """Its deadline; shorter for a pack that did not end in time at the last start."""
        return min(self.deadline, self.patience) if self.hung_before else self.deadline

    def start(self, work: Callable[[], None]) -> None:
        """Do the work in a thread, after what was started before."""
        before = self.thread
        self.record.begin(self.pack.name, self.pack.path)
        self.started = self.started or time.monotonic()

        def both() -> None:
            if before is not None:
                before.join()
            if self.error is None and not self.given_up:
                work()

        self.thread = threading.Thread(target=self._guard, args=(both,), name=f"pack {self.pack.name}", daemon=True)
        self._threads.append(self.thread)
        self.thread.start()

    def done(self, seconds: float = 0.0) -> bool:
        """Whether the work ends within so many seconds."""
        assert self.thread is not None
        self.thread.join(max(0.0, seconds))
        return not self.thread.is_alive()

    def have_turn(self) -> bool:
        """Wait until the pack is done or loses its turn; says whether it is done."""
        began = busy = time.monotonic()
        while not self.done(POLL):
            now = time.monotonic()
            if self._brings_in_a_library():
                busy = now
            if now - busy > self.idle or now - began > min(self.patience, self.limit):
                return False
        return True

    def finish(self, what: str) -> None:
        """Wait until the pack is done, or give it up at its deadline.

        Args:
            what: the sentence for that, with {limit}.
        """
        if not self.done(self.started + self.limit - time.monotonic()):
            self._give_up(what.format(limit=f"{self.limit:g}"))

    def _frame(self) -> FrameType | None:
        """What runs: the first of the threads that is at work."""
        at_work = next((thread.ident for thread in self._threads if thread.is_alive()), None)
        return sys._current_frames().get(at_work or 0)

    def _brings_in_a_library(self) -> bool:
        """Whether what runs was called by an import that the pack's own code asked for."""
        frame = self._frame()
        while frame is not None:
            if self.imports.is_pack_path(frame.f_code.co_filename):
                return False
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                return True
            frame = frame.f_back
        return False

    def _give_up(self, what: str) -> None:
        """Stop waiting; code that is running Python is told to end, code that waits elsewhere is left to itself."""
        frame = self._frame()
        self.given_up = True
        self.record.hang(self.pack.name, self.pack.path)
        self.seconds = time.monotonic() - self.started
        while frame is not None and not self.imports.is_pack_path(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is not None:
            place = Path(frame.f_code.co_filename).relative_to(self.pack.path.parent)
            what = f"{what}, at {place}:{frame.f_lineno}"
        self.error = TimeoutError(what)
        for thread in self._threads:
            if thread.is_alive() and thread.ident is not None:
                end = ctypes.py_object(SystemExit)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), end)

    def _guard(self, work: Callable[[], None]) -> None:
        loading.pack = self.pack.name
        asyncio.set_event_loop(routes.pack_routes().loop)  # packs ask for the host's loop while they are imported
        here = Path.cwd()
        try:
            work()
        except BaseException as error:
            if not self.given_up:
                self.error = error
        if self.given_up:
            return
        if Path.cwd() != here:  # names of files given on the command line are relative to where the worker started
            os.chdir(here)
        self.seconds = time.monotonic() - self.started
        self.record.end(self.pack.name)
