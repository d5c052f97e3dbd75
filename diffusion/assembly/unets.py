"""Denoising U-Nets out of a file: Stable Diffusion 1, 2, XL and their relatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from diffusion.errors import ModelFileError, UnknownModel
from diffusion.families.family import Family
from diffusion.families.lotus import TASK, LotusFamily
from diffusion.families.sdxl import SdxlFamily
from diffusion.families.unclip import UnclipFamily
from diffusion.families.unet import UNetFamily
from diffusion.families.x4_upscaler import BETAS, CHANNELS, LEVELS, X4UpscalerFamily
from diffusion.families.zero123 import PROJECTION, Zero123Family
from diffusion.latents import SD1, SD_X4, SDXL, LatentFormat
from diffusion.layouts.renaming import renamed
from diffusion.layouts.unet import read_unet
from diffusion.model import Model
from diffusion.placement import place
from diffusion.sampling.model_levels import PLAYGROUND, continuous_levels
from diffusion.sampling.prediction import (
    Kind,
    Prediction,
    discrete,
    sigmas_of_betas,
    stable_diffusion_sigmas,
    zero_terminal_snr,
)
from diffusion.tensor_file import TensorFile
from diffusion.vision.unclip import NoiseAugmentation

UNCLIP_CONTEXT, UNCLIP_VECTORS = 1024, (1536, 2048)  # a picture of CLIP L or H, and its noise level
AUGMENTOR = "noise_augmentor."
EDM_V_MARK = "edm_vpred.sigma_max"  # CosXL: v-prediction over a wide range of levels
V_MARK = "output_blocks.11.1.transformer_blocks.0.norm1.bias"  # its spread tells SD2's v-prediction


def unet_model(
    file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None, config: Mapping[str, Any],
    storage: torch.dtype | None = None,
) -> Model:  # fmt: skip
    """A model from a U-Net of the original layout under a prefix.

    Args:
        config: what the file says about itself; empty for published models.
        storage: dtype the weights are kept in; None chooses.
    Raises:
        ModelFileError: if it is unknown or incomplete.
    """
    from diffusers import UNet2DConditionModel

    shapes = {name[len(prefix) :]: file.shape(name) for name in file if name.startswith(prefix)}
    layout = read_unet(shapes)
    arguments = {**layout.config, **_unet_details(config)}
    weights = renamed(file, file, layout.table, prefix)
    where = place(weights, device, dtype, storage)
    network = where.network(lambda: UNet2DConditionModel(**arguments), weights, str(file.path), names=layout.table)
    family = _unet_family(arguments, file, config)
    return Model(network, family, _prediction(file, prefix, family, config))


def _unet_details(config: Mapping[str, Any]) -> dict[str, Any]:
    """What shapes cannot tell: heads and groups."""
    own = config.get("unet", {})
    return {key: own[key] for key in ("attention_head_dim", "norm_num_groups", "norm_eps", "act_fn") if key in own}


def _unet_family(arguments: Mapping[str, Any], file: TensorFile, config: Mapping[str, Any]) -> Family:
    channels, context = arguments["in_channels"], arguments["cross_attention_dim"]
    vector = arguments.get("projection_class_embeddings_input_dim")
    if "num_class_embeds" in arguments:
        return _upscaler_family(arguments, config)
    if vector is None:
        form = _scaled(SD1, config, arguments["out_channels"])
        if f"{PROJECTION}weight" in file:
            return _zero123(UNetFamily("zero123", form, channels, context), file)
        return UNetFamily("sd2" if context == 1024 else "sd1", form, channels, context)
    if context == UNCLIP_CONTEXT and vector in UNCLIP_VECTORS:
        width = vector // 2
        mean, deviation = torch.zeros(1, width), torch.ones(1, width)
        if f"{AUGMENTOR}data_mean" in file and f"{AUGMENTOR}data_std" in file:
            mean, deviation = (file[f"{AUGMENTOR}data_{which}"].float().reshape(1, -1) for which in ("mean", "std"))
        unet = UNetFamily("sd2", _scaled(SD1, config, arguments["out_channels"]), channels, context)
        return UnclipFamily(unet, NoiseAugmentation(mean, deviation, merge=0.05))
    if context == UNCLIP_CONTEXT and vector == TASK:
        return _lotus(UNetFamily("sd2", _scaled(SD1, config, arguments["out_channels"]), channels, context), file)
    refiner = file.metadata.get("heddle.family") == "sdxl_refiner" or (
        "heddle.family" not in file.metadata and context == 1280
    )
    form = PLAYGROUND if _is_playground(file) else _scaled(SDXL, config, arguments["out_channels"])
    pooled = vector - 256 * (5 if refiner else 6)
    name = "sdxl_refiner" if refiner else "sdxl"
    return SdxlFamily(name, form, channels, context, pooled, refiner, scales_picture=EDM_V_MARK in file)


def _zero123(unet: UNetFamily, file: TensorFile) -> Zero123Family:
    weight, bias = (file[f"{PROJECTION}{which}"].float() for which in ("weight", "bias"))
    if unet.channels_in != 2 * unet.latent_format.channels or weight.shape[0] != unet.context:
        raise ModelFileError(
            f"'{file.path}' has a layer for a camera, '{PROJECTION}weight', of shape {tuple(weight.shape)}, and a "
            f"U-Net of {unet.channels_in} input channels that reads {unet.context} numbers; they do not fit each "
            "other. Use the complete file of Stable Zero123."
        )
    return Zero123Family(unet, weight, bias)


def _upscaler_family(arguments: Mapping[str, Any], config: Mapping[str, Any]) -> X4UpscalerFamily:
    channels, labels = arguments["in_channels"], arguments["num_class_embeds"]
    if channels != CHANNELS or labels <= LEVELS:
        raise UnknownModel(
            f"a U-Net of {channels} input channels and {labels} numbered labels is of no kind that is known; the x4 "
            f"upscaler has {CHANNELS} channels and more than {LEVELS} labels, its noise levels"
        )
    form = _scaled(SD_X4, config, arguments["out_channels"])
    return X4UpscalerFamily(UNetFamily("x4_upscaler", form, channels, arguments["cross_attention_dim"]))


def _lotus(unet: UNetFamily, file: TensorFile) -> LotusFamily:
    if unet.channels_in != unet.latent_format.channels:
        raise ModelFileError(
            f"'{file.path}' is a generative Lotus model, which reads noise beside the picture and is not known here. "
            "Use its discriminative form (lotus-depth-d, lotus-normal-d)."
        )
    return LotusFamily(unet)


def _scaled(form: LatentFormat, config: Mapping[str, Any], channels: int) -> LatentFormat:
    if not config:
        return form
    basis = config.get("latent_rgb")
    return replace(
        form,
        channels=channels,
        scale=float(config.get("scaling_factor", form.scale)),
        rgb=tuple(tuple(row) for row in basis["factors"])
        if basis
        else (form.rgb if channels == form.channels else None),
        rgb_bias=tuple(basis.get("bias", (0.0, 0.0, 0.0))) if basis else form.rgb_bias,
    )


def _prediction(file: TensorFile, prefix: str, family: Family, config: Mapping[str, Any]) -> Prediction:
    kind, sigmas = Kind.EPSILON, stable_diffusion_sigmas()
    if isinstance(family, LotusFamily):
        return discrete(Kind.IMG_TO_IMG, sigmas)
    if config:
        kind = {"epsilon": Kind.EPSILON, "v_prediction": Kind.V, "sample": Kind.X0}[
            config.get("prediction_type", "epsilon")
        ]
        betas = config.get("betas", {})
        start, end, steps = betas.get("start", 0.00085), betas.get("end", 0.012), betas.get("steps", 1000)
        if betas.get("schedule", "scaled_linear") == "linear":
            sigmas = sigmas_of_betas(torch.linspace(start, end, steps, dtype=torch.float64))
        else:
            sigmas = stable_diffusion_sigmas(start, end, steps)
        if betas.get("zero_terminal"):
            sigmas = zero_terminal_snr(sigmas)
    elif family.name == "x4_upscaler":
        kind, sigmas = Kind.V, stable_diffusion_sigmas(*BETAS)
    elif family.name == "sd2":
        mark = prefix + V_MARK
        if mark in file and float(file[mark].float().std(unbiased=False)) > 0.09:
            kind = Kind.V
    elif _is_playground(file):
        return continuous_levels("edm", 0.002, 80.0)
    elif EDM_V_MARK in file:
        low, high = (float(file[name]) if name in file else 0.002 for name in ("edm_vpred.sigma_min", EDM_V_MARK))
        return continuous_levels("v_prediction", low, high)
    elif "v_pred" in file:
        kind = Kind.V
        if "ztsnr" in file:
            sigmas = zero_terminal_snr(sigmas)
    return discrete(kind, sigmas)


def _is_playground(file: TensorFile) -> bool:
    """Whether an SDXL network works in the space of Playground 2.5, which its files mark."""
    return "edm_mean" in file and "edm_std" in file


__all__ = ["unet_model"]
