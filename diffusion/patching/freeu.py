"""FreeU: skip connections with less low frequency, hidden states with more weight.

Source: Si et al. 2023, arXiv:2309.11497. Version 2 weighs the hidden states by their own mean over channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffusion.model import Model
from diffusion.patching.record import Site


def free_u(model: Model, backbone: tuple[float, float], skip: tuple[float, float], *, adaptive: bool = False) -> Model:
    """Reweigh the two lowest stages of a U-Net on the way up.

    Args:
        backbone, skip: factors at four times the U-Net's first width, and at twice.
        adaptive: version 2.
    """
    base = int(model.network.module.config.block_out_channels[0])  # type: ignore[union-attr, index]
    factors = {base * 4: (backbone[0], skip[0]), base * 2: (backbone[1], skip[1])}

    def change(h: Tensor, joined: Tensor, site: Site) -> tuple[Tensor, Tensor]:
        channels = h.shape[1]
        if channels not in factors:
            return h, joined
        weight, low = factors[channels]
        half = h[:, : channels // 2] * (_by_mean(h, weight) if adaptive else weight)
        return torch.cat([half, h[:, channels // 2 :]], dim=1), _with_low_frequencies(joined, low)

    return model.with_network_patches(output_block=(change,))


def _by_mean(h: Tensor, weight: float) -> Tensor:
    """1 where the mean over channels is lowest, `weight` where it is highest."""
    mean = h.mean(1, keepdim=True)
    low, high = mean.amin(dim=(2, 3), keepdim=True), mean.amax(dim=(2, 3), keepdim=True)
    return (weight - 1.0) * (mean - low) / (high - low) + 1.0


def _with_low_frequencies(x: Tensor, factor: float) -> Tensor:
    """The lowest frequencies (a square of two by two around zero) multiplied by a factor."""
    spectrum = torch.fft.fftshift(torch.fft.fftn(x.float(), dim=(-2, -1)), dim=(-2, -1))
    row, column = x.shape[-2] // 2, x.shape[-1] // 2
    factors = torch.ones_like(spectrum.real)
    factors[..., row - 1 : row + 1, column - 1 : column + 1] = factor
    shifted = torch.fft.ifftshift(spectrum * factors, dim=(-2, -1))
    return torch.fft.ifftn(shifted, dim=(-2, -1)).real.to(x.dtype)


__all__ = ["free_u"]
