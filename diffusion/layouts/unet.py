"""The U-Net of Stable Diffusion 1, 2 and XL, and of their pruned relatives, in the original key layout.

The layout numbers blocks in one sequence (`input_blocks.N`, `middle_block.N`, `output_blocks.N`); diffusers groups them
in stages. Depth, widths and attention placement are read from the keys, so that pruned networks (BK-SDM, SSD-1B,
Segmind-Vega) and tiny ones need no table of their own.

Source: Rombach et al. 2022, arXiv:2112.10752 (original code: CompVis/stable-diffusion, `openaimodel.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffusion.errors import UnknownModel

Shapes = Mapping[str, tuple[int, ...]]

LABELS = "label_emb.weight"  # a table of numbered labels, as the x4 upscaler has for its noise levels
LABELLED_HEADS = 8  # of such a network, in every stage

_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}


@dataclass(frozen=True, slots=True)
class UNetLayout:
    """What the keys of a U-Net say.

    Attributes:
        config: arguments of diffusers' UNet2DConditionModel.
        table: original prefixes → diffusers prefixes.
    """

    config: dict[str, Any]
    table: dict[str, str]


@dataclass(frozen=True, slots=True)
class Block:
    """A residual block of the input side."""

    channels: int
    depth: int  # transformer blocks; 0 without attention


def read_unet(shapes: Shapes, *, heads: int | None = None, head_dim: int | None = None) -> UNetLayout:
    """Infer a U-Net from its tensor shapes.

    Args:
        shapes: names without the `model.diffusion_model.` prefix → shapes.
        heads: attention heads everywhere, where the file states it; shapes cannot tell.
        head_dim: width of a head, likewise. With neither: 8 heads if the context is 768 wide, else heads of 64.
    Raises:
        UnknownModel: if the keys are not those of such a U-Net.
    """
    for needed in ("input_blocks.0.0.weight", "time_embed.0.weight", "out.2.weight"):
        if needed not in shapes:
            raise UnknownModel(f"not a U-Net of the original layout: '{needed}' is missing")
    stages, downs = input_stages(shapes)
    middle = depth_of(shapes, "middle_block.1")
    has_middle = "middle_block.0.in_layers.2.weight" in shapes
    ups = _output_stages(shapes, [len(stage) for stage in stages])
    widths = [stage[0].channels for stage in stages]
    context = context_width(shapes)
    linear = any(name.endswith("proj_in.weight") and len(shape) == 2 for name, shape in shapes.items())
    depths = stage_depths(stages, middle)
    if LABELS in shapes:
        heads = heads or LABELLED_HEADS
    config: dict[str, Any] = {
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "block_out_channels": tuple(widths),
        "layers_per_block": [len(stage) for stage in stages],
        "down_block_types": tuple("CrossAttnDownBlock2D" if stage[0].depth else "DownBlock2D" for stage in stages),
        "up_block_types": tuple("CrossAttnUpBlock2D" if stage[0] else "UpBlock2D" for stage in ups),
        "mid_block_type": None if not has_middle else ("UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D"),
        "transformer_layers_per_block": depths,
        "reverse_transformer_layers_per_block": [_one_or_list(stage) or 1 for stage in ups],
        "attention_head_dim": attention_heads(widths, context, linear, heads, head_dim),
        "cross_attention_dim": context,
        "use_linear_projection": linear,
    }
    if "label_emb.0.0.weight" in shapes:
        config["class_embed_type"] = "projection"
        config["projection_class_embeddings_input_dim"] = shapes["label_emb.0.0.weight"][1]
    if LABELS in shapes:
        config["num_class_embeds"] = shapes[LABELS][0]
        config["only_cross_attention"] = tuple(_reads_text_alone(shapes, down) for down in _first_blocks(stages))
    return UNetLayout(config, unet_table(stages, downs, ups, has_middle, bool(middle)))


def stage_depths(stages: list[list[Block]], middle: int) -> list[Any]:
    """Transformer depths by stage; the last also sets that of the middle block, as diffusers wants it."""
    depths: list[Any] = [_one_or_list([block.depth for block in stage]) for stage in stages]
    if stages[-1][0].depth == 0:
        depths[-1] = max(middle, 1)
    elif middle and stages[-1][0].depth != middle:
        raise UnknownModel(f"the middle block has {middle} transformer blocks, the stage above it {depths[-1]}")
    return depths


def _first_blocks(stages: list[list[Block]]) -> list[int]:
    """Number of the first input block of each stage."""
    firsts = [1]
    for stage in stages[:-1]:
        firsts.append(firsts[-1] + len(stage) + 1)
    return firsts


def _reads_text_alone(shapes: Shapes, number: int) -> bool:
    """Whether an input block attends to the text twice, and never to itself.

    Shapes tell by the width of the keys; where text and block are equally wide it attends to itself.
    """
    block = f"input_blocks.{number}.1.transformer_blocks.0"
    keys = shapes.get(f"{block}.attn1.to_k.weight")
    return keys is not None and keys[1] != shapes[f"{block}.norm1.weight"][0]


def attention_heads(
    widths: list[int], context: int, linear: bool, heads: int | None = None, head_dim: int | None = None
) -> tuple[int, ...]:
    """Heads by stage. Shapes cannot tell; 8 with a context of 768 and convolutional projections, else heads of 64."""
    if heads is None and head_dim is None and context == 768 and not linear:
        heads = 8
    return tuple(heads or max(1, width // (head_dim or 64)) for width in widths)


def depth_of(shapes: Shapes, prefix: str) -> int:
    pattern = re.compile(re.escape(prefix) + r"\.transformer_blocks\.(\d+)\.norm1\.weight")
    return max((int(match[1]) + 1 for name in shapes if (match := pattern.fullmatch(name))), default=0)


def context_width(shapes: Shapes) -> int:
    widths = {shape[1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight")}
    if len(widths) != 1:
        raise UnknownModel(f"cross-attention must have one context width; found {sorted(widths)}")
    return widths.pop()


def input_stages(shapes: Shapes) -> tuple[list[list[Block]], list[int]]:
    """Residual blocks by resolution, and the index of the downsampler that ends each."""
    stages: list[list[Block]] = [[]]
    downs: list[int] = []
    index = 1
    while True:
        if f"input_blocks.{index}.0.op.weight" in shapes:
            downs.append(index)
            stages.append([])
        elif f"input_blocks.{index}.0.in_layers.2.weight" in shapes:
            channels = shapes[f"input_blocks.{index}.0.in_layers.2.weight"][0]
            stages[-1].append(Block(channels, depth_of(shapes, f"input_blocks.{index}.1")))
        else:
            break
        index += 1
    for number, stage in enumerate(stages):
        if not stage or len({(b.channels, b.depth > 0) for b in stage}) != 1:
            raise UnknownModel(f"the U-Net's stage {number} mixes widths, or blocks with and without attention")
    return stages, downs


def _output_stages(shapes: Shapes, layers: list[int]) -> list[list[int]]:
    """Transformer depths of the output blocks, by stage from the lowest resolution up."""
    result, index = [], 0
    for count in reversed(layers):
        depths = []
        for _ in range(count + 1):
            if f"output_blocks.{index}.0.in_layers.2.weight" not in shapes:
                raise UnknownModel(f"the U-Net's output block {index} is missing")
            depths.append(depth_of(shapes, f"output_blocks.{index}.1"))
            index += 1
        if len({depth > 0 for depth in depths}) != 1:
            raise UnknownModel("an output stage of the U-Net mixes blocks with and without attention")
        result.append(depths)
    return result


def _one_or_list(values: list[int]) -> int | list[int]:
    return values[0] if len(set(values)) == 1 else values


def unet_table(
    stages: list[list[Block]], downs: list[int], ups: list[list[int]], has_middle: bool, middle_attention: bool
) -> dict[str, str]:
    """Renaming of a whole U-Net."""
    table = input_table(stages, downs)
    table.update({"out.0": "conv_norm_out", "out.2": "conv_out"})

    def resnet(old: str, new: str) -> None:
        table.update(resnet_table(old, new))

    if has_middle:
        resnet("middle_block.0", "mid_block.resnets.0")
        if middle_attention:
            table["middle_block.1"] = "mid_block.attentions.0"
            resnet("middle_block.2", "mid_block.resnets.1")
    index = 0
    for s, depths in enumerate(ups):
        for b, depth in enumerate(depths):
            resnet(f"output_blocks.{index}.0", f"up_blocks.{s}.resnets.{b}")
            if depth:
                table[f"output_blocks.{index}.1"] = f"up_blocks.{s}.attentions.{b}"
            index += 1
        if s < len(ups) - 1:
            table[f"output_blocks.{index - 1}.{2 if depths[-1] else 1}.conv"] = f"up_blocks.{s}.upsamplers.0.conv"
    return table


def resnet_table(old: str, new: str) -> dict[str, str]:
    """Renaming of one residual block."""
    return {f"{old}.{a}": f"{new}.{b}" for a, b in _RESNET.items()}


def input_table(stages: list[list[Block]], downs: list[int]) -> dict[str, str]:
    """Renaming of everything up to the middle block."""
    table = {
        "time_embed.0": "time_embedding.linear_1",
        "time_embed.2": "time_embedding.linear_2",
        "label_emb": "class_embedding",
        "label_emb.0.0": "class_embedding.linear_1",
        "label_emb.0.2": "class_embedding.linear_2",
        "input_blocks.0.0": "conv_in",
    }
    index = 1
    for s, stage in enumerate(stages):
        for b, block in enumerate(stage):
            table.update(resnet_table(f"input_blocks.{index}.0", f"down_blocks.{s}.resnets.{b}"))
            if block.depth:
                table[f"input_blocks.{index}.1"] = f"down_blocks.{s}.attentions.{b}"
            index += 1
        if s < len(downs):
            table[f"input_blocks.{index}.0.op"] = f"down_blocks.{s}.downsamplers.0.conv"
            index += 1
    return table


__all__ = [
    "Block", "UNetLayout", "attention_heads", "context_width", "depth_of", "input_stages", "input_table", "read_unet",
    "resnet_table", "stage_depths", "unet_table",
]  # fmt: skip
