"""Denoising transformers out of a file: Stable Diffusion 3 and Flux."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from diffusion.families.flux import FluxFamily
from diffusion.families.sd3 import Sd3Family
from diffusion.model import Model
from diffusion.network import Network, empty
from diffusion.placement import place
from diffusion.sampling.prediction import flow, flux_flow
from diffusion.tensor_file import TensorFile

SD3_SHIFT = 3.0


def is_sd3(file: TensorFile, prefix: str) -> bool:
    """Whether a Stable Diffusion 3 transformer lies under a prefix."""
    return f"{prefix}joint_blocks.0.context_block.attn.qkv.weight" in file


def is_flux(file: TensorFile, prefix: str) -> bool:
    """Whether a Flux transformer lies under a prefix."""
    return f"{prefix}double_blocks.0.img_attn.norm.key_norm.scale" in file


def sd3_model(file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None) -> Model:
    """Stable Diffusion 3 or 3.5, any size.

    Raises:
        ModelFileError: if the file is incomplete.
    """
    from diffusers import SD3Transformer2DModel
    from diffusers.loaders.single_file_utils import convert_sd3_transformer_checkpoint_to_diffusers

    tensors = _under(file, prefix)
    width, channels = tensors["x_embedder.proj.weight"].shape[:2]
    layers = _count(tensors, "joint_blocks")
    config: dict[str, Any] = {
        "sample_size": 128,
        "patch_size": tensors["x_embedder.proj.weight"].shape[2],
        "in_channels": channels,
        "out_channels": channels,
        "num_layers": layers,
        "attention_head_dim": 64,
        "num_attention_heads": width // 64,
        "joint_attention_dim": tensors["context_embedder.weight"].shape[1],
        "caption_projection_dim": width,
        "pooled_projection_dim": tensors["y_embedder.mlp.0.weight"].shape[1],
        "pos_embed_max_size": math.isqrt(tensors["pos_embed"].shape[1]),
        "qk_norm": "rms_norm" if "joint_blocks.0.x_block.attn.ln_q.weight" in tensors else None,
        "dual_attention_layers": tuple(
            i for i in range(layers) if f"joint_blocks.{i}.x_block.attn2.qkv.weight" in tensors
        ),
    }
    where = place(tensors, device, dtype)
    weights = convert_sd3_transformer_checkpoint_to_diffusers(dict(tensors))
    network = Network(
        empty(lambda: SD3Transformer2DModel(**config), str(file.path)), weights,
        device=where.device, storage=where.storage, compute=where.compute, source=str(file.path),
    )  # fmt: skip
    return Model(network, Sd3Family(), flow(SD3_SHIFT))


def flux_model(file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None) -> Model:
    """Flux dev (told a guidance number) or schnell.

    Raises:
        ModelFileError: if the file is incomplete.
    """
    from diffusers import FluxTransformer2DModel
    from diffusers.loaders.single_file_utils import convert_flux_transformer_checkpoint_to_diffusers

    tensors = _under(file, prefix)
    width, channels = tensors["img_in.weight"].shape
    guided = "guidance_in.in_layer.weight" in tensors
    head = tensors["double_blocks.0.img_attn.norm.key_norm.scale"].shape[0]
    config: dict[str, Any] = {
        "patch_size": 1,
        "in_channels": channels,
        "num_layers": _count(tensors, "double_blocks"),
        "num_single_layers": _count(tensors, "single_blocks"),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": tensors["txt_in.weight"].shape[1],
        "pooled_projection_dim": tensors["vector_in.in_layer.weight"].shape[1],
        "guidance_embeds": guided,
    }
    where = place(tensors, device, dtype)
    weights = convert_flux_transformer_checkpoint_to_diffusers(dict(tensors))
    network = Network(
        empty(lambda: FluxTransformer2DModel(**config), str(file.path)), weights,
        device=where.device, storage=where.storage, compute=where.compute, source=str(file.path),
    )  # fmt: skip
    return Model(network, FluxFamily(guided), flux_flow() if guided else flow(1.0, 1.0))


def _under(file: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: file[name] for name in file if name.startswith(prefix)}


def _count(tensors: Mapping[str, Tensor], block: str) -> int:
    return max((int(m[1]) + 1 for name in tensors if (m := re.match(rf"{block}\.(\d+)\.", name))), default=0)


__all__ = ["flux_model", "is_flux", "is_sd3", "sd3_model"]
