"""Model files become models: recognised by their tensor names, mapped, never read twice.

Source of the layouts: the published checkpoints of Stable Diffusion 1, 2, XL and their relatives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffusion.autoencoder import Autoencoder, KlCodec
from diffusion.errors import ModelFileError, UnknownModel
from diffusion.families.family import Family
from diffusion.families.sdxl import SdxlFamily, join_sdxl
from diffusion.families.unet import UNetFamily
from diffusion.latents import SD1, SDXL, LatentFormat
from diffusion.layouts.autoencoder import read_autoencoder
from diffusion.layouts.clip import read_clip
from diffusion.layouts.renaming import renamed
from diffusion.layouts.unet import read_unet
from diffusion.model import Model
from diffusion.network import Network, check_finite, empty
from diffusion.placement import default_device, place, place_autoencoder, place_text
from diffusion.sampling.prediction import (
    Kind,
    Prediction,
    discrete,
    sigmas_of_betas,
    stable_diffusion_sigmas,
    zero_terminal_snr,
)
from diffusion.tensor_file import TensorFile
from diffusion.text.embeddings import Embeddings
from diffusion.text.encoder import TextEncoder, alone
from diffusion.text.towers import ClipTower
from diffusion.text.vocabulary import carried_clip, find_clip, folders_near

UNET, FIRST_STAGE = "model.diffusion_model.", "first_stage_model."
V_MARK = "output_blocks.11.1.transformer_blocks.0.norm1.bias"  # its spread tells SD2's v-prediction


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a checkpoint; a part the file does not have is None."""

    model: Model
    clip: TextEncoder | None
    vae: Autoencoder | None
    metadata: Mapping[str, str]


def load_checkpoint(
    path: str | Path,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    tokenizers: Sequence[Path] = (),
    embeddings: Sequence[Path] = (),
) -> Checkpoint:
    """Load a single-file checkpoint in its original layout.

    Args:
        device: where to compute; None takes the accelerator there is.
        dtype: arithmetic of the denoising network; None chooses by device.
        tokenizers: folders searched for vocabularies, before those near the file.
        embeddings: folders searched for `embedding:name`.
    Raises:
        ModelFileError: if the file is damaged, incomplete or unknown; the message names file, fault and cure.
    """
    file = TensorFile(path)
    config = own_config(file)
    place_on = torch.device(device) if device is not None else default_device()
    if not any(name.startswith(UNET) for name in file):
        raise UnknownModel(
            f"'{file.path}' has no denoising network: none of its {len(file)} tensors begins with '{UNET}'. "
            "If it is a LoRA, autoencoder, text encoder or separate diffusion model, load it with the node for that."
        )
    check_finite(file, str(file.path))
    autoencoder = _autoencoder(file, FIRST_STAGE, place_on, config)
    model = _model(file, UNET, place_on, dtype, config)
    text = _text(file, place_on, (*tokenizers, *folders_near(file.path)), Embeddings(tuple(embeddings)), config)
    return Checkpoint(model, text, autoencoder, file.metadata)


