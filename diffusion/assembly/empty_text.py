"""The empty prompt as Stable Diffusion 2 reads it, for models that were trained on nothing else.

Lotus is such a model: it is shipped without a text encoder. OpenCLIP's H, which has stayed the same in all models of
Stable Diffusion 2, is taken from whatever file has it; its vocabulary is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from diffusion.assembly.texts import SD2_TEXT, clip_tower, h_layer
from diffusion.errors import ModelFileError
from diffusion.layouts.clip import WIDTH_OF_H
from diffusion.network import check_finite
from diffusion.placement import default_device
from diffusion.tensor_file import TensorFile
from diffusion.text.chunks import Token

_TABLES = (
    "text_model.embeddings.token_embedding.weight", "embeddings.token_embedding.weight", "token_embedding.weight",
)  # fmt: skip


class _Ends(NamedTuple):
    """The two tokens of an empty prompt: the last of CLIP's vocabulary."""

    start: int
    end: int


def empty_sd2_text(paths: Iterable[Path], *, device: torch.device | str | None = None) -> Tensor:
    """The empty prompt, encoded by the first file that holds OpenCLIP's H.

    Args:
        paths: text encoders, checkpoints and folders of diffusers; only headers are read until one fits.
    Returns:
        float32 [1, 2, 1024]: the start and the end token, rounded to float16 as Lotus was trained with them.
    Raises:
        ModelFileError: if no file holds it, or the one that does is damaged.
    """
    searched = 0
    for path in paths:
        searched += 1
        path = path / "text_encoder" / "model.safetensors" if path.is_dir() else path
        if path.suffix.lower() != ".safetensors" or not path.is_file():
            continue
        file = TensorFile(path)
        prefix = _place(file)
        if prefix is not None:
            return _encoded(file, prefix, torch.device(device) if device is not None else default_device())
    raise ModelFileError(
        f"Lotus reads the empty prompt of Stable Diffusion 2, and none of {searched} files holds its text encoder "
        "(OpenCLIP H). Put it, or any checkpoint of Stable Diffusion 2, where models of that kind lie."
    )


def _place(file: TensorFile) -> str | None:
    """What precedes the names of OpenCLIP's H in a file; None if it is not there."""
    for prefix in ("", SD2_TEXT):
        for table in _TABLES:
            if prefix + table in file and file.shape(prefix + table)[-1] == WIDTH_OF_H:
                return prefix
    return None


def _encoded(file: TensorFile, prefix: str, device: torch.device) -> Tensor:
    check_finite({name: file[name] for name in file if name.startswith(prefix)}, str(file.path))
    tower = clip_tower(file, prefix, "h", device, (), {}, layer=-2, normed=True)
    count = tower.network.weights["embeddings.token_embedding.weight"].shape[0]
    ends: Any = _Ends(count - 2, count - 1)
    tower = replace(tower, find_tokenizer=lambda: ends, layer=h_layer(tower.network))
    found = tower.encode([[Token(ends.start, 1.0), Token(ends.end, 1.0)]]).features
    tower.network.release()
    return found.half().float()


__all__ = ["empty_sd2_text"]
