"""Model files as nodes name them."""

from __future__ import annotations

from pathlib import Path

from graph_runtime.api import Context
from graph_runtime.errors import HeddleError, did_you_mean

__all__ = ["file_state", "model_file", "path_state", "tokenizer_folders"]


def model_file(ctx: Context, folder: str, name: str) -> Path:
    """The file that a name means in a model folder.

    Raises:
        HeddleError: if there is none, with the nearest name and the folders searched.
    """
    path: Path | None = ctx.folders.find(folder, name)
    if path is None:
        searched = ", ".join(f"'{directory}'" for directory in ctx.folders.model_dirs(folder))
        raise HeddleError(
            f"'{name}' is not in the {folder} folders.{did_you_mean(name, ctx.folders.names(folder))}",
            where=f"node {ctx.node_id}",
            fix=f"Put the file into one of {searched}.",
        )
    return path


def file_state(ctx: Context, folder: str, name: str | None) -> str | None:
    """Stands for a model file in cache keys: path, size and time of change; hashing gigabytes takes too long."""
    path = None if name is None else ctx.folders.find(folder, name)
    if path is None:
        return None
    return path_state(path)


def path_state(path: Path) -> str:
    """Stands for the file, or the folder with its files, at a path in cache keys."""
    if path.is_dir():
        return "+".join(path_state(own) for own in sorted(path.rglob("*")) if own.is_file())
    status = path.stat()
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def tokenizer_folders(ctx: Context) -> list[Path]:
    """Where vocabularies of text encoders are looked for."""
    return [root / "tokenizers" for root in ctx.folders.models_dirs]
