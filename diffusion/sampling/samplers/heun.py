"""Two-stage methods with slopes: Heun, Heun++, DPM-Solver-2 in sigmas."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.samplers.steps import ancestral_step, churn, flow_ancestral_step, slope


def heun(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = float("inf"), s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """Average the slopes at both ends of a step. Source: Karras et al. 2022, arXiv:2206.00364, algorithm 2."""
    for i in range(len(sigmas) - 1):
        sigma, extra = churn(sigmas[i], len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        if s_churn > 0 and extra > 0:
            x = x + noise(x) * s_noise * extra
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        first, step = slope(x, sigma, denoised), sigmas[i + 1] - sigma
        if sigmas[i + 1] == 0:
            x = x + first * step
        else:
            x_next = x + first * step
            second = slope(x_next, sigmas[i + 1], denoiser(x_next, sigmas[i + 1], conditioning))
            x = x + (first + second) / 2 * step
    return x


def heunpp2(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = float("inf"), s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """Heun with slopes looked up further ahead, weighted by noise level.

    Source: Zhou et al. 2023, arXiv:2312.00094 (zju-pi/diff-sampler).
    """
    last = sigmas[-1]
    for i in range(len(sigmas) - 1):
        sigma, extra = churn(sigmas[i], len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        if s_churn > 0 and extra > 0:
            x = x + noise(x) * s_noise * extra
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        first, step = slope(x, sigma, denoised), sigmas[i + 1] - sigma
        if sigmas[i + 1] == last:
            x = x + first * step
            continue
        x_next = x + first * step
        second = slope(x_next, sigmas[i + 1], denoiser(x_next, sigmas[i + 1], conditioning))
        if sigmas[i + 2] == last:
            weight = sigmas[i + 1] / (2 * sigmas[0])
            x = x + (first * (1 - weight) + second * weight) * step
            continue
        x_after = x_next + second * (sigmas[i + 2] - sigmas[i + 1])
        third = slope(x_after, sigmas[i + 2], denoiser(x_after, sigmas[i + 2], conditioning))
        second_weight, third_weight = sigmas[i + 1] / (3 * sigmas[0]), sigmas[i + 2] / (3 * sigmas[0])
        mean = first * (1 - second_weight - third_weight) + second * second_weight + third * third_weight
        x = x + mean * step
    return x


def dpm_2(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    s_churn: float = 0.0, s_tmin: float = 0.0, s_tmax: float = float("inf"), s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """The slope at the geometric middle of a step. Source: Lu et al. 2022, arXiv:2206.00927, in sigmas."""
    for i in range(len(sigmas) - 1):
        sigma, extra = churn(sigmas[i], len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        if s_churn > 0 and extra > 0:
            x = x + noise(x) * s_noise * extra
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        direction = slope(x, sigma, denoised)
        if sigmas[i + 1] == 0:
            x = x + direction * (sigmas[i + 1] - sigma)
        else:
            middle = sigma.log().lerp(sigmas[i + 1].log(), 0.5).exp()
            x_middle = x + direction * (middle - sigma)
            direction = slope(x_middle, middle, denoiser(x_middle, middle, conditioning))
            x = x + direction * (sigmas[i + 1] - sigma)
    return x


def dpm_2_ancestral(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """The same, then fresh noise. Source: crowsonkb/k-diffusion."""
    flow = denoiser.prediction.is_flow
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if flow:
            down, keep, up = flow_ancestral_step(sigma, sigma_next, eta)
        else:
            (down, up), keep = ancestral_step(sigma, sigma_next, eta), None
        direction = slope(x, sigma, denoised)
        if down == 0:
            x = x + direction * (down - sigma)
            continue
        middle = sigma.log().lerp(down.log(), 0.5).exp()
        x_middle = x + direction * (middle - sigma)
        direction = slope(x_middle, middle, denoiser(x_middle, middle, conditioning))
        x = x + direction * (down - sigma)
        if keep is not None:
            x = keep * x
        x = x + noise(x) * s_noise * up
    return x


__all__ = ["dpm_2", "dpm_2_ancestral", "heun", "heunpp2"]
