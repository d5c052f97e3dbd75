"""Fakes for tests: small random models in true key layouts, and denoisers whose answers are known exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.layouts.autoencoder import autoencoder_table
from diffusion.layouts.renaming import Table, rename, reverse
from diffusion.layouts.unet import Block, unet_table
from diffusion.sampling.contract import Guided
from diffusion.sampling.prediction import Prediction
from diffusion.text.vocabulary import byte_characters

CONTEXT, WIDTH = 32, 32


@dataclass(frozen=True)
class GaussianDenoiser:
    """The exact denoiser of normally distributed data, under any prediction.

    Attributes:
        mean, deviation: of the data.
    """

    prediction: Prediction
    mean: float = 0.5
    deviation: float = 0.3

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Tensor:
        signal = 1 - sigma if self.prediction.is_flow else torch.ones(())
        variance = (signal * self.deviation) ** 2 + sigma**2
        return self.mean + signal * self.deviation**2 / variance * (x - signal * self.mean)

    def guided(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Guided:
        denoised = self(x, sigma, conditioning)
        return Guided(denoised, denoised)

    def solution(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Where the probability-flow equation takes `x` from `sigma` to 0."""
        signal = 1 - sigma if self.prediction.is_flow else torch.ones(())
        spread = ((signal * self.deviation) ** 2 + sigma**2).sqrt()
        return self.mean + self.deviation * (x - signal * self.mean) / spread


def tiny_config(**changes: Any) -> dict[str, Any]:
    """What a tiny checkpoint says about itself."""
    return {
        "version": 1,
        "native_width": 64,
        "native_height": 64,
        "prediction_type": "epsilon",
        "scaling_factor": 0.18215,
        "betas": {"schedule": "scaled_linear", "start": 0.00085, "end": 0.012, "steps": 1000},
        "unet": {
            "in_channels": 4, "out_channels": 4, "block_out_channels": [WIDTH, 2 * WIDTH], "layers_per_block": 1,
            "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
            "attention_head_dim": 2, "cross_attention_dim": CONTEXT, "norm_num_groups": 8,
        },
        "vae": {
            "block_out_channels": [16, 16, 16, 16], "layers_per_block": 1, "norm_num_groups": 8, "latent_channels": 4,
            "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
        },
        "text_encoder": {
            "hidden_size": CONTEXT, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2,
            "max_position_embeddings": 77, "vocab_size": 514, "hidden_act": "quick_gelu",
            "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
        },
        **changes,
    }  # fmt: skip


def tiny_vocabulary() -> dict[str, Any]:
    """A byte-level vocabulary in CLIP's format, without merges."""
    characters = byte_characters()
    tokens = [*characters, *(c + "</w>" for c in characters), "<|startoftext|>", "<|endoftext|>"]
    return {"vocab": {token: index for index, token in enumerate(tokens)}, "merges": []}


def tiny_tensors(seed: int = 0, config: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
    """The tensors of a tiny SD1-layout checkpoint, under their original names."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    config = config or tiny_config()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(**config["unet"])
        vae = AutoencoderKL(**config["vae"])
        text = CLIPTextModel(CLIPTextConfig(**config["text_encoder"]))
    stages = [[Block(width, 1)] for width in config["unet"]["block_out_channels"]]
    downs = list(range(2, 2 * len(stages), 2))
    tables: list[tuple[str, Table, Mapping[str, Tensor]]] = [
        ("model.diffusion_model.", unet_table(stages, downs, [[1, 1] for _ in stages], True, True), unet.state_dict()),
        ("first_stage_model.", autoencoder_table(4, 1), vae.state_dict()),
    ]
    result: dict[str, Tensor] = {}
    for prefix, table, tensors in tables:
        back = reverse(table)
        for name, tensor in tensors.items():
            original = rename(name, back)
            assert original is not None, name
            result[prefix + original] = tensor.clone()
    for name, tensor in text.state_dict().items():
        result["cond_stage_model.transformer.text_model." + name.removeprefix("text_model.")] = tensor.clone()
    return result


def tiny_checkpoint(
    path: Path, seed: int = 0, config: Mapping[str, Any] | None = None, dtype: torch.dtype = torch.float32
) -> Path:
    """Write a tiny random checkpoint in the SD1 layout that describes itself.

    Returns:
        The path.
    """
    config = config or tiny_config()
    tensors = {name: tensor.to(dtype) for name, tensor in tiny_tensors(seed, config).items()}
    metadata = {
        "format": "pt",
        "heddle.family": "sd1",
        "heddle.config": json.dumps(config),
        "heddle.tokenizer": json.dumps(tiny_vocabulary()),
    }
    save_file(tensors, path, metadata)
    return path


__all__ = ["GaussianDenoiser", "tiny_checkpoint", "tiny_config", "tiny_tensors", "tiny_vocabulary"]
