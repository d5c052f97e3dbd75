"""Model folders that packs add, through a function or in the host's table: our own loaders read them as well.

Source: protocol §5.5.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graph_runtime.folders import ExtraFolder, Folders

__all__ = ["adopt_folders"]


def adopt_folders(folders: Folders) -> tuple[ExtraFolder, ...]:
    """Make every directory of the host's table known to our own folders.

    Returns:
        All that were not among ours when the process started, for the server.
    """
    host = sys.modules.get("folder_paths")
    if host is None:
        return ()
    for key, entry in list(host.folder_names_and_paths.items()):
        directories, suffixes = _read(entry)
        known = set(folders.model_dirs(key)) if key in folders.keys else set()
        for path in directories:
            if path not in known:
                folders.add(key, path, suffixes=suffixes)
    return tuple(folders.added)


def _read(entry: Any) -> tuple[list[Path], frozenset[str]]:
    """Directories and extensions of an entry of the table; packs write lists, tuples and sets."""
    directories: Iterable[Any] = entry[0] if isinstance(entry, list | tuple) and entry else ()
    suffixes: Iterable[Any] = entry[1] if isinstance(entry, list | tuple) and len(entry) > 1 else ()
    named = frozenset(str(suffix).lower() for suffix in suffixes) if not isinstance(suffixes, str) else frozenset()
    return [Path(str(path)).absolute() for path in directories], named
