"""Pieces that several samplers share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from diffusion.sampling.prediction import Prediction


def slope(x: Tensor, sigma: Tensor, denoised: Tensor) -> Tensor:
    """dx/dσ of the probability-flow equation. Source: Karras et al. 2022, arXiv:2206.00364."""
    return (x - denoised) / sigma


class AncestralStep(NamedTuple):
    """Where a step goes deterministically, and how much fresh noise brings it back up."""

    down: Tensor
    up: Tensor


def ancestral_step(sigma: Tensor, sigma_next: Tensor, eta: float = 1.0) -> AncestralStep:
    """Split a step into a longer one down and noise added. Source: crowsonkb/k-diffusion."""
    if not eta:
        return AncestralStep(sigma_next, torch.zeros(()))
    up = torch.minimum(sigma_next, eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5)
    return AncestralStep((sigma_next**2 - up**2) ** 0.5, up)


class FlowAncestralStep(NamedTuple):
    """The same for blended noise: target, factor for x, factor for fresh noise."""

    down: Tensor
    keep: Tensor
    renoise: Tensor


def flow_ancestral_step(sigma: Tensor, sigma_next: Tensor, eta: float = 1.0) -> FlowAncestralStep:
    """Ancestral step of a rectified flow, where signal and noise sum to one."""
    down = sigma_next * (1 + (sigma_next / sigma - 1) * eta)
    keep = (1 - sigma_next) / (1 - down)
    return FlowAncestralStep(down, keep, (sigma_next**2 - down**2 * keep**2) ** 0.5)


def below_pure_noise(sigmas: Tensor, prediction: Prediction) -> Tensor:
    """Sigmas whose log SNR is finite: a flow that starts at pure noise starts a hair later."""
    if len(sigmas) <= 1 or not prediction.is_flow or sigmas[0] < 1:
        return sigmas
    sigmas = sigmas.clone()
    sigmas[0] = prediction.percent_to_sigma(1e-4)
    return sigmas


def churn(sigma: Tensor, count: int, s_churn: float, s_tmin: float, s_tmax: float) -> tuple[Tensor, Tensor]:
    """Raised noise level of stochastic Heun-type samplers, and how much noise raises it (both zero-dimensional)."""
    gamma = min(s_churn / count, 2**0.5 - 1) if s_tmin <= sigma <= s_tmax else 0.0
    raised = sigma * (gamma + 1)
    return raised, (raised**2 - sigma**2).clamp(min=0) ** 0.5


__all__ = [
    "AncestralStep",
    "FlowAncestralStep",
    "ancestral_step",
    "below_pure_noise",
    "churn",
    "flow_ancestral_step",
    "slope",
]
