"""Tiny networks of Stable Video Diffusion, in its original layout."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diffusion.layouts.autoencoder import autoencoder_table
from diffusion.layouts.renaming import rename, reverse
from diffusion.layouts.unet import Block, unet_table
from diffusion.layouts.video import temporal_autoencoder_table, video_unet_table
from tests.diffusion.vision.test_encoder import clip, in_open_clip

FRAMES, CONTEXT = 3, 8
UNET_TABLE = video_unet_table(unet_table([[Block(32, 1)], [Block(64, 0)]], [2], [[0, 0], [1, 1]], True, True))
VAE_TABLE = temporal_autoencoder_table(autoencoder_table(2, 2))
VISION = "conditioner.embedders.0.open_clip.model.visual."


def unet(width: int = 768) -> Any:
    """A tiny network whose blends of space and time are uneven."""
    from diffusers import UNetSpatioTemporalConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = UNetSpatioTemporalConditionModel(
            block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=CONTEXT, num_attention_heads=(1, 1),
            projection_class_embeddings_input_dim=width,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        ).eval()  # fmt: skip
        for name, one in network.named_parameters():
            if name.endswith("mix_factor"):
                torch.nn.init.normal_(one)
    for module in network.modules():
        if type(module).__name__ in ("ResnetBlock2D", "TemporalResnetBlock"):
            module.norm1.eps = module.norm2.eps = 1e-5  # type: ignore[union-attr, assignment]
    return network


def autoencoder() -> Any:
    from diffusers import AutoencoderKLTemporalDecoder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = AutoencoderKLTemporalDecoder(
            block_out_channels=(32, 32), layers_per_block=2, down_block_types=("DownEncoderBlock2D",) * 2
        ).eval()
        for name, one in network.named_parameters():
            if name.endswith("mix_factor"):
                torch.nn.init.normal_(one)
    return network


def original(network: Any, table: dict[str, str], prefix: str) -> dict[str, Tensor]:
    back = reverse(table)
    return {f"{prefix}{rename(name, back)}": one.clone() for name, one in network.state_dict().items()}


def svd_tensors() -> dict[str, Tensor]:
    """A tiny checkpoint of Stable Video Diffusion in its original layout."""
    tensors = original(unet(), UNET_TABLE, "model.diffusion_model.")
    tensors |= original(autoencoder(), VAE_TABLE, "first_stage_model.")
    return tensors | in_open_clip(dict(clip(projection_dim=CONTEXT).state_dict()), VISION)
