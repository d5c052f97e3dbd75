"""Samplers that draw from a posterior: ancestral DDPM and latent consistency."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diffusion.resize import resize
from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise


def ddpm(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
) -> Tensor:  # fmt: skip
    """Ancestral sampling with ᾱ = 1/(1+σ²). Source: Ho et al. 2020, arXiv:2006.11239, algorithm 2."""
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        kept, kept_next = 1 / (sigma**2 + 1), 1 / (sigma_next**2 + 1)
        step = kept / kept_next
        scaled = x / (1 + sigma**2).sqrt()
        x = (1 / step).sqrt() * (scaled - (1 - step) * ((x - denoised) / sigma) / (1 - kept).sqrt())
        if sigma_next > 0:
            x = x + ((1 - step) * (1 - kept_next) / (1 - kept)).sqrt() * noise(x)
            x = x * (1 + sigma_next**2).sqrt()
    return x


def lcm(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
) -> Tensor:  # fmt: skip
    """Jump to the estimate, then noise it again. Source: Luo et al. 2023, arXiv:2310.04378."""
    for i in range(len(sigmas) - 1):
        denoised = denoiser(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        x = denoised
        if sigmas[i + 1] > 0:
            x = denoiser.prediction.add_noise(x, noise(x), sigmas[i + 1])
    return x


def lcm_upscale(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    scale_ratio: float = 2.0, scale_steps: int | None = None, upscale_method: str = "bislerp",
) -> Tensor:  # fmt: skip
    """Latent consistency on a picture that grows from step to step.

    Args:
        scale_ratio: how much larger the picture is at the end.
        scale_steps: over how many steps it grows; None takes the first half.
        upscale_method: one of `diffusion.resize.METHODS`.
    """
    count = max(len(sigmas) // 2 + 1, 2) if scale_steps is None else min(scale_steps + 1, len(sigmas) + 1)
    factors = torch.linspace(1.0, scale_ratio, count, dtype=torch.float64)[1:].tolist()
    height, width = x.shape[-2:]
    noise(x)  # the initial noise, with which this stream begins
    for i in range(len(sigmas) - 1):
        denoised = denoiser(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        x = denoised
        if i < len(factors):
            x = resize(x, round(width * factors[i]), round(height * factors[i]), upscale_method)
        if sigmas[i + 1] > 0:
            x = x + sigmas[i + 1] * noise(x)
    return x


__all__ = ["ddpm", "lcm", "lcm_upscale"]
