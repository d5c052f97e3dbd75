"""Schedules: functions that choose the noise levels of a run.

Each returns float32 `[steps + 1]` on the CPU, decreasing, last 0 (unless its docstring says otherwise).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.sampling.added import added_names, added_schedule
from diffusion.sampling.names import SCHEDULES
from diffusion.sampling.prediction import Prediction

# Samplers that treat the second-to-last level poorly are given one step more and lose that level.
DISCARD_PENULTIMATE = frozenset({"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"})


def simple(prediction: Prediction, steps: int) -> Tensor:
    """Levels of the trained table at equal index distances, from the highest down."""
    table = prediction.sigmas
    stride = len(table) / steps
    return _with_zero([float(table[-(1 + int(i * stride))]) for i in range(steps)])


def normal(prediction: Prediction, steps: int) -> Tensor:
    """Equal distances in the network's time, both ends included."""
    start, end = prediction.timestep(prediction.sigma_max), prediction.timestep(prediction.sigma_min)
    if math.isclose(float(prediction.sigma(end)), 0.0, abs_tol=1e-5):
        return prediction.sigma(torch.linspace(float(start), float(end), steps + 1)).float()
    levels = prediction.sigma(torch.linspace(float(start), float(end), steps))
    return torch.cat([levels.float(), torch.zeros(1)])


def sgm_uniform(prediction: Prediction, steps: int) -> Tensor:
    """Equal distances in the network's time, the lowest end left out. Source: Stability-AI/generative-models."""
    start, end = prediction.timestep(prediction.sigma_max), prediction.timestep(prediction.sigma_min)
    levels = prediction.sigma(torch.linspace(float(start), float(end), steps + 1)[:-1])
    return torch.cat([levels.float(), torch.zeros(1)])


def karras(sigma_min: float, sigma_max: float, steps: int, rho: float = 7.0) -> Tensor:
    """Levels that crowd towards sigma_min. Source: Karras et al. 2022, arXiv:2206.00364, eq. 5."""
    ramp = torch.linspace(0, 1, steps)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return torch.cat([(high + ramp * (low - high)) ** rho, torch.zeros(1)])


def exponential(sigma_min: float, sigma_max: float, steps: int) -> Tensor:
    """Equal distances in the logarithm of sigma. Source: crowsonkb/k-diffusion."""
    return torch.cat([torch.linspace(math.log(sigma_max), math.log(sigma_min), steps).exp(), torch.zeros(1)])


def polyexponential(sigma_min: float, sigma_max: float, steps: int, rho: float = 1.0) -> Tensor:
    """Polynomial distances in the logarithm of sigma. Source: crowsonkb/k-diffusion."""
    ramp = torch.linspace(1, 0, steps) ** rho
    return torch.cat([(ramp * (math.log(sigma_max) - math.log(sigma_min)) + math.log(sigma_min)).exp(), torch.zeros(1)])


def variance_preserving(steps: int, beta_d: float = 19.9, beta_min: float = 0.1, eps_s: float = 1e-3) -> Tensor:
    """The continuous variance-preserving schedule. Source: Song et al. 2021, arXiv:2011.13456."""
    t = torch.linspace(1, eps_s, steps)
    return torch.cat([torch.sqrt(torch.exp(beta_d * t**2 / 2 + beta_min * t) - 1), torch.zeros(1)])


def laplace(sigma_min: float, sigma_max: float, steps: int, mu: float = 0.0, beta: float = 0.5) -> Tensor:
    """Levels drawn from a Laplace distribution of log sigma. Source: Hang et al. 2024, arXiv:2407.03297."""
    x = torch.linspace(0, 1, steps)
    shape = torch.clamp(
        mu - beta * torch.sign(0.5 - x) * torch.log(1 - 2 * torch.abs(0.5 - x) + 1e-5), max=20.0, min=-20.0
    )
    return torch.clamp(torch.exp(shape), min=sigma_min, max=sigma_max)


