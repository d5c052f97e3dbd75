"""Stochastic Adams: predictor, corrector, and noise over a range of the schedule.

Source: Xue et al. 2023, arXiv:2309.05019.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise
from diffusion.sampling.samplers.steps import below_pure_noise

Tau = Callable[[Tensor], float]  # noise level → how stochastic a step to it is


def tau_between(start: float, end: float, eta: float = 1.0) -> Tau:
    """Stochastic by `eta` for sigmas between `end` and `start`, deterministic elsewhere."""
    return lambda sigma: eta if eta > 0 and end <= float(sigma) <= start else 0.0


def sa_solver(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    tau: Tau | None = None, s_noise: float = 1.0, predictor_order: int = 3, corrector_order: int = 4,
    use_pece: bool = False, simple_order_2: bool = False,
) -> Tensor:  # fmt: skip
    """Predict from the last estimates, correct with the new one.

    Args:
        tau: None is stochastic between 20 % and 80 % of the schedule.
        use_pece: evaluate the corrected state again.
        simple_order_2: the authors' shorter formula where two estimates are used.
    """
    if len(sigmas) <= 1:
        return x
    rule = denoiser.prediction
    sigmas = below_pure_noise(sigmas, rule)
    lambdas = rule.half_log_snr(sigmas)
    tau = tau or tau_between(rule.percent_to_sigma(0.2), rule.percent_to_sigma(0.8))
    to_end = bool(sigmas[-1] == 0)
    predicted, estimates = x, []
    added: Tensor | None = None
    stir, h = 0.0, torch.zeros(())
    for i in range(len(sigmas) - 1):
        sigma, sigma_next = sigmas[i], sigmas[i + 1]
        denoised = denoiser(predicted, sigma, conditioning)
        on_step(i, denoised, predicted)
        estimates = [*estimates, denoised][-max(predictor_order, corrector_order) :]
        predict = min(predictor_order, len(estimates))
        correct = 0 if i == 0 or (sigma_next == 0 and not use_pece) else min(corrector_order, len(estimates))
        if to_end:
            predict, correct = min(predict, len(sigmas) - 2 - i), min(correct, len(sigmas) - 1 - i)
        if correct == 0:
            x = predicted
        else:
            weights = _weights(
                sigma,
                lambdas[i - correct + 1 : i + 1],
                lambdas[i - 1],
                lambdas[i],
                stir,
                simple_order_2,
                corrector=True,
            )
            x = sigma / sigmas[i - 1] * (-(stir**2) * h).exp() * x + _mix(weights, estimates[-correct:])
            if added is not None:
                x = x + added
            if use_pece:
                denoised = denoiser(x, sigma, conditioning)
                estimates[-1] = denoised
        if sigma_next == 0:
            x = denoised
            continue
        stir = tau(sigma_next)
        weights = _weights(
            sigma_next,
            lambdas[i - predict + 1 : i + 1],
            lambdas[i],
            lambdas[i + 1],
            stir,
            simple_order_2,
            corrector=False,
        )
        h = lambdas[i + 1] - lambdas[i]
        predicted = sigma_next / sigma * (-(stir**2) * h).exp() * x + _mix(weights, estimates[-predict:])
        added = None
        if stir > 0 and s_noise > 0:
            added = noise(x) * sigma_next * (-2 * stir**2 * h).expm1().neg().sqrt() * s_noise
            predicted = predicted + added
    return x if sigmas[-1] == 0 else predicted


def _mix(weights: Tensor, estimates: list[Tensor]) -> Tensor:
    return torch.stack([w * e for w, e in zip(weights, estimates, strict=True)]).sum(0)


def _weights(
    sigma: Tensor, nodes: Tensor, start: Tensor, end: Tensor, tau: float, simple: bool, *, corrector: bool
) -> Tensor:
    """Weights of the estimates at `nodes` for a step from `start` to `end` in λ."""
    signal = sigma * end.exp()
    if simple and len(nodes) == 2:
        return signal * _simple_weights(nodes, start, end, tau, corrector=corrector)
    powers = torch.vander(nodes, len(nodes), increasing=True).T
    return signal * torch.linalg.solve(powers, _integrals(start, end, len(nodes), tau))


def _integrals(start: Tensor, end: Tensor, order: int, tau: float) -> Tensor:
    """(1+τ²) ∫ exp((1+τ²)(x − end)) xᵖ dx from start to end, for p = 0 … order−1, by parts."""
    rate = 1 + tau**2
    p = torch.arange(order, dtype=start.dtype)
    boundary = end**p - start**p * (-rate * (end - start)).exp()
    depth = p[:, None] - p[None, :]
    log_factorials = (p + 1).lgamma()
    size = log_factorials[:, None] - log_factorials[None, :] - depth * math.log(rate)
    signs = torch.where(depth % 2 == 0, 1.0, -1.0)
    return (size.exp() * signs).tril() @ boundary


def _simple_weights(nodes: Tensor, start: Tensor, end: Tensor, tau: float, *, corrector: bool) -> Tensor:
    rate, h = 1 + tau**2, end - start
    grown = rate * h
    if corrector:
        second = 0.5 * grown
        first = (-grown).expm1().neg() - second
        return torch.stack([first, second])
    ratio = h / (nodes[-1] - nodes[0])
    first = (-grown).expm1().neg()
    second = 0.5 * grown * ratio
    return torch.stack([-second, first + second])


__all__ = ["Tau", "sa_solver", "tau_between"]
