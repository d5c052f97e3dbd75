"""Weights in pickle files (`.ckpt`, `.pt`, `.pth`, `.bin`), which are opened only in a process that permits it.

A pickle is a program. Even where it is permitted, PyTorch's reader for weights alone is used, which builds tensors and
plain containers and refuses every other name.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.pickle_permission import is_permitted

__all__ = ["PICKLED", "read_pickled", "read_tensors"]

PICKLED = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl"})
"""Extensions of pickle files, in lower case."""
_WRAPPERS = ("state_dict", "params_ema", "params", "model", "id_encoder")
"""Keys under which training programs keep the weights themselves, and PhotoMaker its encoder."""


def read_pickled(path: Path) -> Any:
    """What a pickle file holds: tensors in plain containers.

    Raises:
        ModelFileError: if pickle files are not permitted, or the file holds anything else or is damaged.
    """
    if not is_permitted():
        raise ModelFileError(
            f"'{path}' is a pickle file, which could run a program when it is opened. Convert it to safetensors, or "
            "start with --allow-pickle if you trust where it comes from."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about the age of the pickle format
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # a damaged or hostile pickle can fail in any way
        # PyTorch's own text advises to run the program; what it refused stands in one of its lines
        refused = re.search(r"unsupported [^\n]+?(?=\.? *(\n|$))", str(error), re.IGNORECASE)
        reason = refused[0] if refused else str(error).split("\n", 1)[0].rstrip(".")
        raise ModelFileError(
            f"'{path}' cannot be read as weights alone: {reason}. It is damaged, or holds a program: do not use it."
        ) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a pickle file by name, taken out of the wrappers of training programs.

    Raises:
        ModelFileError: as `read_pickled`, and when there are no tensors in it.
    """
    data = read_pickled(path)
    for wrapper in _WRAPPERS:
        if isinstance(data, dict) and isinstance(data.get(wrapper), dict):
            data = data[wrapper]
    named = data.items() if isinstance(data, dict) else ()
    tensors = {name: value for name, value in named if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise ModelFileError(f"'{path}' holds no tensors by name. It is no model, or of a kind that is unknown here.")
    return tensors
