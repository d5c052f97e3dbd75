"""The names under which LoRA files know the layers of a model: kohya, LyCORIS, diffusers, PEFT and native."""

from __future__ import annotations

from diffusion.layouts.renaming import rename, reverse
from diffusion.network import Network
from diffusion.text.encoder import TextEncoder


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
            f"base_model.model.{layer}", f"base_model.model.{native}", f"diffusion_model.{native}", layer, native,
        ):  # fmt: skip
            result.setdefault(name, parameter)
        if layer.endswith(("to_q", "to_k", "to_v", "to_out.0")):  # diffusers' older attention processors
            old = layer.replace(".to_", ".processor.to_").replace("to_out.0", "to_out")
            result.setdefault(f"unet.{old}", parameter)
            result.setdefault(old, parameter)
    return result


def fused_names(network: Network) -> dict[str, str]:
    """Every name under which LoRA files know a layer that the module keeps in pieces → its original name."""
    return {
        name: layer
        for layer in network.pieces
        for flat in (layer.replace(".", "_"),)
        for name in (
            f"lora_unet_{flat}", f"lora_transformer_{flat}", f"lycoris_{flat}", f"diffusion_model.{layer}",
            f"transformer.{layer}", f"base_model.model.{layer}", layer,
        )
    }  # fmt: skip


def text_names(tower: str, network: Network, clip: TextEncoder) -> dict[str, str]:
    """Every name under which LoRA files know a layer of one text encoder → its parameter."""
    alone = len(clip.towers) == 1
    number = {"l": 1, "g": 2, "h": 1, "t5xxl": 3}.get(tower, 1)
    prefixes = [f"lora_te{number}_", f"text_encoders.{'clip_' if number < 3 else ''}{tower}.transformer."]
    dotted = ["text_encoder." if number == 1 else f"text_encoder_{number}."]
    if number == 1 or alone:
        prefixes.append("lora_te_")
        dotted.append("text_encoder.")
    if tower == "g" and alone:
        prefixes += ["lora_te2_", "lora_te1_", "lora_prior_te_"]
        dotted.append("text_encoder_2.")
    result: dict[str, str] = {}
    for parameter in network.parameter_names():
        layer = parameter.removesuffix(".weight")
        full = layer if tower == "t5xxl" else f"text_model.{layer}"
        for prefix in prefixes:
            result[prefix + (full if prefix.endswith(".") else full.replace(".", "_"))] = parameter
        for prefix in dotted:
            result[prefix + full] = parameter
    return result


__all__ = ["fused_names", "model_names", "text_names"]
