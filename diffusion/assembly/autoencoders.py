"""Autoencoders out of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from diffusion.autoencoder import Autoencoder, KlCodec, TemporalCodec
from diffusion.layouts.autoencoder import Shapes, read_autoencoder
from diffusion.layouts.renaming import renamed
from diffusion.layouts.video import TEMPORAL_MARK, read_temporal_autoencoder
from diffusion.placement import place_autoencoder
from diffusion.tensor_file import TensorFile


def kl_autoencoder(
    file: TensorFile, prefix: str, device: torch.device, config: Mapping[str, Any]
) -> Autoencoder | None:
    """The KL autoencoder under a prefix, of pictures or of videos, or None if there is none.

    Raises:
        ModelFileError: if it is unknown or incomplete.
    """
    from diffusers import AutoencoderKL

    if not any(name.startswith(prefix + "decoder.") for name in file):
        return None
    shapes = {name[len(prefix) :]: file.shape(name) for name in file if name.startswith(prefix)}
    if TEMPORAL_MARK in shapes:
        return _temporal(file, prefix, device, shapes)
    layout = read_autoencoder(shapes)
    own = config.get("vae", {})
    details = {key: own[key] for key in ("norm_num_groups", "act_fn") if key in own}
    arguments = {**layout.config, **details}
    where = place_autoencoder(device)
    weights = renamed(file, file, layout.table, prefix)
    network = where.network(lambda: AutoencoderKL(**arguments), weights, str(file.path), names=layout.table)
    return Autoencoder(network, KlCodec(2 ** (len(arguments["block_out_channels"]) - 1), arguments["latent_channels"]))


def _temporal(file: TensorFile, prefix: str, device: torch.device, shapes: Shapes) -> Autoencoder:
    from diffusion.video_networks import temporal_autoencoder

    layout = read_temporal_autoencoder(shapes)
    arguments = {**layout.config, "quantised": "quant_conv.weight" in shapes}
    weights = renamed(file, file, layout.table, prefix)
    network = place_autoencoder(device).network(
        lambda: temporal_autoencoder(**arguments), weights, str(file.path), names=layout.table
    )
    stages, channels = len(arguments["block_out_channels"]), arguments["latent_channels"]
    return Autoencoder(network, TemporalCodec(2 ** (stages - 1), channels))


__all__ = ["kl_autoencoder"]
