"""Writing the trained networks as one self-contained file in SD1's original layout."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor

from diffusion.training.model_sizes import (
    BETAS,
    NAME,
    NATIVE_SIZE,
    RECOMMENDED,
    SCALING_FACTOR,
    UNET,
    VAE,
    Networks,
    text_settings,
)
from diffusion.training.original_layout import original_autoencoder, original_unet
from diffusion.training.preview_colours import preview_colours
from diffusion.training.vocabulary import Vocabulary

LARGEST = 16_000_000  # bytes


def description(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return what the file says about itself under ``heddle.config``."""
    return {
        "version": 1,
        "native_width": NATIVE_SIZE,
        "native_height": NATIVE_SIZE,
        "prediction_type": "epsilon",
        "scaling_factor": SCALING_FACTOR,
        "betas": BETAS,
        "recommended": RECOMMENDED,
        "unet": UNET,
        "vae": VAE,
        "text_encoder": text_settings(len(vocabulary.ids)),
    }


def export(networks: Networks, vae: AutoencoderKL, vocabulary: Vocabulary, path: Path) -> int:
    """Write the file, float16; it appears under its name only when it is complete.

    Returns:
        Its size in bytes.

    Raises:
        ValueError: if the file would be larger than 16 MB.
    """
    tensors = {f"model.diffusion_model.{name}": t for name, t in original_unet(networks.unet).items()}
    tensors |= {f"first_stage_model.{name}": t for name, t in original_autoencoder(vae).items()}
    text_prefix = "cond_stage_model.transformer.text_model."
    for name, tensor in networks.text_encoder.state_dict().items():
        tensors[text_prefix + name.removeprefix("text_model.")] = tensor
    about = {**description(vocabulary), "latent_rgb": preview_colours(vae, SCALING_FACTOR)}
    return write_model(path, tensors, "sd1", NAME, about, vocabulary)


def write_model(
    path: Path, tensors: Mapping[str, Tensor], family: str, name: str, about: Mapping[str, Any], vocabulary: Vocabulary
) -> int:
    """Write a self-describing model file, float16.

    Args:
        about: what stands under ``heddle.config``.
    Returns:
        Its size in bytes.
    Raises:
        ValueError: if the file would be larger than 16 MB.
    """
    halves = {key: tensor.detach().to(torch.float16).contiguous() for key, tensor in tensors.items()}
    metadata = {
        "format": "pt",
        "heddle.family": family,
        "heddle.name": name,
        "heddle.config": json.dumps(about),
        "heddle.tokenizer": json.dumps(vocabulary.to_data(), ensure_ascii=False),
    }
    temporary = path.with_suffix(".tmp")
    save_file(halves, temporary, metadata)
    size = temporary.stat().st_size
    if size > LARGEST:
        temporary.unlink()
        raise ValueError(f"{path.name} would have {size} bytes, more than {LARGEST}: choose smaller networks")
    os.replace(temporary, path)
    return size
