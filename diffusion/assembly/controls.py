"""Control networks out of a file, one function for each kind of denoising network they stand beside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.assembly.flows import flux_config, sd3_config
from diffusion.control import ControlNet
from diffusion.errors import MissingWeights, ModelFileError
from diffusion.latents import FLUX, SD3
from diffusion.layouts.control import read_control
from diffusion.layouts.renaming import renamed
from diffusion.layouts.transformers import flux_layout
from diffusion.network import Network
from diffusion.placement import place
from diffusion.steering import FluxSteering, Sd3Steering, UNetSteering, UnionSteering
from diffusion.tensor_file import TensorFile

AVERAGED = ("_shuffle", "_shuffle_fp16")
"""How names of files end whose network works by means alone. Nothing inside them says so; the names are those of
ControlNet 1.1 (lllyasviel/ControlNet-v1-1), where the configuration beside the file says `global_average_pooling`."""

_SD3_INPUT, _FLUX_INPUT, _PIXELS_INPUT = (
    "pos_embed_input.proj.weight",
    "controlnet_x_embedder.weight",
    "pos_embed_input",
)
_HINT = re.compile(r"input_hint_block\.(\d+)\.(weight|bias)")


def is_sd3_control(names: Mapping[str, Any]) -> bool:
    """Whether tensor names are those of a control network for Stable Diffusion 3."""
    return "controlnet_blocks.0.weight" in names and _SD3_INPUT in names and "context_embedder.weight" in names


def is_flux_control(names: Mapping[str, Any]) -> bool:
    """Whether tensor names are those of a control network for Flux."""
    return _FLUX_INPUT in names or ("controlnet_blocks.0.weight" in names and f"{_PIXELS_INPUT}.weight" in names)


def unet_control(file: TensorFile, device: torch.device, base: Network | None) -> ControlNet:
    """A control network for a U-Net, in the original layout or that of diffusers, for one or several kinds of pictures.

    Args:
        base: the U-Net that a file of differences is added to.
    Raises:
        ModelFileError: if the file is incomplete or unknown.
    """
    from diffusers import ControlNetModel

    source = str(file.path)
    layout = read_control({name: file.shape(name) for name in file}, source)
    weights = renamed(file, file, layout.table, layout.prefix)
    if "difference" in file:
        weights = _added_to(weights, base, source)
    where = place(weights, device)
    if layout.types is None:
        network = where.network(lambda: ControlNetModel(**layout.config), weights, source)
        return ControlNet(network, steering=UNetSteering(averaged=file.path.stem.endswith(AVERAGED)))
    from diffusion.union_control import UnionControlNet

    count, width = layout.types
    network = where.network(lambda: UnionControlNet(count, width, **layout.config), weights, source)
    return ControlNet(network, steering=UnionSteering(count))


def sd3_control(file: TensorFile, device: torch.device) -> ControlNet:
    """A control network for Stable Diffusion 3 that reads latents, in diffusers' layout.

    Raises:
        ModelFileError: if the file is incomplete.
    """
    from diffusers import SD3ControlNetModel

    source, weights = str(file.path), {name: file[name] for name in file}
    config = sd3_config(weights, source)
    extra = weights[_SD3_INPUT].shape[1] - config["in_channels"]
    where = place(weights, device)
    network = where.network(lambda: SD3ControlNetModel(**config, extra_conditioning_channels=extra), weights, source)
    # these networks were trained on latents that are scaled, but not shifted
    return ControlNet(network, steering=Sd3Steering(), latents=replace(SD3, shift=0.0), masked=extra == 1)


def flux_control(file: TensorFile, device: torch.device) -> ControlNet:
    """A control network for Flux: of InstantX and others (diffusers' layout, latents), or of XLabs (original, pixels).

    Raises:
        ModelFileError: if the file is incomplete.
    """
    from diffusers import FluxControlNetModel

    source, weights = str(file.path), {name: file[name] for name in file}
    pixels = _FLUX_INPUT not in weights
    if pixels:
        weights = _of_xlabs(weights, source)
    config = flux_config(weights, source)
    modes = weights.get("controlnet_mode_embedder.weight")
    count = 0 if modes is None else modes.shape[0]
    if count:
        config["num_mode"] = count
    if pixels:
        hint = weights["input_hint_block.conv_in.weight"].shape[0]
        config |= {"conditioning_embedding_channels": hint, "patch_size": 2}
    channels, own = weights[_FLUX_INPUT].shape[1], config["in_channels"]
    masked = channels == own + 4  # a mask, as 2×2 cells, beside the latent
    if channels != own and not masked and not pixels:
        raise ModelFileError(
            f"'{source}' reads {channels} channels where the model has {own}; a picture's latent has {own}, and "
            f"{own + 4} with a mask. Choose a control network for Flux."
        )

    def build() -> FluxControlNetModel:
        module = FluxControlNetModel(**config)
        if masked:
            module.controlnet_x_embedder = nn.Linear(channels, module.inner_dim)
        return module

    network = place(weights, device).network(build, weights, source)
    steering = FluxSteering(config["guidance_embeds"], pixels, count)
    return ControlNet(network, steering=steering, latents=None if pixels else FLUX, masked=masked)


def _of_xlabs(weights: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """XLabs' names as those of diffusers."""
    result = flux_layout({name: tuple(tensor.shape) for name, tensor in weights.items()}).convert(weights)
    layers = sorted({int(m[1]) for name in weights if (m := _HINT.fullmatch(name))})
    if len(layers) < 3:
        raise MissingWeights(f"'{source}' lacks layers that read the picture (input_hint_block). Use the whole file.")
    places = ["conv_in", *(f"blocks.{i}" for i in range(len(layers) - 2)), "conv_out"]
    for name, tensor in weights.items():
        part, _, kind = name.rpartition(".")
        if match := _HINT.fullmatch(name):
            result[f"input_hint_block.{places[layers.index(int(match[1]))]}.{kind}"] = tensor
        elif part == _PIXELS_INPUT:
            result[f"controlnet_x_embedder.{kind}"] = tensor
        elif part.startswith("controlnet_blocks."):
            result[name] = tensor
    return result


def _added_to(weights: Mapping[str, Tensor], base: Network | None, source: str) -> dict[str, Tensor]:
    """Differences as whole weights; layers that the U-Net lacks are whole already."""
    if base is None:
        raise ModelFileError(
            f"'{source}' holds differences to a model's weights. "
            "Load it with DiffControlNetLoader, which takes the model."
        )
    return {
        name: tensor + base.weights[name].to(tensor.dtype).reshape(tensor.shape) if name in base.weights else tensor
        for name, tensor in weights.items()
    }


__all__ = ["flux_control", "is_flux_control", "is_sd3_control", "sd3_control", "unet_control"]
