"""Files whose eight-bit weights come with a scale for each layer (`LAYER.scale_weight`, marked by `scaled_fp8`)."""

from __future__ import annotations

import torch
from torch import Tensor

from diffusion.tensor_file import TensorFile, TensorsInMemory

SCALE, MARK = ".scale_weight", "scaled_fp8"


def with_scales_applied(file: TensorFile) -> TensorFile:
    """The file as it is, or, if its weights are scaled, with every weight in bfloat16 at its own size."""
    scales = {name.removesuffix(SCALE): name for name in file if name.endswith(SCALE)}
    if not scales:
        return file
    tensors: dict[str, Tensor] = {}
    for name in file:
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and layer in scales:
            tensors[name] = (file[name].float() * file[scales[layer]].float()).to(torch.bfloat16)
        elif kind not in ("scale_weight", "scale_input") and not name.endswith(MARK):
            tensors[name] = file[name]
    return TensorsInMemory(tensors, str(file.path), file.metadata)


__all__ = ["with_scales_applied"]
