"""Samplers of the reverse stochastic equation with a Brownian path: DPM-Solver++ (SDE), first to third order.

Source: Lu et al. 2022, arXiv:2211.01095, and Xue et al. 2023, arXiv:2305.14267; in λ = half the log SNR as in
crowsonkb/k-diffusion. With eta 0 no noise is added.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.samplers.steps import ancestral_step, below_pure_noise


def dpmpp_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0, r: float = 0.5, on_cpu: bool = True,
) -> Tensor:  # fmt: skip
    """Singlestep, second order: an estimate at a point inside each step."""
    if len(sigmas) <= 1:
        return x
    rule = denoiser.prediction
    path = noise.brownian(x, sigmas, on_cpu=on_cpu)
    sigmas = below_pure_noise(sigmas, rule)
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = denoised
            continue
        start, end = rule.half_log_snr(sigma), rule.half_log_snr(sigma_next)
        inside = start + r * (end - start)
        middle = rule.sigma_of_half_log_snr(inside)
        signal, signal_inside, signal_next = sigma * start.exp(), middle * inside.exp(), sigma_next * end.exp()

        down, up = ancestral_step(start.neg().exp(), inside.neg().exp(), eta)
        h = down.log().neg() - start
        x_middle = (signal_inside / signal) * (-h).exp() * x - signal_inside * (-h).expm1() * denoised
        if eta > 0 and s_noise > 0:
            x_middle = x_middle + signal_inside * path(sigma, middle) * s_noise * up
        estimate = denoiser(x_middle, middle, conditioning)

        down, up = ancestral_step(start.neg().exp(), end.neg().exp(), eta)
        h = down.log().neg() - start
        share = 1 / (2 * r)
        mixed = (1 - share) * denoised + share * estimate
        x = (signal_next / signal) * (-h).exp() * x - signal_next * (-h).expm1() * mixed
        if eta > 0 and s_noise > 0:
            x = x + signal_next * path(sigma, sigma_next) * s_noise * up
    return x


def dpmpp_2m_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0, solver_type: Literal["midpoint", "heun"] = "midpoint", on_cpu: bool = True,
) -> Tensor:  # fmt: skip
    """Multistep, second order.

    Raises:
        ValueError: for another solver type.
    """
    if solver_type not in ("midpoint", "heun"):
        raise ValueError(f"solver_type must be 'midpoint' or 'heun', not '{solver_type}'")
    if len(sigmas) <= 1:
        return x
    rule = denoiser.prediction
    path = noise.brownian(x, sigmas, on_cpu=on_cpu)
    sigmas = below_pure_noise(sigmas, rule)
    last = h_last = None
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = denoised
            continue
        end = rule.half_log_snr(sigma_next)
        h = end - rule.half_log_snr(sigma)
        raised = h * (eta + 1)
        signal_next = sigma_next * end.exp()
        x = sigma_next / sigma * (-h * eta).exp() * x + signal_next * (-raised).expm1().neg() * denoised
        if last is not None and h_last is not None:
            change = (denoised - last) * (h / h_last)
            if solver_type == "heun":
                x = x + signal_next * ((-raised).expm1().neg() / (-raised) + 1) * change
            else:
                x = x + 0.5 * signal_next * (-raised).expm1().neg() * change
        if eta > 0 and s_noise > 0:
            x = x + path(sigma, sigma_next) * sigma_next * (-2 * h * eta).expm1().neg().sqrt() * s_noise
        last, h_last = denoised, h
    return x


def dpmpp_3m_sde(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    eta: float = 1.0, s_noise: float = 1.0, on_cpu: bool = True,
) -> Tensor:  # fmt: skip
    """Multistep, third order."""
    if len(sigmas) <= 1:
        return x
    rule = denoiser.prediction
    path = noise.brownian(x, sigmas, on_cpu=on_cpu)
    sigmas = below_pure_noise(sigmas, rule)
    history: list[tuple[Tensor, Tensor]] = []  # (estimate, step that followed it), newest first
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        if sigma_next == 0:
            x = denoised
            continue
        end = rule.half_log_snr(sigma_next)
        h = end - rule.half_log_snr(sigma)
        raised = h * (eta + 1)
        signal_next = sigma_next * end.exp()
        x = sigma_next / sigma * (-h * eta).exp() * x + signal_next * (-raised).expm1().neg() * denoised
        second = raised.neg().expm1() / raised + 1
        if len(history) == 2:
            (first_estimate, first_h), (second_estimate, second_h) = history
            r0, r1 = first_h / h, second_h / h
            near, far = (denoised - first_estimate) / r0, (first_estimate - second_estimate) / r1
            d1 = near + (near - far) * r0 / (r0 + r1)
            d2 = (near - far) / (r0 + r1)
            x = x + (signal_next * second) * d1 - (signal_next * (second / raised - 0.5)) * d2
        elif history:
            estimate, last_h = history[0]
            x = x + (signal_next * second) * ((denoised - estimate) / (last_h / h))
        if eta > 0 and s_noise > 0:
            x = x + path(sigma, sigma_next) * sigma_next * (-2 * h * eta).expm1().neg().sqrt() * s_noise
        history = [(denoised, h), *history][:2]
    return x


__all__ = ["dpmpp_2m_sde", "dpmpp_3m_sde", "dpmpp_sde"]
