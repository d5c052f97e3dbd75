"""DPM-Solver with steps of its own choosing: fast and adaptive. Only the first and last positive sigma count.

Source: Lu et al. 2022, arXiv:2206.00927; step control as in crowsonkb/k-diffusion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.sampling.contract import Denoiser, OnStep
from diffusion.sampling.noise import StepNoise

MOST_STEPS = 10_000


class _Solver:
    """Steps of order one to three in t = −ln σ; estimates of epsilon are shared between orders."""

    def __init__(self, denoiser: Denoiser, conditioning: Any) -> None:
        self.denoiser, self.conditioning = denoiser, conditioning

    def epsilon(self, cache: dict[str, Tensor], key: str, x: Tensor, t: Tensor) -> Tensor:
        """Predicted noise; evaluated once for each key."""
        if key not in cache:
            sigma = t.neg().exp()
            cache[key] = (x - self.denoiser(x, sigma, self.conditioning)) / sigma
        return cache[key]

    def first(self, x: Tensor, t: Tensor, t_next: Tensor, cache: dict[str, Tensor]) -> Tensor:
        """Order one."""
        h = t_next - t
        return x - t_next.neg().exp() * h.expm1() * self.epsilon(cache, "eps", x, t)

    def second(self, x: Tensor, t: Tensor, t_next: Tensor, cache: dict[str, Tensor], r1: float = 1 / 2) -> Tensor:
        """Order two."""
        h, eps = t_next - t, self.epsilon(cache, "eps", x, t)
        s1 = t + r1 * h
        eps_r1 = self.epsilon(cache, f"r1 {r1}", x - s1.neg().exp() * (r1 * h).expm1() * eps, s1)
        end = t_next.neg().exp()
        return x - end * h.expm1() * eps - end / (2 * r1) * h.expm1() * (eps_r1 - eps)

    def third(self, x: Tensor, t: Tensor, t_next: Tensor, cache: dict[str, Tensor]) -> Tensor:
        """Order three."""
        r1, r2 = 1 / 3, 2 / 3
        h, eps = t_next - t, self.epsilon(cache, "eps", x, t)
        s1, s2 = t + r1 * h, t + r2 * h
        eps_r1 = self.epsilon(cache, f"r1 {r1}", x - s1.neg().exp() * (r1 * h).expm1() * eps, s1)
        u2 = x - s2.neg().exp() * (r2 * h).expm1() * eps
        u2 = u2 - s2.neg().exp() * (r2 / r1) * ((r2 * h).expm1() / (r2 * h) - 1) * (eps_r1 - eps)
        eps_r2 = self.epsilon(cache, "r2", u2, s2)
        end = t_next.neg().exp()
        return x - end * h.expm1() * eps - end / r2 * (h.expm1() / h - 1) * (eps_r2 - eps)


def _range(sigmas: Tensor) -> tuple[Tensor, Tensor]:
    lowest = sigmas[-1] if sigmas[-1] > 0 else sigmas[-2]
    return sigmas[0].log().neg(), lowest.log().neg()


def dpm_fast(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
) -> Tensor:  # fmt: skip
    """As many evaluations as there are steps, of orders that use them up; equal steps in ln σ."""
    if len(sigmas) <= 1:
        return x
    evaluations = len(sigmas) - 1
    solver = _Solver(denoiser, conditioning)
    start, end = _range(sigmas)
    if start == end:  # a single level: all that is left is to denoise
        denoised = denoiser(x, sigmas[0], conditioning)
        on_step(0, denoised, x)
        return denoised
    count = evaluations // 3 + 1
    times = torch.linspace(float(start), float(end), count + 1)
    rest = evaluations % 3
    orders = [3] * (count - 2) + [2, 1] if rest == 0 else [3] * (count - 1) + [rest]
    steps: dict[int, Callable[..., Tensor]] = {1: solver.first, 2: solver.second, 3: solver.third}
    for i, order in enumerate(orders):
        cache: dict[str, Tensor] = {}
        eps = solver.epsilon(cache, "eps", x, times[i])
        on_step(i, x - times[i].neg().exp() * eps, x)
        x = steps[order](x, times[i], times[i + 1], cache)
    return x


def dpm_adaptive(
    denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep,
    order: int = 3, rtol: float = 0.05, atol: float = 0.0078, h_init: float = 0.05, pcoeff: float = 0.0,
    icoeff: float = 1.0, dcoeff: float = 0.0, accept_safety: float = 0.81, eta: float = 0.0, s_noise: float = 1.0,
) -> Tensor:  # fmt: skip
    """Steps as long as the difference between two orders allows; the number of steps is not known beforehand.

    Args:
        order: 2 or 3.
        rtol, atol: relative and absolute tolerance.
        pcoeff, icoeff, dcoeff: of the controller of the step size.
        accept_safety: smallest factor at which a step is accepted.
        eta: share of noise put back after each step.
    Raises:
        SamplingError: for another order, or if the tolerance cannot be met.
    """
    if order not in (2, 3):
        raise SamplingError(f"dpm_adaptive has orders 2 and 3, not {order}.")
    if len(sigmas) <= 1:
        return x
    solver = _Solver(denoiser, conditioning)
    s, end = _range(sigmas)
    if s == end:  # a single level: all that is left is to denoise
        denoised = denoiser(x, sigmas[0], conditioning)
        on_step(0, denoised, x)
        return denoised
    x_prev, control = x, _Controller(h_init, pcoeff, icoeff, dcoeff, 1.5 if eta else order, accept_safety)
    for index in range(MOST_STEPS):
        if not s < end - 1e-5:
            return x
        t = torch.minimum(end, s + control.h)
        t_down, added = t, torch.zeros(())
        if eta:
            start_sigma, end_sigma = s.neg().exp(), t.neg().exp()
            up = torch.minimum(
                end_sigma, eta * (end_sigma**2 * (start_sigma**2 - end_sigma**2) / start_sigma**2) ** 0.5
            )
            t_down = torch.minimum(end, (end_sigma**2 - up**2).sqrt().log().neg())
            added = (end_sigma**2 - t_down.neg().exp() ** 2).clamp(min=0).sqrt()
        cache: dict[str, Tensor] = {}
        denoised = x - s.neg().exp() * solver.epsilon(cache, "eps", x, s)
        if order == 2:
            low, high = solver.first(x, s, t_down, cache), solver.second(x, s, t_down, cache)
        else:
            low, high = solver.second(x, s, t_down, cache, r1=1 / 3), solver.third(x, s, t_down, cache)
        scale = torch.maximum(torch.full_like(low, atol), rtol * torch.maximum(low.abs(), x_prev.abs()))
        error = float(torch.linalg.norm((low - high) / scale)) / x.numel() ** 0.5
        if control.accepts(error):
            x_prev = low
            x = high + added * s_noise * noise(x) if eta else high
            s = t
        on_step(index, denoised, x)
    raise SamplingError(f"dpm_adaptive did not reach its tolerance in {MOST_STEPS} steps; raise rtol or atol.")


class _Controller:
    """A PID controller of the step size. Source: Söderlind 2003, ACM TOMS 30(1)."""

    def __init__(self, h: float, p: float, i: float, d: float, order: float, accept_safety: float) -> None:
        self.h, self.accept_safety = h, accept_safety
        self.exponents = ((p + i + d) / order, -(p + 2 * d) / order, d / order)
        self.errors: list[float] = []

    def accepts(self, error: float) -> bool:
        """Whether a step with this error is taken; adapts the next step's size."""
        inverse = 1 / (error + 1e-8)
        if not self.errors:
            self.errors = [inverse, inverse, inverse]
        self.errors[0] = inverse
        factor = math.prod(e**b for e, b in zip(self.errors, self.exponents, strict=True))
        factor = 1 + math.atan(factor - 1)
        accepted = factor >= self.accept_safety
        if accepted:
            self.errors = [self.errors[0], self.errors[0], self.errors[1]]
        self.h *= factor
        return accepted


__all__ = ["dpm_adaptive", "dpm_fast"]
