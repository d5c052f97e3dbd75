"""Loaders of kinds of models that this engine cannot run yet.

Established web clients look these up by name when they make any loader of checkpoints, LoRAs or autoencoders, and fail
if they are not there. A workflow with one of them opens as it was drawn, and is refused with a clear reason before
anything runs.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import FileIn, HeddleError, node
from nodes.sockets import ClipVision, Model, Vae

__all__ = ["ImageOnlyCheckpoint", "image_only_checkpoint_loader"]


class ImageOnlyCheckpoint(NamedTuple):
    """The parts of a checkpoint that is conditioned on pictures."""

    MODEL: Model
    CLIP_VISION: ClipVision
    VAE: Vae


WHAT = "Checkpoints that are conditioned on pictures alone cannot be run by this engine yet."
FIX = "Remove the node, or use another kind of model."


def image_only_refused(ckpt_name: str | None) -> str:
    """Refuse the node before anything runs."""
    return f"{WHAT} {FIX}"


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
    raise HeddleError(WHAT, fix=FIX)
