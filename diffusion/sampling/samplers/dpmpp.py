"""DPM-Solver++ of second order: multistep and singlestep, plain, ancestral, and with CFG++.

Source: Lu et al. 2022, arXiv:2211.01095; adapted to sigmas as in crowsonkb/k-diffusion.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.samplers.steps import ancestral_step, flow_ancestral_step, slope


def dpmpp_2m(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
) -> Tensor:  # fmt: skip
    """Second order from the estimate of the step before."""
    last: Tensor | None = None
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        h = sigma.log() - sigma_next.log()
        target = denoised
        if last is not None and sigma_next > 0:
            ratio = (sigmas[i - 1].log() - sigma.log()) / h
            target = (1 + 1 / (2 * ratio)) * denoised - (1 / (2 * ratio)) * last
        x = (sigma_next / sigma) * x - (-h).expm1() * target
        last = denoised
    return x


def dpmpp_2m_cfg_pp(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
) -> Tensor:  # fmt: skip
    """The same with CFG++ (arXiv:2406.08070): unconditional history, guided target."""
    last: Tensor | None = None
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised, unconditional = denoiser.guided(x, sigma, conditioning)
        on_step(i, denoised, x)
        h = sigma.log() - sigma_next.log()
        mixed = -(-h).exp() * unconditional
        if last is not None and sigma_next > 0:
            ratio = (sigmas[i - 1].log() - sigma.log()) / h
            mixed = mixed - (-h).expm1() * (1 / (2 * ratio)) * (denoised - last)
        x = denoised + mixed + (-h).exp() * x
        last = unconditional
    return x


def dpmpp_2s_ancestral(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """Second order from a midpoint, then fresh noise."""
    if denoiser.prediction.is_flow:
        return _flow_2s_ancestral(denoiser, x, sigmas, conditioning, noise, on_step, eta, s_noise)
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        down, up = ancestral_step(sigma, sigma_next, eta)
        if down == 0:
            x = x + slope(x, sigma, denoised) * (down - sigma)
        else:
            h = sigma.log() - down.log()
            middle = (sigma.log() - 0.5 * h).exp()
            x_middle = (middle / sigma) * x - (-h * 0.5).expm1() * denoised
            x = (down / sigma) * x - (-h).expm1() * denoiser(x_middle, middle, conditioning)
        if sigma_next > 0:
            x = x + noise(x) * s_noise * up
    return x


def _flow_2s_ancestral(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float, s_noise: float,
) -> Tensor:  # fmt: skip
    rule = denoiser.prediction
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = x + slope(x, sigma, denoised) * (sigma_next - sigma)
            continue
        down, keep, renoise = flow_ancestral_step(sigma, sigma_next, eta)
        if sigma == 1.0:
            middle = torch.tensor(0.9999)
        else:
            middle = rule.sigma_of_half_log_snr((rule.half_log_snr(sigma) + rule.half_log_snr(down)) / 2)
        x_middle = (middle / sigma) * x + (1 - middle / sigma) * denoised
        estimate = denoiser(x_middle, middle, conditioning)
        x = (down / sigma) * x + (1 - down / sigma) * estimate
        if eta > 0:
            x = keep * x + noise(x) * s_noise * renoise
    return x


def dpmpp_2s_ancestral_cfg_pp(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """The same with CFG++ (arXiv:2406.08070).

    Each stage is shifted by the unconditional estimate made last, so the second uses the midpoint's; saved workflows
    depend on that.
    """
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised, unconditional = denoiser.guided(x, sigma, conditioning)
        on_step(i, denoised, x)
        down, up = ancestral_step(sigma, sigma_next, eta)
        if down == 0:
            x = denoised + slope(x, sigma, unconditional) * down
        else:
            h = sigma.log() - down.log()
            middle = (sigma.log() - 0.5 * h).exp()
            x_middle = (middle / sigma) * (x + (denoised - unconditional)) - (-h * 0.5).expm1() * denoised
            estimate, unconditional = denoiser.guided(x_middle, middle, conditioning)
            x = (down / sigma) * (x + (denoised - unconditional)) - (-h).expm1() * estimate
        if sigma_next > 0:
            x = x + noise(x) * s_noise * up
    return x


__all__ = ["dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp"]
