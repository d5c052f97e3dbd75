"""Names of the tensors in the original single-file layouts of SD1 and SDXL, for networks of diffusers.

Source of the layouts: Rombach et al., "High-resolution image synthesis with latent diffusion models" (2022);
Podell et al. 2023, arXiv:2307.01952.
"""

from collections.abc import Mapping

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModelWithProjection

Renames = dict[str, str]  # dotted prefix of diffusers → dotted prefix of the original layout

_UNET_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_OPEN_CLIP_LAYER = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def original_unet(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """Return the U-Net's tensors under their original names, without the outer prefix."""
    stages = len(unet.config.block_out_channels)
    layers = unet.config.layers_per_block
    layers = [layers] * stages if isinstance(layers, int) else list(layers)
    names: Renames = {
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "class_embedding.linear_1": "label_emb.0.0",
        "class_embedding.linear_2": "label_emb.0.2",
        "conv_in": "input_blocks.0.0",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
        "mid_block.attentions.0": "middle_block.1",
        **_resnet("mid_block.resnets.0", "middle_block.0"),
        **_resnet("mid_block.resnets.1", "middle_block.2"),
    }
    number = 1
    for stage in range(stages):
        for layer in range(layers[stage]):
            names |= _resnet(f"down_blocks.{stage}.resnets.{layer}", f"input_blocks.{number}.0")
            names[f"down_blocks.{stage}.attentions.{layer}"] = f"input_blocks.{number}.1"
            number += 1
        names[f"down_blocks.{stage}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
        number += 1
    number = 0
    for stage in range(stages):
        for layer in range(layers[stages - 1 - stage] + 1):
            names |= _resnet(f"up_blocks.{stage}.resnets.{layer}", f"output_blocks.{number}.0")
            names[f"up_blocks.{stage}.attentions.{layer}"] = f"output_blocks.{number}.1"
            number += 1
        place = 2 if unet.config.up_block_types[stage].startswith("CrossAttn") else 1
        names[f"up_blocks.{stage}.upsamplers.0.conv"] = f"output_blocks.{number - 1}.{place}.conv"
    return _renamed(unet.state_dict(), names)


def original_open_clip(encoder: CLIPTextModelWithProjection) -> dict[str, Tensor]:
    """Return a text encoder's tensors under OpenCLIP's names, without the outer prefix.

    Source of the layout: the published code of open_clip (`TextTransformer`).
    """
    weights = encoder.state_dict()
    ends = {
        "token_embedding.weight": "embeddings.token_embedding.weight",
        "positional_embedding": "embeddings.position_embedding.weight",
        "ln_final.weight": "final_layer_norm.weight",
        "ln_final.bias": "final_layer_norm.bias",
    }
    tensors = {name: weights[f"text_model.{ours}"] for name, ours in ends.items()}
    tensors["text_projection"] = weights["text_projection.weight"].T
    for layer in range(encoder.config.num_hidden_layers):
        ours, block = f"text_model.encoder.layers.{layer}", f"transformer.resblocks.{layer}"
        for kind in ("weight", "bias"):
            parts = [weights[f"{ours}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            tensors[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
            for name, own in _OPEN_CLIP_LAYER.items():
                tensors[f"{block}.{name}.{kind}"] = weights[f"{ours}.{own}.{kind}"]
    return tensors


def original_autoencoder(vae: AutoencoderKL) -> dict[str, Tensor]:
    """Return the autoencoder's tensors under their original names, without the outer prefix."""
    stages = len(vae.config.block_out_channels)
    layers = vae.config.layers_per_block
    names: Renames = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}
    for side in ("encoder", "decoder"):
        names |= {f"{side}.{end}": f"{side}.{end}" for end in ("conv_in", "conv_out")}
        names[f"{side}.conv_norm_out"] = f"{side}.norm_out"
        attention = f"{side}.mid_block.attentions.0"
        names |= {f"{attention}.{a}": f"{side}.mid.attn_1.{b}" for a, b in _VAE_ATTENTION.items()}
        for place in (0, 1):
            names |= _vae_resnet(f"{side}.mid_block.resnets.{place}", f"{side}.mid.block_{place + 1}")
    for stage in range(stages):
        mirrored = stages - 1 - stage  # the original counts decoder stages from the picture's side
        for layer in range(layers + 1):
            names |= _vae_resnet(f"encoder.down_blocks.{stage}.resnets.{layer}", f"encoder.down.{stage}.block.{layer}")
            names |= _vae_resnet(f"decoder.up_blocks.{stage}.resnets.{layer}", f"decoder.up.{mirrored}.block.{layer}")
        names[f"encoder.down_blocks.{stage}.downsamplers.0.conv"] = f"encoder.down.{stage}.downsample.conv"
        names[f"decoder.up_blocks.{stage}.upsamplers.0.conv"] = f"decoder.up.{mirrored}.upsample.conv"
    tensors = _renamed(vae.state_dict(), names)
    for name, tensor in tensors.items():
        if ".attn_1." in name and tensor.ndim == 2:  # the original writes these as 1×1 convolutions
            tensors[name] = tensor[:, :, None, None]
    return tensors


def _resnet(ours: str, original: str) -> Renames:
    return {f"{ours}.{a}": f"{original}.{b}" for a, b in _UNET_RESNET.items()}


def _vae_resnet(ours: str, original: str) -> Renames:
    parts = {part: part for part in ("norm1", "conv1", "norm2", "conv2")} | {"conv_shortcut": "nin_shortcut"}
    return {f"{ours}.{a}": f"{original}.{b}" for a, b in parts.items()}


def _renamed(tensors: Mapping[str, Tensor], names: Renames) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        prefix = name
        while prefix not in names:
            prefix, dot, _ = prefix.rpartition(".")
            if not dot:
                raise KeyError(f"tensor '{name}' has no place in the original layout")
        result[names[prefix] + name[len(prefix) :]] = tensor
    return result
