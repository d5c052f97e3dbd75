"""First weights of the larger models, taken from a smaller one that is trained already.

New parts begin so that they change nothing: added layers with a last matrix of zeros, added columns of zeros. So
training goes on from what the smaller model can draw.
"""

from collections.abc import Mapping
from random import Random

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from diffusion.training.captions import sample_captions
from diffusion.training.model_sizes import Networks
from diffusion.training.vocabulary import Vocabulary
from diffusion.training.xl_sizes import (
    FIRST_WIDTH,
    NUMBER_WIDTH,
    POOLED,
    BaseNetworks,
    RefinerNetworks,
    build_base,
    build_refiner,
)

KEYS_AND_VALUES = ("attn2.to_k.weight", "attn2.to_v.weight")


@torch.no_grad()
def base_from(small: Networks, vocabulary: Vocabulary) -> BaseNetworks:
    """Build the base's networks around the first model's.

    The first model's text encoder becomes the first two of three layers of the larger encoder. Its final norm, which
    has no place before the last layer, moves into the matrices that read it, with the mean spread of its inputs.
    """
    base = build_base(len(vocabulary.ids))
    _widen_second_encoder(small.text_encoder, base.text_encoder_2)
    norm = small.text_encoder.final_layer_norm
    spread = _spread_before_norm(base.text_encoder_2, vocabulary)
    base.text_encoder_2.text_model.encoder.layers[1].mlp.fc2.bias += norm.bias * spread / norm.weight
    width = len(norm.weight)
    centring = torch.eye(width) - 1 / width
    weights = dict(small.unet.state_dict())
    for name, weight in weights.items():
        if name.endswith(KEYS_AND_VALUES):
            read = (weight * norm.weight / spread) @ centring
            weights[name] = torch.cat([torch.zeros(len(weight), FIRST_WIDTH), read], dim=1)
        elif name.endswith(("proj_in.weight", "proj_out.weight")):
            weights[name] = weight[:, :, 0, 0]
    _load(base.unet, weights, new="class_embedding.")
    _silence(base.unet.class_embedding.linear_2)
    return base


@torch.no_grad()
def refiner_from(base: BaseNetworks) -> RefinerNetworks:
    """Build the refiner's U-Net around the base's: no first text encoder, a score instead of a target size."""
    refiner = build_refiner()
    weights: dict[str, Tensor] = {}
    for name, weight in base.unet.state_dict().items():
        if name.endswith(KEYS_AND_VALUES):
            weight = weight[:, FIRST_WIDTH:]
        elif name == "class_embedding.linear_1.weight":
            kept = POOLED + 4 * NUMBER_WIDTH  # pooled text, original size and crop; the score begins silent
            weight = torch.cat([weight[:, :kept], torch.zeros(len(weight), NUMBER_WIDTH)], dim=1)
        weights[name.replace("up_blocks.2.resnets.1.", "up_blocks.2.resnets.2.")] = weight
    _load(refiner.unet, weights, new=("down_blocks.0.resnets.1.", "up_blocks.2.resnets.1."))
    added_down, added_up = refiner.unet.down_blocks[0].resnets[1], refiner.unet.up_blocks[2].resnets[1]
    _silence(added_down.conv2)
    _silence(added_up.conv2)
    _silence(added_up.conv_shortcut)
    channels = added_up.conv_shortcut.out_channels
    added_up.conv_shortcut.weight[:, :channels, 0, 0] = torch.eye(channels)
    return refiner


def _widen_second_encoder(small: CLIPTextModel, large: CLIPTextModelWithProjection) -> None:
    """Copy the small encoder's layers, their strongest inner units only; the layers after them begin silent."""
    weights = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    kept = large.config.intermediate_size
    for layer in range(small.config.num_hidden_layers):
        prefix = f"encoder.layers.{layer}.mlp."
        inward, outward = weights[f"{prefix}fc1.weight"], weights[f"{prefix}fc2.weight"]
        units = (inward.norm(dim=1) * outward.norm(dim=0)).topk(kept).indices.sort().values
        weights[f"{prefix}fc1.weight"] = inward[units]
        weights[f"{prefix}fc1.bias"] = weights[f"{prefix}fc1.bias"][units]
        weights[f"{prefix}fc2.weight"] = outward[:, units]
    added = range(small.config.num_hidden_layers, large.config.num_hidden_layers)
    _load(large.text_model, weights, new=tuple(f"encoder.layers.{layer}." for layer in added))
    for layer in added:
        block = large.text_model.encoder.layers[layer]
        _silence(block.self_attn.out_proj)
        _silence(block.mlp.fc2)


def _spread_before_norm(encoder: CLIPTextModelWithProjection, vocabulary: Vocabulary) -> Tensor:
    """Mean standard deviation over the channels of the features that the second of three layers gives."""
    tokens = torch.tensor(vocabulary.encode(sample_captions(Random(7), 64)))
    features = encoder(tokens, output_hidden_states=True).hidden_states[-2]
    return features[:, 1:].std(dim=-1, correction=0).mean()


def _load(network: nn.Module, weights: Mapping[str, Tensor], new: str | tuple[str, ...]) -> None:
    """Load the weights; only those whose names begin with `new` may be missing.

    Raises:
        ValueError: if a weight has no place, or another one is missing.
    """
    missing, unexpected = network.load_state_dict(weights, strict=False)
    wrong = [name for name in missing if not name.startswith(new)] + list(unexpected)
    if wrong:
        raise ValueError(f"the smaller model does not fit into the larger one: {', '.join(wrong[:5])}")


def _silence(layer: nn.Module) -> None:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
