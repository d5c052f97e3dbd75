"""What a worker keeps: results in memory and on disk, and the state of half-done sampling."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from graph_runtime.cache import Cache
from worker.checkpoints import Checkpoints
from worker.code_mark import CODE, code_mark
from worker.disk_tier import DiskTier
from worker.memory_limits import limits
from worker.result_store import ResultStore
from worker.settings import PROJECT, Settings

__all__ = ["Keeping"]

_log = logging.getLogger(__name__)
_KEPT_RUNS = 24
"""Jobs after which a result goes from memory that none of them used: a long row of jobs must not fill the memory with
pictures that nobody asks for again."""


class Keeping:
    """Opens what the settings ask for, below the data folder.

    Args:
        settings: which cache, how much on disk, and after how many steps sampling is kept.
        data_dir: where the folders of the cache are.
        pack_dirs: where packs lie; what they compute is kept for their code as it is now.
    """

    def __init__(self, settings: Settings, data_dir: Path, pack_dirs: Iterable[Path]) -> None:
        folders = [*(PROJECT / name for name in CODE), *pack_dirs]
        mark = functools.cache(lambda: code_mark(folders, settings))  # made before a pack can change its code
        self._tier = _tier(settings, data_dir / "cache" / "results", mark)
        self.cache = _cache(settings, self._tier)
        self.checkpoints: Checkpoints | None = None
        if settings.checkpoint_steps:
            self.checkpoints = Checkpoints(data_dir / "cache" / "checkpoints", settings.checkpoint_steps, mark)

    def close(self) -> None:
        """Wait until what is being written is on disk."""
        if self._tier is not None:
            self._tier.close()


def _tier(settings: Settings, folder: Path, mark: Callable[[], str]) -> DiskTier | None:
    """The results on disk, if they are wanted and there is a folder for them."""
    if not settings.disk_cache:
        return None
    try:
        return DiskTier(ResultStore(folder, settings.disk_cache), mark)
    except OSError as error:
        _log.warning("Results are not kept on disk: '%s' cannot be made: %s.", folder, error)
        return None


def _cache(settings: Settings, tier: DiskTier | None) -> Cache:
    choice = settings.cache
    match choice.mode:
        case "classic":
            return Cache.classic(tier=tier)
        case "lru":
            return Cache.lru(choice.size, tier=tier)
        case "none":
            return Cache.none(tier=tier)
        case _:
            smallest = min(limit.total for limit in limits(settings.memory_limit))
            return Cache(choice.size or smallest // 4, max_runs=_KEPT_RUNS, tier=tier)
