"""The networks of Stable Video Diffusion and SV3D in the original key layout.

Both are those of Stable Diffusion with layers over time beside the layers over space: `time_stack` beside a residual
block or the blocks of a transformer, `time_mixer` (in the autoencoder `mix_factor`) where the two are blended.

Source: Stability-AI/generative-models, `video_model.py`, `video_attention.py`, `temporal_ae.py` (MIT).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from diffusion.errors import UnknownModel
from diffusion.layouts.autoencoder import AutoencoderLayout, read_autoencoder
from diffusion.layouts.renaming import Table
from diffusion.layouts.unet import Shapes, UNetLayout, read_unet, resnet_table

OF_VIEWS = "conditioner.embedders.1.encoder."  # where SV3D keeps the autoencoder that it is used with
VIDEO_MARK = "input_blocks.1.0.time_mixer.mix_factor"
TEMPORAL_MARK = "decoder.mid.block_1.mix_factor"
_TIME = {"in_layers.0": "norm1", "in_layers.2": "conv1", "out_layers.0": "norm2", "out_layers.3": "conv2"}


def read_video_unet(shapes: Shapes) -> UNetLayout:
    """Infer a video U-Net from its tensor shapes.

    Returns:
        Arguments of diffusers' UNetSpatioTemporalConditionModel, and the renaming table.
    Raises:
        UnknownModel: if the keys are not those of such a U-Net.
    """
    plain = read_unet(shapes)
    own = plain.config
    depths, middle = own["transformer_layers_per_block"], own["mid_block_type"]
    ups = own["reverse_transformer_layers_per_block"]
    even = [up for up, kind in zip(ups, own["up_block_types"], strict=True) if kind.startswith("CrossAttn")]
    if middle != "UNetMidBlock2DCrossAttn" or any(isinstance(depth, list) for depth in (*depths, *even)):
        raise UnknownModel("the video U-Net lacks attention in its middle, or mixes depths in a stage")
    if "label_emb.0.0.weight" not in shapes:
        raise UnknownModel("not a video U-Net of the original layout: 'label_emb.0.0.weight' is missing")
    copied = ("in_channels", "out_channels", "block_out_channels", "cross_attention_dim")
    config = {
        **{name: own[name] for name in copied},
        "down_block_types": tuple(kind.replace("2D", "SpatioTemporal") for kind in own["down_block_types"]),
        "up_block_types": tuple(kind.replace("2D", "SpatioTemporal") for kind in own["up_block_types"]),
        "layers_per_block": tuple(own["layers_per_block"]),
        "transformer_layers_per_block": tuple(depths),
        "num_attention_heads": own["attention_head_dim"],
        "projection_class_embeddings_input_dim": own["projection_class_embeddings_input_dim"],
    }
    return UNetLayout(config, video_unet_table(plain.table))


def video_unet_table(table: Table) -> dict[str, str]:
    """Renaming of a video U-Net, from that of the U-Net it grew from."""
    result: dict[str, str] = {}
    for old, new in table.items():
        resnet = re.fullmatch(r"(.+\.resnets\.\d+)\.(\w+)", new)
        if resnet is not None:
            result[old] = f"{resnet[1]}.spatial_res_block.{resnet[2]}"
            if resnet[2] == "norm1":
                block = old.removesuffix(".in_layers.0")
                result |= resnet_table(f"{block}.time_stack", f"{resnet[1]}.temporal_res_block")
                result[f"{block}.time_mixer"] = f"{resnet[1]}.time_mixer"
        elif new.startswith("class_embedding"):
            if old != "label_emb":
                result[old] = new.replace("class_embedding", "add_embedding")
        else:
            result[old] = new
            if re.fullmatch(r".+\.attentions\.\d+", new):
                result[f"{old}.time_stack"] = f"{new}.temporal_transformer_blocks"
                result[f"{old}.time_pos_embed.0"] = f"{new}.time_pos_embed.linear_1"
                result[f"{old}.time_pos_embed.2"] = f"{new}.time_pos_embed.linear_2"
    return result


def read_temporal_autoencoder(shapes: Shapes) -> AutoencoderLayout:
    """Infer an autoencoder whose decoder sees all frames of a video.

    Returns:
        Arguments of diffusers' AutoencoderKLTemporalDecoder, and the renaming table.
    Raises:
        UnknownModel: if the keys are not those of such an autoencoder.
    """
    plain = read_autoencoder(shapes)
    copied = ("in_channels", "out_channels", "latent_channels", "block_out_channels", "layers_per_block")
    config = {name: plain.config[name] for name in (*copied, "down_block_types")}
    return AutoencoderLayout(config, temporal_autoencoder_table(plain.table))


def temporal_autoencoder_table(table: Mapping[str, str]) -> dict[str, str]:
    """Renaming of such an autoencoder, from that of the autoencoder it grew from."""
    result = {"decoder.conv_out.time_mix_conv": "decoder.time_conv_out"}
    for old, new in table.items():
        resnet = re.fullmatch(r"(decoder\..+\.resnets\.\d+)\.(\w+)", new)
        result[old] = new if resnet is None else f"{resnet[1]}.spatial_res_block.{resnet[2]}"
        if resnet is not None and resnet[2] == "norm1":
            block = old.removesuffix(".norm1")
            result[f"{block}.mix_factor"] = f"{resnet[1]}.time_mixer.mix_factor"
            for a, b in _TIME.items():
                result[f"{block}.time_stack.{a}"] = f"{resnet[1]}.temporal_res_block.{b}"
    return result


__all__ = [
    "OF_VIEWS", "TEMPORAL_MARK", "VIDEO_MARK", "read_temporal_autoencoder", "read_video_unet",
    "temporal_autoencoder_table", "video_unet_table",
]  # fmt: skip
