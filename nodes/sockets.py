"""The sockets of built-in nodes: what each type on a wire is, in its layout, units and range.

Values are immutable by contract: a node makes new tensors and new dictionaries, and preserves keys it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from graph_runtime.api import Socket

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any

__all__ = [
    "CLIP",
    "CONDITIONING",
    "GUIDER",
    "IMAGE",
    "LATENT",
    "MASK",
    "MAX_RESOLUTION",
    "MODEL",
    "NOISE",
    "SAMPLER",
    "SIGMAS",
    "VAE",
]

MAX_RESOLUTION = 16384
"""Largest width or height that an input accepts, in pixels."""

IMAGE = Annotated[Tensor, Socket("IMAGE", "float32 [batch, height, width, 3] in 0..1, sRGB")]
MASK = Annotated[Tensor, Socket("MASK", "float32 [batch, height, width] in 0..1, 1 = selected")]
LATENT = Annotated[
    dict[str, Any],
    Socket("LATENT", "dict: samples [batch, channels, h, w]; optional noise_mask, batch_index; unscaled"),
]
CONDITIONING = Annotated[list[Any], Socket("CONDITIONING", "list of [embedding [batch, tokens, channels], dict]")]
MODEL = Annotated[Any, Socket("MODEL", "a denoising model with its options; clone before changing")]
CLIP = Annotated[Any, Socket("CLIP", "a text encoder with its tokenizer")]
VAE = Annotated[Any, Socket("VAE", "an autoencoder between images and latents")]
SIGMAS = Annotated[Tensor, Socket("SIGMAS", "float32 [steps + 1], decreasing, usually ending in 0")]
SAMPLER = Annotated[Any, Socket("SAMPLER", "an integrator over sigmas, with its options")]
NOISE = Annotated[Any, Socket("NOISE", "a source of initial noise with a seed")]
GUIDER = Annotated[Any, Socket("GUIDER", "how predictions for several conditionings are joined")]
