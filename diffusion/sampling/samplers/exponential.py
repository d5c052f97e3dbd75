"""Exponential integrators: RES multistep, SEEDS, extended reverse-time SDE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.samplers.steps import ancestral_step, below_pure_noise, slope


def res_multistep(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 0.0, s_noise: float = 1.0, cfg_pp: bool = False,
) -> Tensor:  # fmt: skip
    """Refined exponential solver, second order from the estimate before. Source: arXiv:2308.02157."""
    last: Tensor | None = None
    last_down: Tensor | None = None
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        if cfg_pp:
            denoised, base = denoiser.guided(x, sigma, conditioning)
        else:
            denoised = base = denoiser(x, sigma, conditioning)
        down, up = ancestral_step(sigma, sigma_next, eta)
        on_step(i, denoised, x)
        if down == 0 or last is None or last_down is None:
            direction = slope(x, sigma, base)
            x = denoised + direction * down if cfg_pp else x + direction * (down - sigma)
        else:
            h = sigma.log() - down.log()
            c2 = (last_down.log() - sigmas[i - 1].log()) / h
            phi1 = torch.expm1(-h) / -h
            phi2 = (phi1 - 1.0) / -h
            b1 = torch.nan_to_num(phi1 - phi2 / c2, nan=0.0)
            b2 = torch.nan_to_num(phi2 / c2, nan=0.0)
            if cfg_pp:
                x = x + (denoised - base)
            x = (-h).exp() * x + h * (b1 * base + b2 * last)
        if sigma_next > 0 and eta > 0:
            x = x + noise(x) * s_noise * up
        last, last_down = base, down
    return x


def seeds_2(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0, r: float = 0.5,
) -> Tensor:  # fmt: skip
    """Two-stage stochastic exponential integrator. Source: Gonzalez et al. 2023, arXiv:2305.14267."""
    rule = denoiser.prediction
    sigmas = below_pure_noise(sigmas, rule)
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = denoised
            continue
        start, end = rule.half_log_snr(sigma), rule.half_log_snr(sigma_next)
        h = end - start
        raised = h * (eta + 1)
        inside = torch.lerp(start, end, r)
        middle = rule.sigma_of_half_log_snr(inside)
        signal_inside, signal_next = middle * inside.exp(), sigma_next * end.exp()
        stir = eta > 0 and s_noise > 0
        draws = [noise(x), noise(x)] if stir else []

        x_middle = middle / sigma * (-r * h * eta).exp() * x - signal_inside * (-r * raised).expm1() * denoised
        if stir:
            x_middle = x_middle + middle * _new(r * h * eta) * draws[0] * s_noise
        estimate = denoiser(x_middle, middle, conditioning)
        share = 1 / (2 * r)
        mixed = (1 - share) * denoised + share * estimate
        x = sigma_next / sigma * (-h * eta).exp() * x - signal_next * (-raised).expm1() * mixed
        if stir:
            kept = (-(1 - r) * h * eta).exp() * _new(r * h * eta)
            x = x + sigma_next * (kept * draws[0] + _new((1 - r) * h * eta) * draws[1]) * s_noise
    return x


def seeds_3(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0, r_1: float = 1 / 3, r_2: float = 2 / 3,
) -> Tensor:  # fmt: skip
    """Three-stage stochastic exponential integrator. Source: Gonzalez et al. 2023, arXiv:2305.14267."""
    rule = denoiser.prediction
    sigmas = below_pure_noise(sigmas, rule)
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = denoised
            continue
        start, end = rule.half_log_snr(sigma), rule.half_log_snr(sigma_next)
        h = end - start
        raised = h * (eta + 1)
        inner, outer = torch.lerp(start, end, r_1), torch.lerp(start, end, r_2)
        near, far = rule.sigma_of_half_log_snr(inner), rule.sigma_of_half_log_snr(outer)
        signal_near, signal_far, signal_next = near * inner.exp(), far * outer.exp(), sigma_next * end.exp()
        c1, c2, c3 = (-r_1 * raised).expm1(), (-r_2 * raised).expm1(), (-raised).expm1()
        stir = eta > 0 and s_noise > 0
        draws = [noise(x), noise(x), noise(x)] if stir else []
        fresh = [_new(r_1 * h * eta), _new((r_2 - r_1) * h * eta), _new((1 - r_2) * h * eta)]

        x_near = near / sigma * (-r_1 * h * eta).exp() * x - signal_near * c1 * denoised
        if stir:
            x_near = x_near + near * fresh[0] * draws[0] * s_noise
        first = denoiser(x_near, near, conditioning)
        x_far = far / sigma * (-r_2 * h * eta).exp() * x - signal_far * c2 * denoised
        x_far = x_far + (r_2 / r_1) * signal_far * (c2 / (r_2 * raised) + 1) * (first - denoised)
        if stir:
            kept = (-(r_2 - r_1) * h * eta).exp() * fresh[0]
            x_far = x_far + far * (kept * draws[0] + fresh[1] * draws[1]) * s_noise
        second = denoiser(x_far, far, conditioning)
        x = sigma_next / sigma * (-h * eta).exp() * x - signal_next * c3 * denoised
        x = x + (1 / r_2) * signal_next * (c3 / raised + 1) * (second - denoised)
        if stir:
            kept_1 = (-(1 - r_1) * h * eta).exp() * fresh[0]
            kept_2 = (-(1 - r_2) * h * eta).exp() * fresh[1]
            x = x + sigma_next * (kept_1 * draws[0] + kept_2 * draws[1] + fresh[2] * draws[2]) * s_noise
    return x


def _new(h: Tensor) -> Tensor:
    """Standard deviation of the noise that enters over a span of λ."""
    return (-2 * h).expm1().neg().sqrt()


def default_noise_scaler(level: Tensor) -> Tensor:
    """The noise scaling the authors recommend (ER-SDE 5)."""
    return level * ((level**0.3).exp() + 10.0)


def er_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    s_noise: float = 1.0, noise_scaler: Callable[[Tensor], Tensor] | None = None, max_stage: int = 3,
) -> Tensor:  # fmt: skip
    """Extended reverse-time SDE solver, orders one to three. Source: Cui et al. 2023, arXiv:2309.06169."""
    scaler = noise_scaler or default_noise_scaler
    rule, points = denoiser.prediction, 200
    sigmas = below_pure_noise(sigmas, rule)
    levels = rule.half_log_snr(sigmas).neg().exp()  # noise over signal
    positions = torch.arange(points, dtype=torch.float32)
    last: Tensor | None = None
    last_slope: Tensor | None = None
    for i in range(len(sigmas) - 1):
        denoised = denoiser(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        stage = min(max_stage, i + 1)
        if sigmas[i + 1] == 0:
            x = denoised
        else:
            level, level_next = levels[i], levels[i + 1]
            signal, signal_next = sigmas[i] / level, sigmas[i + 1] / level_next
            ratio = scaler(level_next) / scaler(level)
            x = signal_next / signal * ratio * x + signal_next * (1 - ratio) * denoised
            if stage >= 2 and last is not None:
                change = level_next - level
                width = -change / points
                grid = level_next + positions * width
                weights = scaler(grid)
                integral = (1 / weights).sum() * width
                derivative = (denoised - last) / (level - levels[i - 1])
                x = x + signal_next * (change + integral * scaler(level_next)) * derivative
                if stage >= 3 and last_slope is not None:
                    integral = ((grid - level) / weights).sum() * width
                    curvature = (derivative - last_slope) / ((level - levels[i - 2]) / 2)
                    x = x + signal_next * (change**2 / 2 + integral * scaler(level_next)) * curvature
                last_slope = derivative
            if s_noise > 0:
                amount = (level_next**2 - level**2 * ratio**2).sqrt().nan_to_num(nan=0.0)
                x = x + signal_next * noise(x) * s_noise * amount
        last = denoised
    return x


__all__ = ["default_noise_scaler", "er_sde", "res_multistep", "seeds_2", "seeds_3"]
