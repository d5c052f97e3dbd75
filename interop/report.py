"""What became of each pack, in words that say what to do.

Source: protocol §5.1.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graph_runtime.catalogue import NodeSpec
from graph_runtime.folders import ExtraFolder
from interop.dependencies import cure_for_missing
from interop.errors import BadPack, NotSupported
from interop.namespace import ROOTS, SHARED

__all__ = ["PackReport", "explain"]


@dataclass(frozen=True, slots=True)
class PackReport:
    """One pack after the attempt to load it.

    Args:
        name: its folder's name, or its file's without `.py`.
        path: the folder or file.
        specs: the nodes it added.
        error: what happened, where and what to do; "" when it loaded.
        where: "file:line" inside the pack, "" if unknown.
        warnings: single nodes that could not be read, ids that were taken, …
        seconds: how long importing took.
        web: folders with its JavaScript by name, each served at /extensions/<name>/.
        routes: the routes it registered, as "GET /path".
        on_prompt: whether it wants to see submitted prompts.
        routes_port: the loopback port that answers; None if it answers nothing.
        routes_key: what requests to that port must carry. For the server alone.
        folders: the model folders that packs have added by now.
    """

    name: str
    path: Path
    specs: tuple[NodeSpec, ...] = ()
    error: str = ""
    where: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    web: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[str, ...] = ()
    on_prompt: bool = False
    routes_port: int | None = None
    routes_key: str | None = field(default=None, repr=False)
    folders: tuple[ExtraFolder, ...] = ()

    def with_specs(self, specs: Sequence[NodeSpec]) -> PackReport:
        """The same pack with its nodes read anew."""
        return replace(self, specs=tuple(specs))

    @property
    def ok(self) -> bool:
        """Whether the pack was imported."""
        return not self.error

    def to_data(self) -> dict[str, Any]:
        """The report as the worker publishes it."""
        return {
            "name": self.name, "path": str(self.path), "ok": self.ok, "error": self.error or None,
            "where": self.where or None, "warnings": list(self.warnings), "seconds": round(self.seconds, 3),
            "nodes": [spec.id for spec in self.specs], "web": dict(self.web),
            "routes": list(self.routes), "routes_port": self.routes_port,
            "routes_key": self.routes_key, "on_prompt": self.on_prompt,
            "folders": [[one.key, str(one.path), one.is_default, sorted(one.suffixes)] for one in self.folders],
        }  # fmt: skip


def explain(name: str, path: Path, error: BaseException) -> tuple[str, str]:
    """Say why a pack failed.

    Returns:
        The message (what, where, what to do), and "file:line" of the innermost line of the pack's own code.
    """
    where = _where(path, error)
    what, cure = _words(name, path, error)
    return f"Pack '{name}' was not loaded{f' ({where})' if where else ''}: {what} {cure}", where


def _where(path: Path, error: BaseException) -> str:
    root = str(path.resolve())
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(path, error.filename)}:{error.lineno or 0}"
    inside = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == root or frame.filename.startswith(root + "/")
    ]
    return f"{_short(path, inside[-1].filename)}:{inside[-1].lineno}" if inside else ""


def _short(path: Path, filename: str) -> str:
    try:
        return str(Path(filename).resolve().relative_to(path.resolve().parent))
    except ValueError:
        return filename


def _words(name: str, path: Path, error: BaseException) -> tuple[str, str]:
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}.", "Correct that line, or install the pack again."
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r}) while being imported.", "Remove that call, or disable the pack."
    if isinstance(error, NotSupported):
        return str(error), "Nothing else of the pack can be used until then."
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] in ROOTS | SHARED:
        cure = "This engine does not know that module of the host. Use another version of the pack."
        return f"it needs the host's module '{error.name}'.", cure
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"it needs the module '{error.name}', which is not installed.", cure_for_missing(error.name, path)
    if isinstance(error, ImportError) and error.name:
        what = f"{type(error).__name__}: {error}.".replace("..", ".")
        if error.name.partition(".")[0] in ROOTS | SHARED:
            return what, "This engine does not know that name of the host. Use another version of the pack."
        return what, f"Another version of '{error.name}' may be installed than the pack wants: see its documentation."
    if isinstance(error, TimeoutError):
        return f"{error}", "Find out what it waits for at import (a download? input?), or disable the pack."
    if isinstance(error, BadPack):
        return str(error), ""
    return f"{type(error).__name__}: {error}.".replace("..", "."), "Report this to its author, or disable the pack."
