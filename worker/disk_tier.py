"""The cache's tier on disk: what is worth keeping is written in the background, and read when memory has not got it.

Which results are kept
- Only plain data (`worker.result_codec`), and only of nodes that leave nothing else behind: no outputs, nothing shown.
- Results that took at least `SLOW` seconds, and twice as long as writing them may take: at once. The next node waits
  for the file, which takes about a millisecond, but for no more than `PATIENCE` and a tenth of the computing time.
- Other results of up to `SMALL` bytes: once their job has run `LATER` seconds longer, so that a job that dies after
  minutes finds them too, and jobs of many quick nodes write nothing.

Names of files are made of the content key and of a mark for the code that computes: another version of a node, of a
pack or of torch finds nothing of what this one left.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from graph_runtime.cache import Entry
from graph_runtime.sizes import blobs
from worker.result_codec import DamagedResult, NotStorable, decode, encode
from worker.result_store import ResultStore

__all__ = ["DiskTier"]

_log = logging.getLogger(__name__)

SLOW = 0.1
"""Seconds of computing from which on a result is kept at once."""
LATER = 0.2
"""Seconds that a job must go on before its quick results are kept."""
SMALL = 1024 * 1024
"""Largest quick result that is kept, in bytes."""
BYTES_PER_SECOND = 100e6
"""What writing is reckoned with."""
PATIENCE = 0.05
"""Longest wait for a file, in seconds."""
_MOST_WAITING = 512 * 1024 * 1024
"""Bytes that may wait to be written; beyond it results are not kept."""


@dataclass(slots=True, eq=False)
class _Pending:
    key: bytes
    entry: Entry
    nbytes: int
    written: threading.Event = field(default_factory=threading.Event)


class DiskTier:
    """Implements `graph_runtime.tier.Tier` over a folder.

    Args:
        store: the files.
        mark: tells the code that computes results from every other version of it; asked once, when first needed.
        clock: seconds that never go back.
    """

    def __init__(
        self, store: ResultStore, mark: Callable[[], str] = str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._make_mark = mark
        self._mark: bytes | None = None
        self._clock = clock
        self._changed = threading.Condition()
        self._slow: deque[_Pending] = deque()
        self._slow_bytes = 0
        self._quick: deque[tuple[float, bytes, Entry]] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def has(self, key: bytes) -> bool:
        """Say whether there is a file for this key."""
        return self._store.has(self._name(key))

    def load(self, key: bytes) -> Entry | None:
        """Read a result; a damaged file is removed and counts as none."""
        name = self._name(key)
        content = self._store.read(name)
        if content is None:
            return None
        try:
            return decode(content)
        except DamagedResult as error:
            self._store.remove(name)
            _log.warning("A result on disk was damaged (%s) and is removed; its node runs again.", error)
            return None

    def offer(self, key: bytes, entry: Entry) -> None:
        """Keep a result if that is worth it; see the module's rules."""
        if entry.ui is not None or self._closed:
            return
        if entry.seconds < SLOW:
            self._offer_quick(key, entry)
            return
        nbytes = sum(size for _, size in blobs(entry.outputs))
        if entry.seconds < 2 * nbytes / BYTES_PER_SECOND:
            self._offer_quick(key, entry)
        elif self._slow_bytes + nbytes <= _MOST_WAITING:
            pending = _Pending(key, entry, nbytes)
            with self._changed:
                self._slow.append(pending)
                self._slow_bytes += nbytes
                self._start()
                self._changed.notify()
            pending.written.wait(min(PATIENCE, entry.seconds / 10))

    def end_run(self) -> None:
        """Quick results are not kept: their job has ended well without."""
        self._quick.clear()

    def clear(self) -> None:
        """Remove every file, and forget what waits to be written."""
        with self._changed:
            self._slow.clear()
            self._slow_bytes = 0
            self._quick.clear()
        self._store.clear()

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self.end_run()
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _name(self, key: bytes) -> str:
        if self._mark is None:
            self._mark = hashlib.blake2b(self._make_mark().encode(), digest_size=32).digest()
        return hashlib.blake2b(key, key=self._mark, digest_size=16).hexdigest()

    def _offer_quick(self, key: bytes, entry: Entry) -> None:
        """Note a result that is kept if its job goes on; wakes nobody who is not waiting for work."""
        idle = not self._quick
        self._quick.append((self._clock() + LATER, key, entry))
        if idle:
            with self._changed:
                self._start()
                self._changed.notify()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="results to disk", daemon=True)
            self._thread.start()

    def _write_all(self) -> None:
        while (pending := self._next()) is not None:
            try:
                self._store.write(self._name(pending.key), encode(pending.entry))
            except NotStorable:
                pass
            except Exception:  # whatever a value does when it is looked at, later results are kept all the same
                _log.exception("A result could not be written to disk; the job goes on without.")
            pending.written.set()

    def _next(self) -> _Pending | None:
        """Wait for the next result that is due; None at the end."""
        with self._changed:
            while True:
                if self._slow:
                    pending = self._slow.popleft()
                    self._slow_bytes -= pending.nbytes
                    return pending
                if self._closed:
                    return None
                pending = self._due_quick()
                if pending is not None:
                    return pending
                self._changed.wait(LATER / 2 if self._quick else None)

    def _due_quick(self) -> _Pending | None:
        """The next quick result whose job has gone on for long enough, if it is small."""
        now = self._clock()
        while self._quick:
            try:
                due, key, entry = self._quick.popleft()
            except IndexError:  # the run ended at this moment
                return None
            if due > now:
                self._quick.appendleft((due, key, entry))
                return None
            nbytes = sum(size for _, size in blobs(entry.outputs))
            if nbytes <= SMALL:
                return _Pending(key, entry, nbytes)
        return None
