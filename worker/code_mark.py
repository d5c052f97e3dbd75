"""A mark of the code that computes results: equal marks mean that results on disk may be used again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from worker.settings import Settings

__all__ = ["CODE", "code_mark"]

CODE = ("graph_runtime", "nodes", "diffusion", "interop")
"""Folders of the project whose code takes part in computing."""
_LEFT_OUT = {"__pycache__", ".git", "node_modules", ".venv", "web"}


def code_mark(folders: Iterable[Path], settings: Settings) -> str:
    """Digest of every Python file below the folders (name, size, time), of torch's version and of the device.

    Args:
        folders: of the project and of packs; ones that do not exist count nothing.
        settings: say on what device is computed.
    """
    digest = hashlib.blake2b(digest_size=16)
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = sorted(name for name in inner if name not in _LEFT_OUT)
            for name in sorted(names):
                if name.endswith(".py"):
                    path = os.path.join(place, name)
                    digest.update(f"{path}\n{_state(path)}\n".encode("utf-8", "surrogatepass"))
    device = "cpu" if settings.cpu else settings.device or "default"
    digest.update(f"torch {metadata.version('torch')} on {device.partition(':')[0]}".encode())
    return digest.hexdigest()


def _state(path: str) -> str:
    try:
        state = os.stat(path)
    except OSError:  # gone since it was listed, or a link to nowhere
        return "gone"
    return f"{state.st_size} {state.st_mtime_ns}"
