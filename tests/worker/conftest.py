"""A tiny diffusion model with random weights, in the original single-file layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

UNET = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "input_blocks.2.0.op": "down_blocks.0.downsamplers.0.conv",
    "input_blocks.1.1": "down_blocks.0.attentions.0",
    "input_blocks.3.1": "down_blocks.1.attentions.0",
    "middle_block.1": "mid_block.attentions.0",
    "output_blocks.0.1": "up_blocks.0.attentions.0",
    "output_blocks.1.1": "up_blocks.0.attentions.1",
    "output_blocks.1.2.conv": "up_blocks.0.upsamplers.0.conv",
    "output_blocks.2.1": "up_blocks.1.attentions.0",
    "output_blocks.3.1": "up_blocks.1.attentions.1",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
RESNETS = {
    "input_blocks.1.0": "down_blocks.0.resnets.0",
    "input_blocks.3.0": "down_blocks.1.resnets.0",
    "middle_block.0": "mid_block.resnets.0",
    "middle_block.2": "mid_block.resnets.1",
    "output_blocks.0.0": "up_blocks.0.resnets.0",
    "output_blocks.1.0": "up_blocks.0.resnets.1",
    "output_blocks.2.0": "up_blocks.1.resnets.0",
    "output_blocks.3.0": "up_blocks.1.resnets.1",
}
RESNET_PARTS = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
VAE = {
    "conv_shortcut": "nin_shortcut",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
    "mid_block.attentions.0.to_q": "mid.attn_1.q",
    "mid_block.attentions.0.to_k": "mid.attn_1.k",
    "mid_block.attentions.0.to_v": "mid.attn_1.v",
    "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
    "conv_norm_out": "norm_out",
    ".downsamplers.0": ".downsample",
    ".upsamplers.0": ".upsample",
    ".resnets.": ".block.",
    "down_blocks.": "down.",
}


def write_tiny_checkpoint(path: Path) -> Path:
    """Write a checkpoint of about 1 MB whose pictures are noise, but whose every part is real."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import save_file
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(7)
    unet_config = {
        "in_channels": 4, "out_channels": 4, "block_out_channels": [16, 32], "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D"] * 2, "up_block_types": ["CrossAttnUpBlock2D"] * 2,
        "cross_attention_dim": 32, "attention_head_dim": 2, "norm_num_groups": 8,
    }  # fmt: skip
    vae_config = {
        "block_out_channels": [8, 8, 16, 16], "layers_per_block": 1, "norm_num_groups": 4, "latent_channels": 4,
        "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
    }  # fmt: skip
    symbols = [chr(code) for code in range(33, 127)] + [chr(code) for code in range(161, 324)]
    words = [*symbols, *(f"{symbol}</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(words)}
    text_config = {
        "vocab_size": len(words), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 77, "hidden_act": "quick_gelu",
        "bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": len(words) - 1,
    }  # fmt: skip
    tensors = {}
    table = {new: old for old, new in UNET.items()}
    for old, new in RESNETS.items():
        table |= {f"{new}.{part}": f"{old}.{name}" for name, part in RESNET_PARTS.items()}
    for name, tensor in UNet2DConditionModel(**unet_config).state_dict().items():
        prefix = next(key for key in sorted(table, key=len, reverse=True) if name.startswith(f"{key}."))
        tensors[f"model.diffusion_model.{table[prefix]}{name[len(prefix) :]}"] = tensor
    for name, tensor in AutoencoderKL(**vae_config).state_dict().items():
        if name.startswith("decoder.up_blocks."):
            number = int(name.split(".")[2])
            name = name.replace(f"up_blocks.{number}.", f"up.{3 - number}.")
        for new, old in VAE.items():
            name = name.replace(new, old)
        tensors[f"first_stage_model.{name}"] = tensor
    for name, tensor in CLIPTextModel(CLIPTextConfig(**text_config)).state_dict().items():
        name = name if name.startswith("text_model.") else f"text_model.{name}"
        if not name.endswith("position_ids"):
            tensors[f"cond_stage_model.transformer.{name}"] = tensor
    config = {
        "version": 1, "prediction_type": "epsilon", "scaling_factor": 0.18215, "unet": unet_config,
        "vae": vae_config, "text_encoder": text_config,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {
        "format": "pt", "heddle.family": "sd1", "heddle.config": json.dumps(config),
        "heddle.tokenizer": json.dumps({"vocab": vocabulary, "merges": []}),
    }  # fmt: skip
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    return path


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint, written once a session."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("models") / "checkpoints" / "tiny.safetensors")
