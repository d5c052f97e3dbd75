"""Multistep methods with slopes: linear multistep, pseudo numerical (iPNDM), DEIS, gradient estimation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.samplers.steps import slope


def lms(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    order: int = 4,
) -> Tensor:  # fmt: skip
    """Integrate the polynomial through the last slopes. Source: crowsonkb/k-diffusion (Adams–Bashforth)."""
    levels = sigmas.double().numpy()
    slopes: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoiser(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        slopes = [slope(x, sigmas[i], denoised), *slopes][:order]
        if sigmas[i + 1] == 0:
            x = denoised
        else:
            weights = _polynomial_weights(levels, i, min(i + 1, order))
            x = x + sum(weight * one for weight, one in zip(weights, slopes, strict=False))
    return x


def _polynomial_weights(levels: np.ndarray, i: int, order: int) -> list[float]:
    """Integrals of the Lagrange polynomials over step i, exactly."""
    nodes = [levels[i - k] for k in range(order)]
    weights = []
    for j, node in enumerate(nodes):
        others = [other for k, other in enumerate(nodes) if k != j]
        basis = np.polynomial.Polynomial.fromroots(others) if others else np.polynomial.Polynomial([1.0])
        integral = basis.integ()
        weights.append(
            float((integral(levels[i + 1]) - integral(levels[i])) / math.prod(node - other for other in others))
        )
    return weights


_FIXED = {
    1: (1.0,),
    2: (3 / 2, -1 / 2),
    3: (23 / 12, -16 / 12, 5 / 12),
    4: (55 / 24, -59 / 24, 37 / 24, -9 / 24),
}


def ipndm(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    max_order: int = 4,
) -> Tensor:  # fmt: skip
    """Adams–Bashforth with the weights of equal steps. Source: Zhang & Chen 2022, arXiv:2204.13902 (iPNDM)."""
    slopes: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoiser(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        slopes = [slope(x, sigmas[i], denoised), *slopes][:max_order]
        if sigmas[i + 1] == 0:
            x = denoised
        else:
            mean = sum(weight * one for weight, one in zip(_FIXED[len(slopes)], slopes, strict=True))
            x = x + (sigmas[i + 1] - sigmas[i]) * mean
    return x


def ipndm_v(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    max_order: int = 4,
) -> Tensor:  # fmt: skip
    """iPNDM with weights for unequal steps.

    The weights are those of the solver as published; its third-order term differs from exact Adams–Bashforth where
    steps are unequal, and saved workflows depend on that.

    Source: zju-pi/diff-sampler, `ipndm_v_sampler`.
    """
    slopes: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = denoiser(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        slopes = [slope(x, sigmas[i], denoised), *slopes][:max_order]
        if sigmas[i + 1] == 0:
            x = denoised
        else:
            weights = _variable_weights(sigmas, i, len(slopes))
            mean = sum(weight * one for weight, one in zip(weights, slopes, strict=True))
            x = x + (sigmas[i + 1] - sigmas[i]) * mean
    return x


def _variable_weights(sigmas: Tensor, i: int, order: int) -> tuple[Any, ...]:
    if order == 1:
        return (1.0,)
    h = sigmas[i + 1] - sigmas[i]
    h1 = sigmas[i] - sigmas[i - 1]
    if order == 2:
        return ((2 + h / h1) / 2, -(h / h1) / 2)
    h2 = sigmas[i - 1] - sigmas[i - 2]
    third = (1 - h / (3 * (h + h1)) * (h * (h + h1)) / (h1 * (h1 + h2))) / 2
    first, second = (2 + h / h1) / 2 + third, -(h / h1) / 2 - (1 + h1 / h2) * third
    if order == 3:
        return (first, second, third * h1 / h2)
    h3 = sigmas[i - 2] - sigmas[i - 3]
    fourth = (
        ((1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2)))
        * (h * (h + h1) * (h + h1 + h2))
        / (h1 * (h1 + h2) * (h1 + h2 + h3))
    )
    ratio = (h1 * (h1 + h2)) / (h2 * (h2 + h3))
    return (
        first + fourth,
        second - (1 + h1 / h2 + ratio) * fourth,
        third * h1 / h2 + (h1 / h2 + ratio * (1 + h2 / h3)) * fourth,
        -fourth * ratio * h1 / h2,
    )


def deis(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    max_order: int = 3,
) -> Tensor:  # fmt: skip
    """Polynomials in the time of the variance-preserving equation. Source: Zhang & Chen 2022, arXiv:2204.13902."""
    slopes: list[Tensor] = []
    times, beta_0, beta_1 = _deis_times(sigmas)
    for i in range(len(sigmas) - 1):
        denoised = denoiser(x, sigmas[i], conditioning)
        on_step(i, denoised, x)
        slopes = [slope(x, sigmas[i], denoised), *slopes][:max_order]
        if sigmas[i + 1] <= 0 or len(slopes) == 1:
            x = x + (sigmas[i + 1] - sigmas[i]) * slopes[0]
        else:
            weights = _deis_weights(times, i, len(slopes), beta_0, beta_1)
            x = x + sum(weight * one for weight, one in zip(weights, slopes, strict=True))
    return x


def _deis_times(sigmas: Tensor) -> tuple[Tensor, float, float]:
    """Times of the variance-preserving equation that spans sigma 0.002 … 80 in t 0.001 … 1."""
    low, high, eps = math.log(0.002**2 + 1), math.log(80.0**2 + 1), 1e-3
    beta_d = 2 * (low / eps - high) / (eps - 1)
    beta_min = high - 0.5 * beta_d
    times = ((beta_min**2 + 2 * beta_d * (sigmas**2 + 1).log()).sqrt() - beta_min) / beta_d
    return times, beta_min, beta_d + beta_min


def _deis_weights(
    times: Tensor, i: int, order: int, beta_0: float, beta_1: float, points: int = 10_000
) -> list[Tensor]:
    """Integrals of the slope's weight times each Lagrange polynomial over step i, by a sum over points."""
    taus = torch.linspace(float(times[i]), float(times[i + 1]), points)
    width = (times[i + 1] - times[i]) / points
    log_alpha = -0.5 * taus**2 * (beta_1 - beta_0) - taus * beta_0
    alpha = log_alpha.exp()
    weight = -0.5 * (-taus * (beta_1 - beta_0) - beta_0) / (alpha * (1 - alpha)).sqrt()
    nodes = [times[i - k] for k in range(order)]
    result = []
    for j, node in enumerate(nodes):
        polynomial = torch.ones_like(taus)
        for k, other in enumerate(nodes):
            if k != j:
                polynomial = polynomial * (taus - other) / (node - other)
        result.append((weight * polynomial).sum() * width)
    return result


def gradient_estimation(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    ge_gamma: float = 2.0, cfg_pp: bool = False,
) -> Tensor:  # fmt: skip
    """Euler, corrected by how the slope changed. Source: Permenter & Yuan 2023, arXiv:2306.04848."""
    last: Tensor | None = None
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        if cfg_pp:
            denoised, base = denoiser.guided(x, sigma, conditioning)
        else:
            denoised = base = denoiser(x, sigma, conditioning)
        on_step(i, denoised, x)
        direction = slope(x, sigma, base)
        if sigma_next == 0:
            x = denoised
        else:
            step = sigma_next - sigma
            x = denoised + direction * sigma_next if cfg_pp else x + direction * step
            if last is not None:
                x = x + (ge_gamma - 1) * (direction - last) * step
        last = direction
    return x


__all__ = ["deis", "gradient_estimation", "ipndm", "ipndm_v", "lms"]
