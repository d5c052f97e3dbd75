"""Networks of the diffusers layout under their original names, so that both layouts take one road from there.

Source: the layouts as huggingface/diffusers writes them (`UNet2DConditionModel`, `AutoencoderKL`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from diffusion.layouts.autoencoder import autoencoder_table
from diffusion.layouts.renaming import renamed, reverse
from diffusion.layouts.unet import Block, unet_table
from diffusion.layouts.video import temporal_autoencoder_table, video_unet_table
from diffusion.tensor_file import TensorFile, TensorsInMemory

Shapes = Mapping[str, tuple[int, ...]]

_SIZES = {"add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2"}
_OVER_SPACE = ".spatial_res_block"
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def with_original_names(file: TensorFile) -> TensorFile:
    """The file as it is, or, if it holds a U-Net or autoencoder of diffusers, under the original names.

    Networks for videos are named as those for pictures, with layers over space and over time below each block.
    """
    shapes = {name: file.shape(name) for name in file}
    if "conv_in.weight" in shapes and f"down_blocks.0.resnets.0{_OVER_SPACE}.conv1.weight" in shapes:
        plain = {name.replace(_OVER_SPACE, ""): shape for name, shape in shapes.items()}
        return _in_memory(file, renamed(file, file, reverse(video_unet_table(_unet_table(plain)))))
    if "decoder.time_conv_out.weight" in shapes:
        tensors = {_modern(name): file[name] for name in file}
        return _in_memory(
            file, renamed(tensors, tensors, reverse(temporal_autoencoder_table(_autoencoder_table(shapes))))
        )
    if "conv_in.weight" in shapes and "down_blocks.0.resnets.0.conv1.weight" in shapes:
        table = {**reverse(_unet_table(shapes)), **_SIZES}
        return _in_memory(file, renamed(file, file, table))
    if "encoder.down_blocks.0.resnets.0.conv1.weight" in shapes and "decoder.conv_in.weight" in shapes:
        tensors = {_modern(name): file[name] for name in file}
        return _in_memory(file, renamed(tensors, tensors, reverse(_autoencoder_table(shapes))))
    return file


def _in_memory(file: TensorFile, tensors: Mapping[str, Tensor]) -> TensorFile:
    return TensorsInMemory(tensors, str(file.path), file.metadata)


def _modern(name: str) -> str:
    """Attention of autoencoders had other names before 2023."""
    for old, new in _OLD_ATTENTION.items():
        name = name.replace(f".attentions.0.{old}.", f".attentions.0.{new}.")
    return name


def _autoencoder_table(shapes: Shapes) -> dict[str, str]:
    stages = _count(shapes, r"encoder\.down_blocks\.(\d+)\..*")
    layers = _count(shapes, r"encoder\.down_blocks\.0\.resnets\.(\d+)\..*")
    return autoencoder_table(stages, layers)


def _unet_table(shapes: Shapes) -> dict[str, str]:
    stages, downs, index = [], [], 1
    for stage in range(_count(shapes, r"down_blocks\.(\d+)\..*")):
        prefix = f"down_blocks.{stage}"
        blocks = [
            Block(shapes[f"{prefix}.resnets.{layer}.conv1.weight"][0], _depth(shapes, f"{prefix}.attentions.{layer}"))
            for layer in range(_count(shapes, rf"down_blocks\.{stage}\.resnets\.(\d+)\..*"))
        ]
        stages.append(blocks)
        index += len(blocks)
        if f"{prefix}.downsamplers.0.conv.weight" in shapes:
            downs.append(index)
            index += 1
    ups = [
        [
            _depth(shapes, f"up_blocks.{stage}.attentions.{layer}")
            for layer in range(_count(shapes, rf"up_blocks\.{stage}\.resnets\.(\d+)\..*"))
        ]
        for stage in range(_count(shapes, r"up_blocks\.(\d+)\..*"))
    ]
    middle = "mid_block.resnets.0.conv1.weight" in shapes
    return unet_table(stages, downs, ups, middle, _depth(shapes, "mid_block.attentions.0") > 0)


def _depth(shapes: Shapes, attention: str) -> int:
    return _count(shapes, re.escape(attention) + r"\.transformer_blocks\.(\d+)\..*")


def _count(shapes: Shapes, pattern: str) -> int:
    compiled = re.compile(pattern)
    return max((int(match[1]) + 1 for name in shapes if (match := compiled.fullmatch(name))), default=0)


__all__ = ["with_original_names"]
