"""Latent spaces: how each family scales its latents, and how a latent looks.

Source of the scales: the model cards and configuration files of the families.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from diffusion.model import Model

Basis = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class LatentFormat:
    """The space a family's network works in.

    Attributes:
        channels: of a latent.
        scale, shift: network space = (latent − shift) · scale.
        rgb: one row of red, green, blue for each channel: the best linear picture of a network-space latent.
        rgb_bias: added to that.
        taesd: name of the tiny autoencoder that reads this space.
        ratio: pixels for each latent cell.
    """

    name: str
    channels: int
    scale: float
    shift: float = 0.0
    rgb: Basis | None = None
    rgb_bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    taesd: str | None = None
    ratio: int = 8

    def to_network(self, latent: Tensor) -> Tensor:
        """From autoencoder space to network space."""
        return (latent - self.shift) * self.scale

    def from_network(self, latent: Tensor) -> Tensor:
        """From network space to autoencoder space."""
        return latent / self.scale + self.shift


@dataclass(frozen=True, slots=True)
class NormalizedFormat(LatentFormat):
    """A space whose channels are brought to one mean and deviation.

    Attributes:
        mean, deviation: of each channel in autoencoder space.
    """

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def to_network(self, latent: Tensor) -> Tensor:
        return (latent - _channels(self.mean, latent)) * self.scale / _channels(self.deviation, latent)

    def from_network(self, latent: Tensor) -> Tensor:
        return latent * _channels(self.deviation, latent) / self.scale + _channels(self.mean, latent)


def _channels(values: tuple[float, ...], latent: Tensor) -> Tensor:
    return torch.tensor(values, dtype=latent.dtype, device=latent.device).view(1, -1, 1, 1)


# Linear approximation published by K. Turner, discuss.huggingface.co, "Decoding latents to RGB without upscaling".
_SD1_RGB: Basis = ((0.298, 0.207, 0.208), (0.187, 0.286, 0.173), (-0.158, 0.189, 0.264), (-0.184, -0.271, -0.473))
# Least-squares fit of the same form, T. Martens, huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space
_SDXL_RGB: Basis = ((0.235, 0.235, 0.235), (-0.235, -0.020, 0.137), (0.098, 0.055, -0.098), (-0.196, -0.157, -0.157))

SD1 = LatentFormat("sd1", 4, 0.18215, rgb=_SD1_RGB, taesd="taesd")
SD_X4 = LatentFormat("sd_x4", 4, 0.08333, ratio=4)
SDXL = LatentFormat("sdxl", 4, 0.13025, rgb=_SDXL_RGB, taesd="taesdxl")
SD3 = LatentFormat("sd3", 16, 1.5305, 0.0609, taesd="taesd3")
FLUX = LatentFormat("flux", 16, 0.3611, 0.1159, taesd="taef1")


def preview(x0: Tensor, model: Model) -> Image.Image:
    """A small, rough picture of the first latent of a batch, made without an autoencoder.

    Args:
        x0: network-space estimate [batch, channels, h, w].
    Returns:
        An RGB image with one pixel for each latent cell.
    """
    form = model.latent_format
    basis = torch.tensor(form.rgb or spread_basis(form.channels), dtype=torch.float32, device=x0.device)
    colours = torch.einsum("chw,cr->hwr", x0[0].float(), basis) + torch.tensor(form.rgb_bias, device=x0.device)
    pixels = ((colours + 1) / 2).clamp(0, 1).mul(255).to(torch.uint8).cpu().numpy()
    return Image.fromarray(pixels)


def spread_basis(channels: int) -> Basis:
    """A basis for spaces nobody has measured: channels take turns in red, green and blue."""
    strength = 1.2 / max(1, channels // 3)
    return tuple((*(strength if colour == index % 3 else 0.0 for colour in range(3)),) for index in range(channels))  # type: ignore[misc]


def fit_basis(latents: Tensor, images: Tensor) -> tuple[Basis, tuple[float, float, float]]:
    """The linear map from network-space latents to colours that fits best.

    Args:
        latents: [batch, channels, h, w].
        images: [batch, 3, h, w] in −1..1, the decoded pictures shrunk to the latents' size.
    Returns:
        Basis and bias for `LatentFormat`.
    """
    rows = latents.double().movedim(1, -1).reshape(-1, latents.shape[1])
    rows = torch.cat([rows, torch.ones(len(rows), 1, dtype=rows.dtype)], dim=1)
    colours = images.double().movedim(1, -1).reshape(-1, 3)
    solution = torch.linalg.lstsq(rows, colours, driver="gelsd").solution  # a channel may carry nothing
    basis = tuple((float(r), float(g), float(b)) for r, g, b in solution[:-1])
    return basis, (float(solution[-1, 0]), float(solution[-1, 1]), float(solution[-1, 2]))


__all__ = [
    "FLUX", "SD1", "SD3", "SDXL", "SD_X4", "LatentFormat", "NormalizedFormat", "fit_basis", "preview", "spread_basis",
]  # fmt: skip
