"""Preparing pictures and masks for inpainting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.autoencoder import Autoencoder
from diffusion.sampling.conditioning import Conditioning


def encode_for_inpainting(vae: Autoencoder, image: Tensor, mask: Tensor, grow: int = 6) -> dict[str, Tensor]:
    """A latent whose masked part is grey, with a mask grown to hide the seam.

    Args:
        image: [batch, h, w, 3] in 0..1.
        mask: [batch, h, w] or [h, w], 1 where the picture is repainted.
        grow: pixels the mask grows.
    Returns:
        LATENT: `samples` and `noise_mask` [batch, 1, h, w] in pixels.
    """
    image, mask = _cut(vae, image, mask)
    grown = mask
    if grow > 0:
        kernel = torch.ones(1, 1, grow, grow)
        padding = math.ceil((grow - 1) / 2)
        grown = F.conv2d(mask.round(), kernel, padding=padding).clamp(0, 1)
    grown = grown[:, :, : image.shape[1], : image.shape[2]].round()
    return {"samples": vae.encode(greyed(image, mask)), "noise_mask": grown}


def condition_on_masked(
    vae: Autoencoder, image: Tensor, mask: Tensor, positive: Conditioning, negative: Conditioning, *, noise_mask: bool
) -> tuple[list[list[Any]], list[list[Any]], dict[str, Tensor]]:
    """Conditioning for networks that see mask and masked picture, and the latent to start from.

    Args:
        noise_mask: also keep the unmasked part during sampling.
    """
    image, mask = _cut(vae, image, mask)
    extra = {"concat_latent_image": vae.encode(greyed(image, mask)), "concat_mask": mask}
    latent = {"samples": vae.encode(image)}
    if noise_mask:
        latent["noise_mask"] = mask
    return with_values(positive, extra), with_values(negative, extra), latent


def with_values(conditioning: Conditioning, values: Mapping[str, Any]) -> list[list[Any]]:
    """A conditioning with values set in every entry."""
    return [[embedding, {**options, **values}] for embedding, options in conditioning]


def greyed(image: Tensor, mask: Tensor) -> Tensor:
    """The picture with its masked pixels at half grey; the mask is rounded."""
    keep = (1.0 - mask.round()).squeeze(1)[..., None]
    return (image[..., :3] - 0.5) * keep + 0.5


def _cut(vae: Autoencoder, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Picture and mask of one size, cut (centred) to multiples of the autoencoder's ratio."""
    height, width = image.shape[1], image.shape[2]
    mask = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    mask = F.interpolate(mask, size=(height, width), mode="bilinear")
    cut_height, cut_width = height // vae.ratio * vae.ratio, width // vae.ratio * vae.ratio
    top, left = (height % vae.ratio) // 2, (width % vae.ratio) // 2
    rows, columns = slice(top, top + cut_height), slice(left, left + cut_width)
    return image[:, rows, columns], mask[:, :, rows, columns]


def condition_on_picture(
    autoencoder: Autoencoder, image: Tensor, positive: Conditioning, negative: Conditioning
) -> tuple[Conditioning, Conditioning, dict[str, Tensor]]:
    """Both conditionings with a picture to change attached, and an empty latent of its size.

    Args:
        image: [batch, h, w, 3]; sides are cut, centred, to multiples of the autoencoder's ratio.
    """
    latent = autoencoder.encode(image)
    attached = [with_values(one, {"concat_latent_image": latent}) for one in (positive, negative)]
    return attached[0], attached[1], {"samples": torch.zeros_like(latent)}


__all__ = ["condition_on_masked", "condition_on_picture", "encode_for_inpainting", "greyed", "with_values"]
