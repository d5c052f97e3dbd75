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
    "MAX_RESOLUTION",
    "Clip",
    "ClipVision",
    "ClipVisionOutput",
    "Conditioning",
    "Guider",
    "Image",
    "Latent",
    "Mask",
    "Model",
    "Noise",
    "PhotoMaker",
    "Sampler",
    "Sigmas",
    "StyleModel",
    "Vae",
]

MAX_RESOLUTION = 16384
"""Largest width or height that an input accepts, in pixels."""

Image = Annotated[Tensor, Socket("IMAGE", "float32 [batch, height, width, 3] in 0..1, sRGB")]
Mask = Annotated[Tensor, Socket("MASK", "float32 [batch, height, width] in 0..1, 1 = selected")]
Latent = Annotated[
    dict[str, Any],
    Socket("LATENT", "dict: samples [batch, channels, h, w]; optional noise_mask, batch_index; unscaled"),
]
Conditioning = Annotated[list[Any], Socket("CONDITIONING", "list of [embedding [batch, tokens, channels], dict]")]
Model = Annotated[Any, Socket("MODEL", "a denoising model with its options; clone before changing")]
Clip = Annotated[Any, Socket("CLIP", "a text encoder with its tokenizer")]
ClipVision = Annotated[Any, Socket("CLIP_VISION", "an encoder of pictures")]
ClipVisionOutput = Annotated[Any, Socket("CLIP_VISION_OUTPUT", "what an encoder of pictures says")]
StyleModel = Annotated[Any, Socket("STYLE_MODEL", "turns an encoded picture into conditioning")]
PhotoMaker = Annotated[Any, Socket("PHOTOMAKER", "merges a photographed person into a word of a prompt")]
Vae = Annotated[Any, Socket("VAE", "an autoencoder between images and latents")]
Sigmas = Annotated[Tensor, Socket("SIGMAS", "float32 [steps + 1], decreasing, usually ending in 0")]
Sampler = Annotated[Any, Socket("SAMPLER", "an integrator over sigmas, with its options")]
Noise = Annotated[Any, Socket("NOISE", "a source of initial noise with a seed")]
Guider = Annotated[Any, Socket("GUIDER", "how predictions for several conditionings are joined")]
