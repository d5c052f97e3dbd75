"""Results by key, kept as long as the chosen policy says and as long as they fit.

Policies
- `Cache(max_bytes)`: least recently used results go first once the bound is reached; with `max_runs`, those go as well
  that as many runs have not used.
- `Cache.classic()`: at the start of each run, everything that is not part of it goes.
- `Cache.lru(n)`: results survive absence; the oldest runs' go while there are more than n.
- `Cache.none()`: nothing is kept between runs.

Every policy can be given a bound in bytes. Buffers that several results share are counted once. Behind the results in
memory there may be a `Tier` that outlives the process: what memory does not hold is looked up there, and every new
result is offered to it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from graph_runtime.sizes import SizeOf, blobs

if TYPE_CHECKING:
    from graph_runtime.tier import Tier

__all__ = ["Cache", "Entry", "Eviction"]

_REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class Entry:
    """One node's result.

    Args:
        outputs: a list of values an output.
        ui: what the node shows.
        warnings: repeated when the result is reused.
        owner: key of the submitted node that expanded into this one; its result goes when that one's does.
        seconds: how long it took to compute.
        durable: a tier may keep it beyond this process.
        from_tier: it has just been read from the tier, and nobody was told yet.
    """

    outputs: list[list[Any]]
    ui: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    owner: bytes | None = None
    seconds: float = 0.0
    durable: bool = False
    from_tier: bool = False
    generation: int = 0
    nbytes: int = 0
    _blobs: tuple[tuple[int, int], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Eviction:
    """When and why a result was dropped, and how big it was."""

    at: float
    nbytes: int
    reason: str


class Cache:
    """Holds results between runs. Not thread-safe: the engine calls it under its lock.

    Args:
        max_bytes: bound on the bytes of all results; None means no bound.
        max_runs: runs after which a result goes that none of them used; None for no such bound.
        size_of: bytes of one object, for objects without `nbytes`.
        now: seconds since the epoch, for explanations.
        tier: keeps results beyond this process; None if there is none.
    """

    def __init__(
        self,
        max_bytes: int | None = None,
        *,
        policy: Literal["bytes", "classic", "lru", "none"] = "bytes",
        max_entries: int | None = None,
        max_runs: int | None = None,
        size_of: SizeOf | None = None,
        now: Callable[[], float] = time.time,
        tier: Tier | None = None,
    ) -> None:
        if max_bytes is not None and max_bytes < 0:
            raise ValueError(f"max_bytes is {max_bytes}; it cannot be negative.")
        if policy == "lru" and (max_entries is None or max_entries < 0):
            raise ValueError("The policy 'lru' needs max_entries, 0 or more.")
        self.policy = policy
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.max_runs = max_runs
        self.nbytes = 0
        self._size_of = size_of
        self._now = now
        self._tier = tier
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._shared: dict[int, int] = {}
        self._evictions: OrderedDict[bytes, Eviction] = OrderedDict()
        self._generation = 0
        self._not_in_tier: frozenset[bytes | None] = frozenset()

    @classmethod
    def classic(cls, max_bytes: int | None = None, **options: Any) -> Cache:
        """Keep what the latest run contains."""
        return cls(max_bytes, policy="classic", **options)

    @classmethod
    def lru(cls, max_entries: int, max_bytes: int | None = None, **options: Any) -> Cache:
        """Keep the results of several runs, `max_entries` at most besides those of the current run."""
        return cls(max_bytes, policy="lru", max_entries=max_entries, **options)

    @classmethod
    def none(cls, **options: Any) -> Cache:
        """Keep nothing."""
        return cls(policy="none", **options)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: bytes | None) -> bool:
        if key in self._entries:
            return True
        return self._tier is not None and key not in self._not_in_tier and key is not None and self._tier.has(key)

    def begin(self, keys: Collection[bytes | None]) -> None:
        """Start a run whose submitted nodes have these keys: evict what the policy no longer keeps.

        What the tier does not hold now is not asked of it again during the run.
        """
        self._generation += 1
        if self._tier is not None:
            missing = (key for key in keys if key is not None and key not in self._entries)
            self._not_in_tier = frozenset(key for key in missing if not self._tier.has(key))
        if self.policy == "bytes":
            self._drop_unused()
            return
        if not self._entries:
            return
        if self.policy == "classic":
            present = set(keys)
            for key, entry in list(self._entries.items()):
                if (key if entry.owner is None else entry.owner) not in present:
                    self._evict(key, "it was not part of the next run")
            return
        present = set(keys)
        for key, entry in self._entries.items():
            if key in present or entry.owner in present:
                entry.generation = self._generation
        surplus = len(self._entries) - (self.max_entries or 0)
        if surplus > 0:
            old = [(e.generation, key) for key, e in self._entries.items() if e.generation < self._generation]
            old.sort(key=lambda item: item[0])
            for _, key in old[:surplus]:
                self._evict(key, f"more than {self.max_entries} results were kept")

    def _drop_unused(self) -> None:
        """Drop what the last `max_runs` runs have not used; the least recently used come first."""
        if self.max_runs is None:
            return
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if entry.generation >= self._generation - self.max_runs:
                return
            self._evict(key, f"the last {self.max_runs} runs did not use it")

    def get(self, key: bytes | None) -> Entry | None:
        """Return the result of this key and count it as used, or None."""
        if key is None:
            return None
        entry = self._entries.get(key)
        if entry is None:
            return self._load(key)
        entry.generation = self._generation
        if self.max_bytes is not None or self.max_runs is not None:
            self._entries.move_to_end(key)
        return entry

    def shown(self, key: bytes | None) -> Mapping[str, Any] | None:
        """Return what a node with this key shows, if memory holds its result; a tier keeps nothing that shows."""
        entry = None if key is None else self._entries.get(key)
        return None if entry is None else entry.ui

    def put(self, key: bytes | None, entry: Entry) -> None:
        """Keep a result, evicting others if it would not fit. Results without a key are not kept."""
        if key is None:
            return
        self._keep(key, entry)
        if self._tier is not None and entry.durable:
            self._tier.offer(key, entry)

    def end(self) -> None:
        """The run that `begin` started is over."""
        if self._tier is not None:
            self._tier.end_run()

    def shrink(self, max_bytes: int) -> int:
        """Drop the results used least recently until the rest takes no more than this; returns the bytes dropped."""
        before = self.nbytes
        for key in list(self._entries):
            if self.nbytes <= max_bytes:
                break
            self._evict(key, "memory was needed")
        return before - self.nbytes

    def _load(self, key: bytes) -> Entry | None:
        entry = None if self._tier is None or key in self._not_in_tier else self._tier.load(key)
        if entry is not None:
            entry.from_tier = True
            self._keep(key, entry)
        return entry

    def _keep(self, key: bytes, entry: Entry) -> None:
        if self.policy == "none":
            return
        if key in self._entries:
            self._drop(key)
        entry.generation = self._generation
        entry._blobs = tuple(dict(blobs(entry.outputs, self._size_of)).items())
        entry.nbytes = sum(size for _, size in entry._blobs)
        if self.max_bytes is not None and entry.nbytes > self.max_bytes:
            self._remember(key, entry.nbytes, f"it is larger than the whole cache ({self.max_bytes} bytes)")
            return
        self._entries[key] = entry
        for identity, size in entry._blobs:
            users = self._shared.get(identity, 0)
            self._shared[identity] = users + 1
            if not users:
                self.nbytes += size
        if self.max_bytes is not None:
            while self.nbytes > self.max_bytes and len(self._entries) > 1:
                self._evict(next(iter(self._entries)), f"the cache was full ({self.max_bytes} bytes)")

    def eviction(self, key: bytes | None) -> Eviction | None:
        """Return when and why the result of this key was dropped, if that is remembered."""
        return None if key is None else self._evictions.get(key)

    def clear(self) -> None:
        """Drop everything, in the tier as well."""
        if self._tier is not None:
            self._tier.clear()
        for key in list(self._entries):
            self._evict(key, "the cache was cleared")

    def _evict(self, key: bytes, reason: str) -> None:
        self._remember(key, self._drop(key).nbytes, reason)

    def _drop(self, key: bytes) -> Entry:
        entry = self._entries.pop(key)
        for identity, size in entry._blobs:
            users = self._shared[identity] - 1
            if users:
                self._shared[identity] = users
            else:
                del self._shared[identity]
                self.nbytes -= size
        return entry

    def _remember(self, key: bytes, nbytes: int, reason: str) -> None:
        self._evictions[key] = Eviction(self._now(), nbytes, reason)
        while len(self._evictions) > _REMEMBERED:
            self._evictions.popitem(last=False)
