"""Euler's method: plain, ancestral, and with CFG++."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.samplers.steps import ancestral_step, churn, flow_ancestral_step, slope


def euler(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = float("inf"), s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """Follow the slope. Source: Karras et al. 2022, arXiv:2206.00364, algorithm 2 without its correction."""
    for i in range(len(sigmas) - 1):
        sigma, extra = churn(sigmas[i], len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        if s_churn > 0 and extra > 0:
            x = x + noise(x) * s_noise * extra
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        x = x + slope(x, sigma, denoised) * (sigmas[i + 1] - sigma)
    return x


def euler_ancestral(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """Step further down than asked and add fresh noise. Source: crowsonkb/k-diffusion."""
    flow = denoiser.prediction.is_flow
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = denoised
        elif flow:
            down, keep, renoise = flow_ancestral_step(sigma, sigma_next, eta)
            x = (down / sigma) * x + (1 - down / sigma) * denoised
            if eta > 0:
                x = keep * x + noise(x) * s_noise * renoise
        else:
            down, up = ancestral_step(sigma, sigma_next, eta)
            if down == 0:  # so much noise is asked for that nothing of x is kept
                x = denoised
            else:
                x = x + slope(x, sigma, denoised) * (down - sigma) + noise(x) * s_noise * up
    return x


def euler_ancestral_cfg_pp(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """Land on the guided estimate, renoise along the unconditional slope. Source: CFG++, arXiv:2406.08070."""
    rule = denoiser.prediction
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised, unconditional = denoiser.guided(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = denoised
            continue
        signal = sigma * rule.half_log_snr(sigma).exp()
        signal_next = sigma_next * rule.half_log_snr(sigma_next).exp()
        direction = slope(x, sigma, signal * unconditional)
        if signal > 0 or not eta:
            down, up = ancestral_step(sigma / signal, sigma_next / signal_next, eta)
        else:  # a flow at pure noise, which no part of the step keeps
            down, up = torch.zeros(()), sigma_next / signal_next
        x = signal_next * denoised + signal_next * down * direction
        if eta > 0 and s_noise > 0:
            x = x + signal_next * noise(x) * s_noise * up
    return x


def euler_cfg_pp(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
) -> Tensor:  # fmt: skip
    """CFG++ without added noise. Source: arXiv:2406.08070."""
    return euler_ancestral_cfg_pp(denoiser, x, sigmas, conditioning, noise, on_step, eta=0.0, s_noise=0.0)


def euler_beyond_guidance(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
) -> Tensor:  # fmt: skip
    """Euler whose slope leads past the guided estimate by as much as that lies past the unconditional one."""
    for i in range(len(sigmas) - 1):
        denoised, unconditional = denoiser.guided(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        x = x + slope(x - denoised + unconditional, sigmas[i], denoised) * (sigmas[i + 1] - sigmas[i])
    return x


__all__ = ["euler", "euler_ancestral", "euler_ancestral_cfg_pp", "euler_beyond_guidance", "euler_cfg_pp"]
