"""Denoising transformers out of a file: Stable Diffusion 3 and Flux, in the original layout or that of diffusers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import MissingWeights
from diffusion.families.flux import FluxFamily
from diffusion.families.sd3 import Sd3Family
from diffusion.layouts.transformers import TransformerLayout, blocks_of, flux_layout, original_shapes, sd3_layout
from diffusion.model import Model
from diffusion.placement import place
from diffusion.sampling.prediction import flow, flux_flow
from diffusion.tensor_file import TensorFile

SD3_SHIFT = 3.0
_POOLED = "time_text_embed.text_embedder.linear_1.weight"


def is_sd3(file: TensorFile, prefix: str) -> bool:
    """Whether a Stable Diffusion 3 transformer lies under a prefix."""
    return f"{prefix}joint_blocks.0.context_block.attn.qkv.weight" in file or f"{prefix}pos_embed.proj.weight" in file


def is_flux(file: TensorFile, prefix: str) -> bool:
    """Whether a Flux transformer lies under a prefix."""
    return (
        f"{prefix}double_blocks.0.img_attn.norm.key_norm.scale" in file
        or f"{prefix}single_transformer_blocks.0.attn.norm_k.weight" in file
    )


def sd3_model(
    file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None, storage: torch.dtype | None = None,
    shift: float = SD3_SHIFT,
) -> Model:  # fmt: skip
    """Stable Diffusion 3 or 3.5, any size.

    Args:
        storage: dtype the weights are kept in; None chooses.
        shift: of its time.
    Raises:
        ModelFileError: if the file is incomplete.
    """
    from diffusers import SD3Transformer2DModel

    weights, layout = _read(file, prefix, flux=False)
    config = sd3_config(weights, str(file.path))
    where = place(weights, device, dtype, storage)
    network = where.network(
        lambda: SD3Transformer2DModel(**config), weights, str(file.path), names=layout.plain, pieces=layout.pieces
    )
    return Model(network, Sd3Family(), flow(shift))


def flux_model(
    file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None, storage: torch.dtype | None = None
) -> Model:
    """Flux dev (told a guidance number) or schnell.

    Args:
        storage: dtype the weights are kept in; None chooses.
    Raises:
        ModelFileError: if the file is incomplete.
    """
    from diffusers import FluxTransformer2DModel

    weights, layout = _read(file, prefix, flux=True)
    config = flux_config(weights, str(file.path))
    guided = config["guidance_embeds"]
    if "proj_out.weight" in weights:  # fewer than it reads, where a picture is joined to the latent
        config["out_channels"] = weights["proj_out.weight"].shape[0]
    where = place(weights, device, dtype, storage)
    network = where.network(
        lambda: FluxTransformer2DModel(**config), weights, str(file.path), names=layout.plain, pieces=layout.pieces
    )
    return Model(network, FluxFamily(guided), flux_flow() if guided else flow(1.0, 1.0))


def sd3_config(weights: Mapping[str, Tensor], source: str) -> dict[str, Any]:
    """Arguments of an SD3 transformer, or of the control network beside one, by its weights.

    Raises:
        MissingWeights: if tensors that tell its size are missing.
    """
    _require(weights, source, "pos_embed.proj.weight", "context_embedder.weight", "pos_embed.pos_embed", _POOLED)
    patches = weights["pos_embed.proj.weight"]
    layers = blocks_of(weights, "transformer_blocks")
    return {
        "sample_size": 128,
        "patch_size": patches.shape[2],
        "in_channels": patches.shape[1],
        "out_channels": patches.shape[1],
        "num_layers": layers,
        "attention_head_dim": 64,
        "num_attention_heads": patches.shape[0] // 64,
        "joint_attention_dim": weights["context_embedder.weight"].shape[1],
        "caption_projection_dim": patches.shape[0],
        "pooled_projection_dim": weights[_POOLED].shape[1],
        "pos_embed_max_size": math.isqrt(weights["pos_embed.pos_embed"].shape[1]),
        "qk_norm": "rms_norm" if "transformer_blocks.0.attn.norm_q.weight" in weights else None,
        "dual_attention_layers": tuple(
            i for i in range(layers) if f"transformer_blocks.{i}.attn2.to_q.weight" in weights
        ),
    }


def flux_config(weights: Mapping[str, Tensor], source: str) -> dict[str, Any]:
    """Arguments of a Flux transformer, or of the control network beside one, by its weights.

    Raises:
        MissingWeights: if tensors that tell its size are missing.
    """
    key = "transformer_blocks.0.attn.norm_k.weight"
    _require(weights, source, "x_embedder.weight", "context_embedder.weight", key, _POOLED)
    width, channels = weights["x_embedder.weight"].shape
    guided = "time_text_embed.guidance_embedder.linear_1.weight" in weights
    head = weights[key].shape[0]
    return {
        "patch_size": 1,
        "in_channels": channels,
        "num_layers": blocks_of(weights, "transformer_blocks"),
        "num_single_layers": blocks_of(weights, "single_transformer_blocks"),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": weights["context_embedder.weight"].shape[1],
        "pooled_projection_dim": weights[_POOLED].shape[1],
        "guidance_embeds": guided,
    }


def _read(file: TensorFile, prefix: str, *, flux: bool) -> tuple[dict[str, Tensor], TransformerLayout]:
    """The tensors under diffusers' names, and how the original layers map to them."""
    found = {name[len(prefix) :]: file[name] for name in file if name.startswith(prefix)}
    layout_of = flux_layout if flux else sd3_layout
    if ("img_in.weight" if flux else "x_embedder.proj.weight") in found:
        layout = layout_of({name: tuple(tensor.shape) for name, tensor in found.items()})
        return layout.convert(found), layout
    return found, layout_of(original_shapes(found, flux=flux))


def _require(weights: Mapping[str, Tensor], source: str, *names: str) -> None:
    missing = [name for name in names if name not in weights]
    if missing:
        raise MissingWeights(
            f"'{source}' lacks tensors that tell the size of its transformer: {', '.join(missing)} (in diffusers' "
            "naming). The file is incomplete; use the complete file."
        )


__all__ = ["SD3_SHIFT", "flux_config", "flux_model", "is_flux", "is_sd3", "sd3_config", "sd3_model"]
