"""What ships with the project for people to use: small models, and pictures that ready workflows begin with."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from graph_runtime.folders import ExtraFolder, Folders

__all__ = ["copy_examples", "shipped_models"]

_log = logging.getLogger(__name__)


def shipped_models(project: Path) -> tuple[ExtraFolder, ...]:
    """The directories of the small models that ship; they are only read.

    Args:
        project: the folder that holds `diffusion/`.
    """
    parts = project / "diffusion" / "embedded_parts"
    return (
        ExtraFolder("checkpoints", project / "diffusion" / "embedded"),
        ExtraFolder("loras", parts / "loras"),
        ExtraFolder("controlnet", parts / "controlnet"),
    )


def copy_examples(examples: Path, folders: Folders) -> tuple[str, ...]:
    """Copy what the input folder does not have yet; a file of the same name stays as it is.

    Several processes may do this at the same time: each file appears whole. An input folder that cannot be written is
    left as it is, with a warning in the log.

    Args:
        examples: a folder of files; it may be missing.
    Returns:
        The names that were copied.
    """
    copied = []
    for source in sorted(examples.iterdir()) if examples.is_dir() else ():
        target = folders.input / source.name
        if source.is_file() and not os.path.lexists(target):
            temporary = target.with_name(f".{source.name}.{os.getpid()}")
            try:
                shutil.copyfile(source, temporary)
                os.replace(temporary, target)
            except OSError as error:
                _log.warning("The example pictures are not in '%s', which cannot be written: %s.", target.parent, error)
                break
            copied.append(source.name)
    return tuple(copied)
