"""Which files a run has made, for registering them with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graph_runtime.attempts import AttemptJournal
from graph_runtime.folders import Folders, UnsafePath, confine
from server.store.rows import Artifact

__all__ = ["artifacts_of", "shown_files"]

FOLDER = "output"
"""The folder whose files are registered; the others hold what nobody keeps."""


def artifacts_of(folders: Folders, journal: AttemptJournal, outputs: Mapping[str, Any]) -> tuple[Artifact, ...]:
    """The files in the output folder that nodes show or that the attempt has noted, each once, where they exist.

    Args:
        journal: the notes of the attempt.
        outputs: what each node shows.
    """
    root = folders.output.resolve()
    found: dict[str, str | None] = {}
    for path, node in shown_files(root, outputs):
        found.setdefault(path, node)
    for entry in journal.entries():
        final = Path(entry.get("final", ""))
        if final.is_relative_to(root):
            found.setdefault(final.relative_to(root).as_posix(), None)
    return tuple(
        Artifact(FOLDER, path, size, node)
        for path, node in found.items()
        if path.isprintable() and (size := _size(root / path)) is not None
    )


def shown_files(root: Path, outputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Paths below the output folder that nodes show, each with its node; names that lead outside are left out.

    Args:
        root: the output folder, resolved.
        outputs: what each node shows.
    """
    for node, ui in outputs.items():
        for items in ui.values() if isinstance(ui, Mapping) else ():
            for item in items if isinstance(items, list | tuple) else ():
                if not isinstance(item, Mapping) or not isinstance(item.get("filename"), str):
                    continue
                if item.get("type", FOLDER) == FOLDER:
                    try:
                        path = confine(root, f"{item.get('subfolder') or ''}/{item['filename']}".lstrip("/"))
                    except UnsafePath:
                        continue
                    yield path.relative_to(root).as_posix(), str(node)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
