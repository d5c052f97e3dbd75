"""The sizes of the embedded model's three networks, and how they are built."""

from dataclasses import dataclass
from typing import Any

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

NAME = "heddle-shapes-128"
NATIVE_SIZE = 128
SCALING_FACTOR = 0.18215  # SD1's, so that any SD1 loader scales these latents to unit variance
BETAS = {"schedule": "scaled_linear", "start": 0.00085, "end": 0.012, "steps": 1000}
RECOMMENDED = {"steps": 20, "guidance_scale": 4.0, "sampler": "dpmpp_2m", "schedule": "karras"}

VAE: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "block_out_channels": [16, 32, 64, 64],
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 8,
    "sample_size": NATIVE_SIZE,
    "scaling_factor": SCALING_FACTOR,
}

UNET: dict[str, Any] = {
    "sample_size": NATIVE_SIZE // 8,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [64, 128, 128],
    "layers_per_block": 1,
    "attention_head_dim": 4,  # the number of heads: the established meaning of this argument in SD1
    "cross_attention_dim": 128,
    "norm_num_groups": 32,
}

TEXT_ENCODER: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 512,
    "projection_dim": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}


@dataclass(slots=True)
class Networks:
    """U-Net and text encoder, which are trained together."""

    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel

    def named(self) -> dict[str, Any]:
        """Return the networks by the names used in checkpoints."""
        return {"unet": self.unet, "text_encoder": self.text_encoder}


def text_settings(vocabulary_size: int) -> dict[str, Any]:
    """Return the arguments of CLIPTextConfig; the two last ids are the start and the end token."""
    return {
        **TEXT_ENCODER,
        "vocab_size": vocabulary_size,
        "bos_token_id": vocabulary_size - 2,
        "eos_token_id": vocabulary_size - 1,
        "pad_token_id": vocabulary_size - 1,
    }


def build_autoencoder() -> AutoencoderKL:
    """Build the autoencoder with random weights."""
    return AutoencoderKL(**VAE)


def build_networks(vocabulary_size: int) -> Networks:
    """Build U-Net and text encoder with random weights."""
    text_encoder = CLIPTextModel(CLIPTextConfig(**text_settings(vocabulary_size)))
    return Networks(UNet2DConditionModel(**UNET), text_encoder)
