"""Writing base and refiner as self-contained files in SDXL's original layout."""

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTextModelWithProjection

from diffusion.training.export import write_model
from diffusion.training.model_sizes import BETAS, NATIVE_SIZE
from diffusion.training.original_layout import original_autoencoder, original_open_clip, original_unet
from diffusion.training.preview_colours import preview_colours
from diffusion.training.vocabulary import Vocabulary
from diffusion.training.xl_sizes import (
    BASE_NAME,
    BASE_UNET,
    HANDOFF_TIMESTEP,
    REFINER_NAME,
    REFINER_UNET,
    SCALING_FACTOR,
    XL_VAE,
    BaseNetworks,
    RefinerNetworks,
    first_text_settings,
    second_text_settings,
)

RECOMMENDED = {"steps": 20, "guidance_scale": 4.0, "sampler": "dpmpp_2m", "schedule": "karras"}


def export_base(networks: BaseNetworks, vae: AutoencoderKL, vocabulary: Vocabulary, path: Path) -> int:
    """Write the base.

    Returns:
        Its size in bytes.
    Raises:
        ValueError: if the file would be larger than 16 MB.
    """
    scaled = rescaled(vae)
    tensors = _shared(networks, scaled)
    first = "conditioner.embedders.0.transformer.text_model."
    for name, tensor in networks.text_encoder.state_dict().items():
        tensors[first + name.removeprefix("text_model.")] = tensor
    tensors |= _prefixed("conditioner.embedders.1.model.", original_open_clip(networks.text_encoder_2))
    words = len(vocabulary.ids)
    about = {
        **_description(scaled, BASE_UNET),
        "text_encoder": first_text_settings(words),
        "text_encoder_2": second_text_settings(words),
    }
    return write_model(path, tensors, "sdxl", BASE_NAME, about, vocabulary)


def export_refiner(
    networks: RefinerNetworks,
    encoder: CLIPTextModelWithProjection,
    vae: AutoencoderKL,
    vocabulary: Vocabulary,
    path: Path,
) -> int:
    """Write the refiner with the text encoder that it reads.

    Returns:
        Its size in bytes.
    Raises:
        ValueError: if the file would be larger than 16 MB.
    """
    scaled = rescaled(vae)
    tensors = _shared(networks, scaled)
    tensors |= _prefixed("conditioner.embedders.0.model.", original_open_clip(encoder))
    about = {
        **_description(scaled, REFINER_UNET),
        "trained_timesteps": HANDOFF_TIMESTEP,
        "text_encoder_2": second_text_settings(len(vocabulary.ids)),
    }
    return write_model(path, tensors, "sdxl_refiner", REFINER_NAME, about, vocabulary)


@torch.no_grad()
def rescaled(vae: AutoencoderKL) -> AutoencoderKL:
    """Return the autoencoder with SDXL's scaling factor; pictures and scaled latents stay the same."""
    result = AutoencoderKL(**XL_VAE).eval()
    result.load_state_dict(vae.state_dict())
    factor = vae.config.scaling_factor / SCALING_FACTOR
    channels = result.config.latent_channels
    result.quant_conv.weight[:channels] *= factor
    result.quant_conv.bias[:channels] *= factor
    result.quant_conv.bias[channels:] += 2 * torch.tensor(factor).log()  # log variance
    result.post_quant_conv.weight /= factor
    return result


def _shared(networks: BaseNetworks | RefinerNetworks, vae: AutoencoderKL) -> dict[str, Tensor]:
    tensors = _prefixed("model.diffusion_model.", original_unet(networks.unet))
    return tensors | _prefixed("first_stage_model.", original_autoencoder(vae))


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _description(vae: AutoencoderKL, unet: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": 1,
        "native_width": NATIVE_SIZE,
        "native_height": NATIVE_SIZE,
        "prediction_type": "epsilon",
        "scaling_factor": SCALING_FACTOR,
        "betas": BETAS,
        "recommended": RECOMMENDED,
        "unet": unet,
        "vae": XL_VAE,
        "latent_rgb": preview_colours(vae, SCALING_FACTOR),
    }
