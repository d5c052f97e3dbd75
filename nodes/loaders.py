"""Loading models from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

from graph_runtime.api import Context, FileIn, node
from graph_runtime.errors import HeddleError, did_you_mean
from nodes.sockets import CLIP, MODEL, VAE

__all__ = ["LoadedCheckpoint", "checkpoint_loader_simple", "model_file"]


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
    status = path.stat()
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def checkpoint_state(ckpt_name: str | None, ctx: Context) -> str | None:
    """Stands for the chosen checkpoint in cache keys."""
    return file_state(ctx, "checkpoints", ckpt_name)


class LoadedCheckpoint(NamedTuple):
    """The parts of a checkpoint; a part that the file lacks is None."""

    MODEL: MODEL
    CLIP: CLIP
    VAE: VAE


@node("CheckpointLoaderSimple", title="Load Checkpoint", category="loaders", fingerprint=checkpoint_state)
def checkpoint_loader_simple(*, ckpt_name: Annotated[str, FileIn("checkpoints")], ctx: Context) -> LoadedCheckpoint:
    """Load a diffusion model with its text encoder and autoencoder from one file.

    Args:
        ckpt_name: the file, in one of the checkpoint folders.
    """
    from diffusion import loading

    checkpoint = loading.load_checkpoint(
        model_file(ctx, "checkpoints", ckpt_name),
        tokenizers=[root / "tokenizers" for root in ctx.folders.models_dirs],
        embeddings=ctx.folders.model_dirs("embeddings"),
    )
    return LoadedCheckpoint(checkpoint.model, checkpoint.clip, checkpoint.vae)
