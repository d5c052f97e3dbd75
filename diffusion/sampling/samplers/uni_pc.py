"""Unified predictor-corrector, orders one to three. Source: Zhao et al. 2023, arXiv:2302.04867."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise

LAST = 0.001  # stands for a final sigma of 0, where λ is infinite


def uni_pc(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    variant: Literal["bh1", "bh2"] = "bh1",
) -> Tensor:  # fmt: skip
    """Predict with past estimates, correct with the new one, which costs nothing extra.

    Works in the variance-preserving scale, x / √(1+σ²). A final 0 in `sigmas` is replaced in place, so that what
    follows sees where the run really ended.
    """
    if len(sigmas) <= 1:
        return x
    if sigmas[-1] == 0:
        sigmas[-1] = LAST
    steps = len(sigmas) - 1
    order = max(1, min(3, steps - 1))
    x = x / (1 + sigmas[0] ** 2).sqrt()
    estimate = denoiser(x * (1 + sigmas[0] ** 2).sqrt(), sigmas[0], conditioning)
    on_step(0, estimate, x)
    levels, estimates = [sigmas[0]], [estimate]
    for i in range(1, steps + 1):
        used = min(order, len(levels), steps + 1 - i)
        final = i == steps
        x, estimate_next = _update(
            denoiser, x, levels, estimates, sigmas[i], used, conditioning, variant, correct=not final
        )
        if estimate_next is not None:
            on_step(i, estimate_next, x)
            levels, estimates = [*levels, sigmas[i]][-order:], [*estimates, estimate_next][-order:]
    return x * (1 + sigmas[-1] ** 2).sqrt()


def _signal(sigma: Tensor) -> Tensor:
    return 1 / (1 + sigma**2).sqrt()


def _update(
    denoiser: Denoiser, x: Tensor, levels: list[Tensor], estimates: list[Tensor], sigma: Tensor, order: int,
    conditioning: Any, variant: str, *, correct: bool,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """One step; without correction the new estimate is not needed and None."""
    last, newest = levels[-1], estimates[-1]
    h = last.log() - sigma.log()
    ratios, differences = [], []
    for k in range(1, order):
        ratio = (last.log() - levels[-1 - k].log()) / h
        ratios.append(ratio)
        differences.append((estimates[-1 - k] - newest) / ratio)
    ratios.append(torch.ones(()))
    matrix, right, scale = _system(torch.stack(ratios), h, order, variant)
    signal = _signal(sigma)
    base = (sigma * signal) / (last * _signal(last)) * x - signal * torch.expm1(-h) * newest
    predicted = base
    if differences:
        weights = torch.full((1,), 0.5) if order == 2 else torch.linalg.solve(matrix[:-1, :-1], right[:-1])
        predicted = base - signal * scale * _mix(weights, differences)
    if not correct:
        return predicted, None
    estimate = denoiser(predicted * (1 + sigma**2).sqrt(), sigma, conditioning)
    weights = torch.full((1,), 0.5) if order == 1 else torch.linalg.solve(matrix, right)
    correction = weights[-1] * (estimate - newest)
    if differences:
        correction = correction + _mix(weights[:-1], differences)
    return base - signal * scale * correction, estimate


def _mix(weights: Tensor, parts: list[Tensor]) -> Tensor:
    return torch.stack([w * p for w, p in zip(weights, parts, strict=True)]).sum(0)


def _system(ratios: Tensor, h: Tensor, order: int, variant: str) -> tuple[Tensor, Tensor, Tensor]:
    step = -h
    phi_1 = torch.expm1(step)
    scale = step if variant == "bh1" else phi_1
    phi, factorial = phi_1 / step - 1, 1.0
    rows, right = [], []
    for k in range(1, order + 1):
        rows.append(ratios ** (k - 1))
        right.append(phi * factorial / scale)
        factorial *= k + 1
        phi = phi / step - 1 / factorial
    return torch.stack(rows), torch.stack(right), scale


__all__ = ["LAST", "uni_pc"]
