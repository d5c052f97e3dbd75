"""Autoencoders out of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from diffusion.autoencoder import Autoencoder, KlCodec
from diffusion.layouts.autoencoder import read_autoencoder
from diffusion.layouts.renaming import renamed
from diffusion.placement import place_autoencoder
from diffusion.tensor_file import TensorFile


def kl_autoencoder(
    file: TensorFile, prefix: str, device: torch.device, config: Mapping[str, Any]
) -> Autoencoder | None:
    """The KL autoencoder under a prefix, or None if there is none.

    Raises:
        ModelFileError: if it is unknown or incomplete.
    """
    from diffusers import AutoencoderKL

    if not any(name.startswith(prefix + "decoder.") for name in file):
        return None
    shapes = {name[len(prefix) :]: file.shape(name) for name in file if name.startswith(prefix)}
    layout = read_autoencoder(shapes)
    own = config.get("vae", {})
    details = {key: own[key] for key in ("norm_num_groups", "act_fn") if key in own}
    arguments = {**layout.config, **details}
    where = place_autoencoder(device)
    weights = renamed(file, file, layout.table, prefix)
    network = where.network(lambda: AutoencoderKL(**arguments), weights, str(file.path), names=layout.table)
    return Autoencoder(network, KlCodec(2 ** (len(arguments["block_out_channels"]) - 1), arguments["latent_channels"]))


__all__ = ["kl_autoencoder"]
