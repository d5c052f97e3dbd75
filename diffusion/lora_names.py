"""The names under which LoRA files know the layers of a model.

Trainers differ: kohya's scripts and LyCORIS flatten names, diffusers, PEFT and AI-toolkit keep their dots, OneTrainer
and SimpleTuner mix both, XLabs names the attention processors of Flux, and Black Forest Labs and the established tool
use the original layers.
"""

from __future__ import annotations

import re

from diffusion.layouts.renaming import rename, reverse
from diffusion.layouts.transformers import Piece
from diffusion.network import Network
from diffusion.text.encoder import TextEncoder

FIRST_LAYER = "x_embedder.weight"
"""Flux's first layer, which control LoRAs widen, so that it reads a picture beside the latent."""

_XLABS = {"img": 1, "txt": 2}


def model_names(network: Network) -> dict[str, str]:
    """Every name under which LoRA files know a layer of the denoising network → its parameter."""
    back = reverse(network.names) if network.names else {}
    result: dict[str, str] = {}
    for parameter in network.parameter_names():
        layer = parameter.removesuffix(".weight")
        original = rename(parameter, back) if back else parameter
        native = (original or parameter).removesuffix(".weight")
        flat, native_flat = layer.replace(".", "_"), native.replace(".", "_")
        for name in (
            f"lora_unet_{flat}", f"lora_unet_{native_flat}", f"lycoris_{flat}", f"lycoris_{native_flat}",
            f"lora_transformer_{flat}", f"lora_prior_unet_{flat}", f"unet.{layer}", f"transformer.{layer}",
            f"transformer.{native}", f"base_model.model.{layer}", f"base_model.model.{native}",
            f"diffusion_model.{native}", layer, native, *_of_xlabs(native),
        ):  # fmt: skip
            result.setdefault(name, parameter)
        if layer.endswith(("to_q", "to_k", "to_v", "to_out.0")):  # diffusers' older attention processors
            old = layer.replace(".to_", ".processor.to_").replace("to_out.0", "to_out")
            result.setdefault(f"unet.{old}", parameter)
            result.setdefault(old, parameter)
    return result


def fused_names(network: Network) -> dict[str, tuple[Piece, ...]]:
    """Every name under which LoRA files know a layer that the module keeps in pieces → where its rows lie."""
    result: dict[str, tuple[Piece, ...]] = {}
    for layer, pieces in network.pieces.items():
        flat = layer.replace(".", "_")
        for name in (
            f"lora_unet_{flat}", f"lora_transformer_{flat}", f"lycoris_{flat}", f"diffusion_model.{layer}",
            f"transformer.{layer}", f"base_model.model.{layer}", layer, *_of_xlabs(layer),
        ):  # fmt: skip
            result[name] = pieces
        if match := re.fullmatch(r"single_blocks\.(\d+)\.linear1", layer):  # XLabs leaves the rest of it alone
            own = f"single_blocks.{match[1]}.processor.qkv"
            result[own] = result[f"diffusion_model.{own}"] = pieces[:3]
    return result


def _of_xlabs(native: str) -> tuple[str, ...]:
    """XLabs' names of one of Flux's original layers."""
    if match := re.fullmatch(r"double_blocks\.(\d+)\.(img|txt)_attn\.(qkv|proj)", native):
        own = f"double_blocks.{match[1]}.processor.{match[3]}_lora{_XLABS[match[2]]}"
    elif match := re.fullmatch(r"single_blocks\.(\d+)\.linear2", native):
        own = f"single_blocks.{match[1]}.processor.proj"
    else:
        return ()
    return own, f"diffusion_model.{own}"


def text_names(tower: str, network: Network, clip: TextEncoder) -> dict[str, str]:
    """Every name under which LoRA files know a layer of one text encoder → its parameter."""
    numbers = _numbers(tower, {other.name for other in clip.towers})
    prefixes = [f"lora_te{number}_" for number in numbers]
    dotted = ["text_encoder." if number == 1 else f"text_encoder_{number}." for number in numbers]
    if 1 in numbers:
        prefixes.append("lora_te_")
    if tower == "g" and 1 in numbers:
        prefixes.append("lora_prior_te_")
    own = "" if tower == "t5xxl" else "clip_"
    dotted.append(f"text_encoders.{own}{tower}.transformer.")
    result: dict[str, str] = {}
    for parameter in network.parameter_names():
        layer = parameter.removesuffix(".weight")
        full = layer if tower == "t5xxl" else f"text_model.{layer}"
        result |= {prefix + full.replace(".", "_"): parameter for prefix in prefixes}
        result |= {prefix + full: parameter for prefix in dotted}
    return result


def projection_names(tower: str, clip: TextEncoder) -> tuple[str, ...]:
    """The names of the layer that projects the pooled vector of a text encoder."""
    numbers = _numbers(tower, {other.name for other in clip.towers})
    own = [f"lora_te{number}_text_projection" for number in numbers]
    return *own, "lora_prior_te_text_projection", f"text_encoders.clip_{tower}.transformer.text_projection"


def _numbers(tower: str, present: set[str]) -> tuple[int, ...]:
    """By which numbers trainers know a text encoder: its place in the family; the only one is the first."""
    if tower == "t5xxl":  # kohya calls it the third, also of Flux, where others call it the second
        return (3,) if "g" in present else (3, 2)
    if tower == "g":
        return (2,) if "l" in present else (2, 1)
    return (1,)


__all__ = ["FIRST_LAYER", "fused_names", "model_names", "projection_names", "text_names"]
