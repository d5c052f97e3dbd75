"""Loaders of kinds of models that this engine cannot run yet.

Established web clients look these up by name when they make any loader of checkpoints, LoRAs or autoencoders, and fail
if they are not there. A workflow with one of them opens as it was drawn, and is refused with a clear reason before
anything runs.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, NoReturn

from graph_runtime.api import FileIn, HeddleError, Socket, node
from nodes.sockets import ClipVision, Model, Vae

__all__ = ["ImageOnlyCheckpoint", "gligen_loader", "image_only_checkpoint_loader"]

Gligen = Annotated[Any, Socket("GLIGEN", "places texts in boxes")]


class ImageOnlyCheckpoint(NamedTuple):
    """The parts of a checkpoint that is conditioned on pictures."""

    MODEL: Model
    CLIP_VISION: ClipVision
    VAE: Vae


def _refusal(kind: str) -> str:
    return f"{kind} cannot be run by this engine yet. Remove the node, or use another kind of model."


def image_only_refused(ckpt_name: str | None) -> str:
    """Refuse the node before anything runs."""
    return _refusal("Checkpoints that are conditioned on pictures alone")


def gligen_refused(gligen_name: str | None) -> str:
    """Refuse the node before anything runs."""
    return _refusal("GLIGEN models")


@node(
    "ImageOnlyCheckpointLoader",
    title="Image Only Checkpoint Loader (img2vid model)",
    category="loaders/video_models",
    validate=image_only_refused,
)
def image_only_checkpoint_loader(*, ckpt_name: Annotated[str, FileIn("checkpoints")]) -> ImageOnlyCheckpoint:
    """Load a checkpoint that is conditioned on pictures; this engine cannot run such models yet.

    Args:
        ckpt_name: the file.
    """
    _fail(image_only_refused(ckpt_name))


@node("GLIGENLoader", title="Load GLIGEN Model", category="loaders", validate=gligen_refused)
def gligen_loader(*, gligen_name: Annotated[str, FileIn("gligen")]) -> Gligen:
    """Load a GLIGEN model; this engine cannot run such models yet.

    Args:
        gligen_name: the file.
    """
    _fail(gligen_refused(gligen_name))


def _fail(why: str) -> NoReturn:
    what, _, fix = why.partition(". ")
    raise HeddleError(f"{what}.", fix=fix)
