"""Calls nodes that show something, with a real context and folders."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graph_runtime.cancel import CancelToken
from graph_runtime.context import Context, RunExtra, Services
from graph_runtime.files import Files
from graph_runtime.folders import Folders


@dataclass
class Shown:
    """What one call returned, showed, and said."""

    result: Any
    ui: dict[str, list[Any]]
    warnings: list[str]
    texts: list[str] = field(default_factory=list)


def call(function, data_dir: Path, *, prompt=None, extra_pnginfo=None, **inputs) -> Shown:
    """Call a node function that takes a context; files go below `data_dir`."""
    texts: list[str] = []
    services = Services(
        "job",
        lambda event: texts.append(getattr(event, "text", "")),
        CancelToken(),
        RunExtra(prompt=prompt, extra_pnginfo=extra_pnginfo),
        Files(Folders(data_dir)),
    )
    context = Context(services, "7")
    result = function(ctx=context, **inputs)
    return Shown(result, context._ui or {}, context._warnings or [], texts)
