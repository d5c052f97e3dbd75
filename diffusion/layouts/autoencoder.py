"""The KL autoencoder of the Stable Diffusion and Flux families in the original key layout.

Source: Rombach et al. 2022, arXiv:2112.10752 (original code: CompVis/taming-transformers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffusion.errors import UnknownModel

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class AutoencoderLayout:
    """Arguments of diffusers' AutoencoderKL, and the renaming table."""

    config: dict[str, Any]
    table: dict[str, str]


def read_autoencoder(shapes: Shapes) -> AutoencoderLayout:
    """Infer an autoencoder from its tensor shapes (names without the `first_stage_model.` prefix).

    Raises:
        UnknownModel: if the keys are not those of such an autoencoder.
    """
    for needed in ("encoder.conv_in.weight", "decoder.conv_in.weight", "decoder.conv_out.weight"):
        if needed not in shapes:
            raise UnknownModel(f"not an autoencoder of the original layout: '{needed}' is missing")
    stages = _count(shapes, r"encoder\.down\.(\d+)\.block\.0\.conv1\.weight")
    layers = _count(shapes, r"encoder\.down\.0\.block\.(\d+)\.conv1\.weight")
    widths = tuple(shapes[f"encoder.down.{i}.block.0.conv1.weight"][0] for i in range(stages))
    quantised = "quant_conv.weight" in shapes
    config = {
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "block_out_channels": widths,
        "layers_per_block": layers,
        "down_block_types": ("DownEncoderBlock2D",) * stages,
        "up_block_types": ("UpDecoderBlock2D",) * stages,
        "use_quant_conv": quantised,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
        "mid_block_add_attention": "encoder.mid.attn_1.q.weight" in shapes,
    }
    return AutoencoderLayout(config, autoencoder_table(stages, layers))


def _count(shapes: Shapes, pattern: str) -> int:
    return max((int(match[1]) + 1 for name in shapes if (match := re.fullmatch(pattern, name))), default=0)


def autoencoder_table(stages: int, layers: int) -> dict[str, str]:
    """Renaming of a whole autoencoder."""
    table = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}

    def resnet(old: str, new: str) -> None:
        for part in ("norm1", "conv1", "norm2", "conv2"):
            table[f"{old}.{part}"] = f"{new}.{part}"
        table[f"{old}.nin_shortcut"] = f"{new}.conv_shortcut"

    for side in ("encoder", "decoder"):
        table[f"{side}.conv_in"] = f"{side}.conv_in"
        table[f"{side}.conv_out"] = f"{side}.conv_out"
        table[f"{side}.norm_out"] = f"{side}.conv_norm_out"
        for i in (1, 2):
            resnet(f"{side}.mid.block_{i}", f"{side}.mid_block.resnets.{i - 1}")
        old, new = f"{side}.mid.attn_1", f"{side}.mid_block.attentions.0"
        for a, b in {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}.items():
            table[f"{old}.{a}"] = f"{new}.{b}"
    for i in range(stages):
        for j in range(layers):
            resnet(f"encoder.down.{i}.block.{j}", f"encoder.down_blocks.{i}.resnets.{j}")
        table[f"encoder.down.{i}.downsample.conv"] = f"encoder.down_blocks.{i}.downsamplers.0.conv"
        mirrored = stages - 1 - i
        for j in range(layers + 1):
            resnet(f"decoder.up.{i}.block.{j}", f"decoder.up_blocks.{mirrored}.resnets.{j}")
        table[f"decoder.up.{i}.upsample.conv"] = f"decoder.up_blocks.{mirrored}.upsamplers.0.conv"
    return table


__all__ = ["AutoencoderLayout", "autoencoder_table", "read_autoencoder"]
