"""Colours of the autoencoder's latents, for previews that need no decoding."""

from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn import functional

from diffusion.latents import fit_basis
from diffusion.training.captions import random_subject

PICTURES = 48


@torch.no_grad()
def preview_colours(vae: AutoencoderKL, scaling_factor: float) -> dict[str, Any]:
    """The linear map from latents to colours that fits drawn pictures best, as `heddle.config` carries it.

    Returns:
        ``factors``: a row of red, green, blue for each channel; ``bias``: added to that; both for colours in −1..1.
    """
    drawn = np.stack([np.asarray(random_subject(Random(index)).draw()) for index in range(PICTURES)])
    pictures = torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 127.5 - 1
    weight = next(vae.parameters())
    latents = vae.encode(pictures.to(weight.dtype)).latent_dist.mode().float() * scaling_factor
    basis, bias = fit_basis(latents, functional.adaptive_avg_pool2d(pictures, latents.shape[-2:]))
    return {
        "factors": [[round(value, 4) for value in row] for row in basis],
        "bias": [round(value, 4) for value in bias],
    }
