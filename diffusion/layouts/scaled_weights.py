"""Files whose weights are kept in fewer bits: those with a scale for each layer are read, others refused by name.

A scale lies beside its weight: `LAYER.scale_weight` (marked by `scaled_fp8`) or `LAYER.weight_scale`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.tensor_file import TensorFile, TensorsInMemory

SCALES = (".scale_weight", ".weight_scale")
_BESIDE = (".scale_input", ".input_scale", ".comfy_quant", "scaled_fp8")  # of no use where weights are widened
_SCALED = frozenset({torch.float8_e4m3fn, torch.float8_e5m2, torch.int8})
_OTHER_WAYS = {
    ".quant_state.bitsandbytes__nf4": "NF4 of bitsandbytes", ".quant_state.bitsandbytes__fp4": "FP4 of bitsandbytes",
    ".absmax": "four or eight bits of bitsandbytes", ".SCB": "eight bits of bitsandbytes",
    ".qweight": "GPTQ, AWQ or SVDQuant", ".wscales": "SVDQuant (Nunchaku)", ".weight._data": "quanto",
    ".weight_scale_2": "NVFP4", ".weight_packed": "compressed-tensors",
}  # fmt: skip
"""What the names of tensors end in, and whose way of quantising that is."""


def with_scales_applied(file: TensorFile) -> TensorFile:
    """The file as it is, or, if its weights are scaled, with every weight in bfloat16 at its own size.

    Raises:
        ModelFileError: if the weights are quantised in a way that is not known, or a scale does not fit its weight.
    """
    _refuse_other_ways(file)
    scales = {name.removesuffix(end): name for name in file for end in SCALES if name.endswith(end)}
    if not scales:
        return file
    tensors: dict[str, Tensor] = {}
    for name in file:
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and layer in scales:
            tensors[name] = _scaled(file, name, scales[layer])
        elif not name.endswith(SCALES + _BESIDE):
            tensors[name] = file[name]
    return TensorsInMemory(tensors, str(file.path), file.metadata)


def _scaled(file: TensorFile, name: str, scale: str) -> Tensor:
    weight, factor = file[name], file[scale].float()
    if factor.ndim == 1 and factor.numel() > 1:  # one for each row
        factor = factor.reshape(-1, *[1] * (weight.ndim - 1))
    fits = factor.ndim <= max(weight.ndim, 1) and all(
        own in (1, side) for own, side in zip(reversed(factor.shape), reversed(weight.shape), strict=False)
    )
    if weight.dtype not in _SCALED or not fits:
        raise ModelFileError(
            f"'{file.path}': the scale '{scale}' of shape {tuple(file[scale].shape)} does not belong to a weight of "
            f"{weight.dtype} and shape {tuple(weight.shape)}. Weights in float8 or int8 with one scale for each layer "
            "or row are read; use such a file, or one in float16."
        )
    return (weight.float() * factor).to(torch.bfloat16)


def _refuse_other_ways(file: TensorFile) -> None:
    for name in file:
        for end, way in _OTHER_WAYS.items():
            if name.endswith(end):
                raise ModelFileError(
                    f"'{file.path}' is quantised in a way that is not read here: {way} ('{name}'). Use the file in "
                    "float16, bfloat16 or float8."
                )


__all__ = ["SCALES", "with_scales_applied"]