def ddim_uniform(prediction: Prediction, steps: int) -> Tensor:
    """Every k-th trained level, from the second up; may have a count other than `steps`. Source: arXiv:2010.02502."""
    table = prediction.sigmas
    levels = [0.0]
    if math.isclose(float(table[1]), 0.0, abs_tol=1e-5):
        steps, levels = steps + 1, []
    stride = max(len(table) // steps, 1)
    levels += [float(level) for level in table[1::stride]]
    return torch.tensor(levels[::-1], dtype=torch.float32)


def beta(prediction: Prediction, steps: int, alpha: float = 0.6, beta: float = 0.6) -> Tensor:
    """Trained levels at quantiles of a Beta distribution; repeated ones are dropped. Source: arXiv:2407.12173."""
    import numpy as np
    from scipy.special import betaincinv

    table = prediction.sigmas
    quantiles = 1 - np.linspace(0, 1, steps, endpoint=False)
    indices = np.rint(betaincinv(alpha, beta, quantiles) * (len(table) - 1))
    kept = [int(index) for position, index in enumerate(indices) if position == 0 or index != indices[position - 1]]
    return _with_zero([float(table[index]) for index in kept])


def linear_quadratic(prediction: Prediction, steps: int, threshold: float = 0.025) -> Tensor:
    """Linear first half up to a small share of noise removed, then quadratic. Source: Movie Gen, arXiv:2410.13720."""
    if steps == 1:
        return torch.tensor([1.0, 0.0]) * float(prediction.sigma_max)
    first = steps // 2
    last = steps - first
    rise = first - threshold * steps
    a, b = rise / (first * last**2), threshold / first - 2 * rise / last**2
    done = [i * threshold / first for i in range(first)]
    done += [a * i**2 + b * i + a * first**2 for i in range(first, steps)]
    return torch.tensor([1.0 - share for share in [*done, 1.0]]) * float(prediction.sigma_max)


def kl_optimal(sigma_min: float, sigma_max: float, steps: int) -> Tensor:
    """Equal distances in the angle of sigma. Source: Sabour et al. 2024, arXiv:2404.14507, eq. 7."""
    share = torch.arange(steps, dtype=torch.float32) / max(steps - 1, 1)
    angles = share * math.atan(sigma_min) + (1 - share) * math.atan(sigma_max)
    return torch.cat([angles.tan(), torch.zeros(1)])


def _with_zero(levels: list[float]) -> Tensor:
    return torch.tensor([*levels, 0.0], dtype=torch.float32)


def _by_range(rule: Callable[[float, float, int], Tensor]) -> Callable[[Prediction, int], Tensor]:
    return lambda prediction, steps: rule(float(prediction.sigma_min), float(prediction.sigma_max), steps)


_RULES: dict[str, Callable[[Prediction, int], Tensor]] = {
    "simple": simple,
    "sgm_uniform": sgm_uniform,
    "karras": _by_range(karras),
    "exponential": _by_range(exponential),
    "ddim_uniform": ddim_uniform,
    "beta": beta,
    "normal": normal,
    "linear_quadratic": linear_quadratic,
    "kl_optimal": _by_range(kl_optimal),
}


def schedule(
    name: str, prediction: Prediction, steps: int, strength: float = 1.0, sampler: str | None = None
) -> Tensor:
    """The noise levels of a run.

    Args:
        name: one of `SCHEDULES`, or one that was added.
        strength: share of the schedule that is run, 0..1; below 1 the end of a longer schedule is taken.
        sampler: its name, where its needs shape the schedule (see `DISCARD_PENULTIMATE`).
    Returns:
        float32 [steps + 1] on the CPU; empty if strength is 0.
    Raises:
        SamplingError: for an unknown name or less than one step.
    """
    rule = _RULES.get(name) or added_schedule(name)
    if rule is None:
        known = (*SCHEDULES, *added_names()[1])
        raise SamplingError(f"There is no schedule '{name}'. Known: {', '.join(known)}.")
    if steps < 1:
        raise SamplingError(f"A run needs at least one step, not {steps}.")
    if strength <= 0.0:
        return torch.empty(0)
    if strength > 0.9999:
        return _levels(rule, prediction, steps, sampler)
    return _levels(rule, prediction, int(steps / strength), sampler)[-(steps + 1) :]


def _levels(
    rule: Callable[[Prediction, int], Tensor], prediction: Prediction, steps: int, sampler: str | None
) -> Tensor:
    if sampler in DISCARD_PENULTIMATE:
        levels = rule(prediction, steps + 1)
        return torch.cat([levels[:-2], levels[-1:]])
    return rule(prediction, steps)


__all__ = [
    "DISCARD_PENULTIMATE", "beta", "ddim_uniform", "exponential", "karras", "kl_optimal", "laplace",
    "linear_quadratic", "normal", "polyexponential", "schedule", "sgm_uniform", "simple", "variance_preserving",
]  # fmt: skip