def own_config(file: TensorFile) -> dict[str, Any]:
    """What the file says about itself (`heddle.config`, see docs/embedded-models.md); empty for published models."""
    if "heddle.config" not in file.metadata:
        return {}
    try:
        config = json.loads(file.metadata["heddle.config"])
    except ValueError as error:
        raise ModelFileError(f"'{file.path}': its own description (heddle.config) is not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise ModelFileError(f"'{file.path}': its own description (heddle.config) is not an object.")
    return config


def _model(
    file: TensorFile, prefix: str, device: torch.device, dtype: torch.dtype | None, config: Mapping[str, Any]
) -> Model:
    from diffusers import UNet2DConditionModel

    shapes = {name[len(prefix) :]: file.shape(name) for name in file if name.startswith(prefix)}
    try:
        layout = read_unet(shapes)
    except UnknownModel as error:
        raise UnknownModel(f"'{file.path}' holds {error}.") from error
    arguments = {**layout.config, **_unet_details(config)}
    weights = renamed(file, file, layout.table, prefix)
    where = place(weights, device, dtype)
    network = Network(
        empty(lambda: UNet2DConditionModel(**arguments)), weights,
        device=where.device, storage=where.storage, compute=where.compute, source=str(file.path),
        names={**layout.table},
    )  # fmt: skip
    family = _unet_family(arguments, file, config)
    return Model(network, family, _prediction(file, prefix, family, config))


def _unet_details(config: Mapping[str, Any]) -> dict[str, Any]:
    """What shapes cannot tell: heads and groups."""
    own = config.get("unet", {})
    return {key: own[key] for key in ("attention_head_dim", "norm_num_groups", "norm_eps", "act_fn") if key in own}


def _unet_family(arguments: Mapping[str, Any], file: TensorFile, config: Mapping[str, Any]) -> Family:
    channels, context = arguments["in_channels"], arguments["cross_attention_dim"]
    vector = arguments.get("projection_class_embeddings_input_dim")
    if vector is None:
        name = "sd2" if context == 1024 else "sd1"
        return UNetFamily(name, _scaled(SD1, config, arguments["out_channels"]), channels, context)
    refiner = file.metadata.get("heddle.family") == "sdxl_refiner" or (
        "heddle.family" not in file.metadata and context == 1280
    )
    form = _scaled(SDXL, config, arguments["out_channels"])
    pooled = vector - 256 * (5 if refiner else 6)
    return SdxlFamily("sdxl_refiner" if refiner else "sdxl", form, channels, context, pooled, refiner)


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
    elif family.name == "sd2":
        mark = prefix + V_MARK
        if mark in file and float(file[mark].float().std(unbiased=False)) > 0.09:
            kind = Kind.V
    elif "v_pred" in file:
        kind = Kind.V
        if "ztsnr" in file:
            sigmas = zero_terminal_snr(sigmas)
    return discrete(kind, sigmas)


def _autoencoder(file: TensorFile, prefix: str, device: torch.device, config: Mapping[str, Any]) -> Autoencoder | None:
    from diffusers import AutoencoderKL

    if not any(name.startswith(prefix + "decoder.") for name in file):
        return None
    shapes = {name[len(prefix) :]: file.shape(name) for name in file if name.startswith(prefix)}
    try:
        layout = read_autoencoder(shapes)
    except UnknownModel as error:
        raise UnknownModel(f"'{file.path}' holds {error}.") from error
    own = config.get("vae", {})
    details = {key: own[key] for key in ("norm_num_groups", "act_fn") if key in own}
    arguments = {**layout.config, **details}
    where = place_autoencoder(device)
    network = Network(
        empty(lambda: AutoencoderKL(**arguments)), renamed(file, file, layout.table, prefix),
        device=where.device, storage=where.storage, compute=where.compute, source=str(file.path),
        names=dict(layout.table),
    )  # fmt: skip
    return Autoencoder(network, KlCodec(2 ** (len(arguments["block_out_channels"]) - 1), arguments["latent_channels"]))


def _text(
    file: TensorFile, device: torch.device, folders: Sequence[Path], embeddings: Embeddings, config: Mapping[str, Any]
) -> TextEncoder | None:
    """The text encoders of a checkpoint, by where their tensors lie."""
    has = {prefix: any(n.startswith(prefix) for n in file) for prefix in _TEXT_PREFIXES}
    if has["conditioner.embedders.1.model."] or has["conditioner.embedders.1.transformer."]:
        second = (
            "conditioner.embedders.1.model."
            if has["conditioner.embedders.1.model."]
            else "conditioner.embedders.1.transformer."
        )
        towers = (
            clip_tower(
                file, "conditioner.embedders.0.transformer.", "l", device, folders, config, layer=-2, normed=False
            ),
            clip_tower(file, second, "g", device, folders, config, layer=-2, normed=False),
        )
        return TextEncoder(towers, join_sdxl, embeddings=embeddings)
    for prefix, name, layer, normed in (
        ("conditioner.embedders.0.model.", "g", -2, False),
        ("conditioner.embedders.0.transformer.", "g", -2, False),
        ("cond_stage_model.model.", "h", -2, True),
        ("cond_stage_model.transformer.", "l", -1, True),
    ):
        if has[prefix]:
            tower = clip_tower(file, prefix, name, device, folders, config, layer=layer, normed=normed)
            return TextEncoder((tower,), alone, embeddings=embeddings)
    return None


_TEXT_PREFIXES = (
    "conditioner.embedders.0.transformer.", "conditioner.embedders.0.model.", "conditioner.embedders.1.model.",
    "conditioner.embedders.1.transformer.", "cond_stage_model.model.", "cond_stage_model.transformer.",
)  # fmt: skip


def clip_tower(
    file: Mapping[str, Tensor], prefix: str, name: str, device: torch.device, folders: Sequence[Path],
    config: Mapping[str, Any], *, layer: int, normed: bool,
) -> ClipTower:  # fmt: skip
    """One CLIP text encoder out of a file.

    Args:
        name: `l`, `g` or `h`; all but `l` pad with token 0 and have a projection.
    """
    from transformers import CLIPTextConfig, CLIPTextModel

    metadata: Mapping[str, str] = getattr(file, "metadata", {})
    source = str(getattr(file, "path", "text encoder"))
    own = config.get("text_encoder" if name == "l" or "text_encoder_2" not in config else "text_encoder_2", {})
    layout = read_clip(file, prefix, heads=own.get("num_attention_heads"), act=own.get("hidden_act"))
    details = {key: own[key] for key in ("layer_norm_eps",) if key in own}
    where = place_text(device)
    network = Network(
        empty(lambda: CLIPTextModel(CLIPTextConfig(**layout.config, **details))),
        layout.tensors,
        device=where.device, storage=where.storage, compute=where.compute, source=source,
    )  # fmt: skip
    carried = metadata.get("heddle.tokenizer")
    return ClipTower(
        name, network, (lambda: carried_clip(carried)) if carried else (lambda: find_clip(folders)),
        layer=layer, normed=normed, projection=layout.projection,
        pad_with_zero=name != "l" and not carried,
    )  # fmt: skip


__all__ = ["Checkpoint", "load_checkpoint", "own_config"]
