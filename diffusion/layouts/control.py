"""ControlNets of U-Net families: the original key layout, and that of diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffusion.errors import UnknownModel
from diffusion.layouts.unet import (
    attention_heads,
    context_width,
    depth_of,
    input_stages,
    input_table,
    resnet_table,
    stage_depths,
)

PREFIX = "control_model."
_OWN_PLACES = {
    "add_embedding": "class_embedding", "control_add_embedding": "time_embedding.control_add_embedding",
    **{
        part: f"controlnet_cond_embedding.{part}"
        for part in ("task_embedding", "transformer_layes", "spatial_ch_projs")
    },
}  # fmt: skip
"""What diffusers' files keep elsewhere than our modules."""


@dataclass(frozen=True, slots=True)
class ControlLayout:
    """Arguments of diffusers' ControlNetModel, and the renaming of a file's tensors.

    Attributes:
        types: kinds of pictures that a union network knows, and the width of their embeddings; None for others.
    """

    config: dict[str, Any]
    table: dict[str, str]
    prefix: str
    types: tuple[int, int] | None = None


def read_control(shapes: Mapping[str, tuple[int, ...]], source: str) -> ControlLayout:
    """Infer a ControlNet from tensor names and shapes.

    Raises:
        UnknownModel: if it is none.
    """
    prefix = PREFIX if any(name.startswith(PREFIX) for name in shapes) else ""
    inside = {name[len(prefix) :]: shape for name, shape in shapes.items() if name.startswith(prefix)}
    if "controlnet_cond_embedding.conv_in.weight" in inside:
        layout = layout_of(original_shapes(inside), source)
        types = inside.get("task_embedding")
        table = {part: part for part in {name.split(".")[0] for name in inside}} | _OWN_PLACES
        return ControlLayout(layout.config, table, prefix, None if types is None else (types[0], types[1]))
    if "input_hint_block.0.weight" not in inside:
        raise UnknownModel(
            f"'{source}' is no ControlNet of a known layout: 'input_hint_block.0.weight' is missing. "
            "Load it with the node for its kind."
        )
    layout = layout_of(inside, source)
    return ControlLayout(layout.config, layout.table, prefix)


def layout_of(shapes: Mapping[str, tuple[int, ...]], source: str) -> ControlLayout:
    """The layout of a network under original names without prefix."""
    stages, downs = input_stages(shapes)
    middle = depth_of(shapes, "middle_block.1")
    widths = [stage[0].channels for stage in stages]
    context = context_width(shapes)
    linear = any(name.endswith("proj_in.weight") and len(shape) == 2 for name, shape in shapes.items())
    hints = sorted(int(n.split(".")[1]) for n in shapes if n.startswith("input_hint_block.") and n.endswith(".weight"))
    hint_widths = tuple(shapes[f"input_hint_block.{i}.weight"][0] for i in hints[:-1:2])
    config: dict[str, Any] = {
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "conditioning_channels": shapes["input_hint_block.0.weight"][1],
        "block_out_channels": tuple(widths),
        "layers_per_block": len(stages[0]),
        "down_block_types": tuple("CrossAttnDownBlock2D" if s[0].depth else "DownBlock2D" for s in stages),
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
        "transformer_layers_per_block": stage_depths(stages, middle),
        "attention_head_dim": attention_heads(widths, context, linear),
        "cross_attention_dim": context,
        "use_linear_projection": linear,
        "conditioning_embedding_out_channels": hint_widths,
    }
    if "label_emb.0.0.weight" in shapes:
        config["class_embed_type"] = "projection"
        config["projection_class_embeddings_input_dim"] = shapes["label_emb.0.0.weight"][1]
    table = {**input_table(stages, downs), **_hint_table(hints)}
    table.update(resnet_table("middle_block.0", "mid_block.resnets.0"))
    if middle:
        table["middle_block.1"] = "mid_block.attentions.0"
        table.update(resnet_table("middle_block.2", "mid_block.resnets.1"))
    count = 1 + sum(len(stage) for stage in stages) + len(downs)
    table.update({f"zero_convs.{i}.0": f"controlnet_down_blocks.{i}" for i in range(count)})
    table["middle_block_out.0"] = "controlnet_mid_block"
    return ControlLayout(config, table, "")


def _hint_table(hints: list[int]) -> dict[str, str]:
    table = {f"input_hint_block.{hints[0]}": "controlnet_cond_embedding.conv_in"}
    table.update({f"input_hint_block.{h}": f"controlnet_cond_embedding.blocks.{i}" for i, h in enumerate(hints[1:-1])})
    table[f"input_hint_block.{hints[-1]}"] = "controlnet_cond_embedding.conv_out"
    return table


def original_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The same network under original names, as far as the shapes of its parts are needed."""
    result: dict[str, tuple[int, ...]] = {}
    blocks = {int(n.split(".")[1]) for n in shapes if n.startswith("down_blocks.")}
    index = 1
    result["input_blocks.0.0.weight"] = shapes["conv_in.weight"]
    for stage in range(len(blocks)):
        layer = 0
        while f"down_blocks.{stage}.resnets.{layer}.conv1.weight" in shapes:
            result[f"input_blocks.{index}.0.in_layers.2.weight"] = shapes[
                f"down_blocks.{stage}.resnets.{layer}.conv1.weight"
            ]
            old = f"down_blocks.{stage}.attentions.{layer}."
            result.update(
                {f"input_blocks.{index}.1.{n[len(old) :]}": s for n, s in shapes.items() if n.startswith(old)}
            )
            layer, index = layer + 1, index + 1
        if f"down_blocks.{stage}.downsamplers.0.conv.weight" in shapes:
            result[f"input_blocks.{index}.0.op.weight"] = shapes[f"down_blocks.{stage}.downsamplers.0.conv.weight"]
            index += 1
    old = "mid_block.attentions.0."
    result.update({f"middle_block.1.{n[len(old) :]}": s for n, s in shapes.items() if n.startswith(old)})
    result["input_hint_block.0.weight"] = shapes["controlnet_cond_embedding.conv_in.weight"]
    layer = 0
    while f"controlnet_cond_embedding.blocks.{layer}.weight" in shapes:
        result[f"input_hint_block.{layer + 1}.weight"] = shapes[f"controlnet_cond_embedding.blocks.{layer}.weight"]
        layer += 1
    result[f"input_hint_block.{layer + 1}.weight"] = shapes["controlnet_cond_embedding.conv_out.weight"]
    for old, new in (("class_embedding.linear_1", "label_emb.0.0"), ("add_embedding.linear_1", "label_emb.0.0")):
        if f"{old}.weight" in shapes:
            result[f"{new}.weight"] = shapes[f"{old}.weight"]
    return result


__all__ = ["ControlLayout", "layout_of", "original_shapes", "read_control"]
