"""Checkpoints of sampling on disk: one folder a call, one file a saving, each complete or absent.

A folder's name is made of the node's content key and of the mark of the code, like that of a result on disk; a retried
job finds it again, in whatever worker it runs. What an interrupted job left behind and nobody resumed goes after
`KEPT` seconds.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from graph_runtime.cache import Entry
from worker.result_codec import DamagedResult, decode, encode

__all__ = ["Checkpoints", "SamplingCheckpoint"]

_log = logging.getLogger(__name__)

KEPT = 3 * 24 * 3600.0
"""Seconds that a checkpoint is kept which nobody comes back for."""
FREE_BYTES = 512 * 1024 * 1024
"""What must stay free on the disk; below it nothing is saved."""


class Checkpoints:
    """The checkpoints of one data folder.

    Args:
        folder: made when needed.
        every: steps between two savings.
        mark: tells the code that computes from every other version of it.
    """

    def __init__(self, folder: Path, every: int, mark: Callable[[], str]) -> None:
        self._folder = folder
        self._every = every
        self._mark = mark
        self._remove_old()

    def __call__(self, key: bytes, index: int) -> SamplingCheckpoint:
        """Open the checkpoint of one call of a node."""
        name = hashlib.blake2b(key + index.to_bytes(4, "big") + self._mark().encode(), digest_size=16).hexdigest()
        return SamplingCheckpoint(self._folder / name, self._every)

    def _remove_old(self) -> None:
        if not self._folder.is_dir():
            return
        for place in self._folder.iterdir():
            if time.time() - place.stat().st_mtime > KEPT:
                shutil.rmtree(place, ignore_errors=True)


class SamplingCheckpoint:
    """Implements `diffusion.sampling.checkpoint.Checkpoint` over a folder.

    Args:
        folder: made with the first saving.
        every: steps between two savings.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self.every = every
        self._folder = folder
        self._saved = 0

    def read(self) -> Sequence[Any]:
        """The evaluations saved so far, in order, up to the first file that is missing or damaged."""
        from diffusion.sampling.checkpoint import Evaluation

        found: list[Evaluation] = []
        while True:
            try:
                entry = decode((self._folder / f"{len(found):06}.safetensors").read_bytes())
            except (OSError, DamagedResult):
                break
            found += [Evaluation(*item) for item in entry.outputs[0]]
        self._saved = len(found)
        if found:
            _log.info("Sampling resumes after %d evaluations that are on disk.", len(found))
        return found

    def append(self, evaluations: Sequence[Any]) -> None:
        """Save further evaluations; a disk that refuses only costs the chance to resume."""
        path = self._folder / f"{self._saved:06}.safetensors"
        temporary = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free < FREE_BYTES:
                _log.warning("Sampling is not saved: less than %d MB are free on the disk.", FREE_BYTES >> 20)
                return
            temporary.write_bytes(encode(Entry([[tuple(item) for item in evaluations]])))
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            _log.warning("Sampling cannot be saved: %s. It goes on; a retry would start from the beginning.", error)
            return
        self._saved += len(evaluations)

    def refuse(self, reason: str) -> None:
        """Say why this call is not saved."""
        _log.info("Sampling is not saved, and a retry would start from the beginning: %s.", reason)

    def discard(self) -> None:
        """Remove what was saved."""
        shutil.rmtree(self._folder, ignore_errors=True)
