"""Pictures that ready workflows begin with, put where LoadImage finds them."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from graph_runtime.folders import Folders

__all__ = ["copy_examples"]

_log = logging.getLogger(__name__)


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
