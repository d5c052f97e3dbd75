"""Between images, masks and the planes that convolutions take; sizes and batches that have to match."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from diffusion.resize import Crop, resize


def to_planes(image: Tensor) -> Tensor:
    """[batch, h, w, channels] to [batch, channels, h, w]."""
    return image.movedim(-1, 1)


def to_image(planes: Tensor) -> Tensor:
    """[batch, channels, h, w] to [batch, h, w, channels]."""
    return planes.movedim(1, -1)


def mask_planes(mask: Tensor) -> Tensor:
    """A mask of any number of leading axes as [batch, 1, h, w]."""
    return mask.reshape(-1, 1, *mask.shape[-2:])


def as_masks(mask: Tensor) -> Tensor:
    """A mask of any number of leading axes as [batch, h, w]."""
    return mask.reshape(-1, *mask.shape[-2:])


def resize_image(image: Tensor, width: int, height: int, method: str, crop: Crop = "disabled") -> Tensor:
    """`diffusion.resize` for images."""
    return to_image(resize(to_planes(image), width, height, method, crop))


def resize_latent(latent: Tensor, width: int, height: int, method: str, crop: Crop = "disabled") -> Tensor:
    """`diffusion.resize` for latents, those of videos [batch, channels, frames, h, w] included."""
    if latent.ndim == 4:
        return resize(latent, width, height, method, crop)
    batch, channels, *middle, old_height, old_width = latent.shape
    flat = latent.movedim(1, -3).reshape(-1, channels, old_height, old_width)
    resized = resize(flat, width, height, method, crop)
    return resized.reshape(batch, *middle, channels, height, width).movedim(-3, 1)


def repeated(batch: Tensor, count: int) -> Tensor:
    """Exactly `count` members: the first ones, or all of them again and again."""
    have = batch.shape[0]
    if have >= count:
        return batch[:count]
    return batch.repeat(math.ceil(count / have), *[1] * (batch.ndim - 1))[:count]


def fit_latent(latent: Tensor, like: Tensor, *, repeat: bool = True) -> Tensor:
    """A latent brought to another's size (bilinear, trimmed around the middle) and, if asked to, batch."""
    if latent.shape[1:] != like.shape[1:]:
        latent = resize_latent(latent, like.shape[-1], like.shape[-2], "bilinear", "center")
    return repeated(latent, like.shape[0]) if repeat else latent


def like_channels(image: Tensor, like: Tensor) -> Tensor:
    """An image with as many channels as another: further ones are left out, missing ones are opaque."""
    return _widened(image[..., : like.shape[-1]], like.shape[-1])


def match_channels(image: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Give the image with fewer channels opaque ones until both have as many."""
    channels = max(image.shape[-1], other.shape[-1])
    return _widened(image, channels), _widened(other, channels)


def _widened(image: Tensor, channels: int) -> Tensor:
    missing = channels - image.shape[-1]
    if missing == 0:
        return image
    return torch.cat([image, image.new_ones(*image.shape[:-1], missing)], dim=-1)


__all__ = [
    "as_masks",
    "fit_latent",
    "like_channels",
    "mask_planes",
    "match_channels",
    "repeated",
    "resize_image",
    "resize_latent",
    "to_image",
    "to_planes",
]
