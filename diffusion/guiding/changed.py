"""Guidance computed in another way from the same two estimates.

Every function here makes a hook (`diffusion.model.Hooks`): it is told a `GuidanceStep`, whose tensors are
[batch, channels, height, width] in the network's latent space, and returns x0 or new estimates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.model import CfgHook, GuidanceStep, MaskHook, Model, PostCfgHook, PreCfgHook

Estimates = tuple[Tensor, ...]


def rescaled(multiplier: float) -> CfgHook:
    """Guidance whose standard deviation is brought back to that of the positive estimate, in v-space.

    Args:
        multiplier: share of the rescaled result; the rest is plain guidance.
    Source:
        Lin et al. 2023, arXiv:2305.08891, section 3.4.
    """

    def guide(step: GuidanceStep) -> Tensor:
        positive, negative = step.positive, step.negative
        sigma = step.sigma
        root = (sigma**2 + 1.0) ** 0.5
        scaled = step.x / (sigma**2 + 1.0)
        toward, away = ((scaled - estimate) * root / sigma for estimate in (positive, negative))
        guided = away + step.scale * (toward - away)
        even = guided * (_deviation(toward) / _deviation(guided))
        final = multiplier * even + (1.0 - multiplier) * guided
        return scaled - final * sigma / root

    return guide


def renormalised(below: float, limit: float) -> CfgHook:
    """Guidance only at low noise, whose length may not exceed a multiple of the positive estimate's.

    Args:
        below: noise level under which the negative estimate counts.
        limit: longest result as a multiple of the positive estimate's norm; 0 sets no limit.
    Source:
        Lumina-Image 2.0, arXiv:2503.21758 (CFG-Renorm and CFG-Trunc).
    """

    def guide(step: GuidanceStep) -> Tensor:
        positive, negative = step.positive, step.negative
        if float(step.sigma) >= below:
            return positive
        guided = negative + step.scale * (positive - negative)
        if limit > 0.0:
            most = _length(positive) * limit
            length = _length(guided)
            guided = torch.where(length >= most, guided * (most / length), guided)
        return guided

    return guide


def norm_limited(strength: float) -> PostCfgHook:
    """A guided estimate that is nowhere longer, over channels, than the positive one.

    Args:
        strength: factor of the result.
    """

    def change(step: GuidanceStep) -> Tensor:
        positive, guided = step.positive, step.guided
        wanted = torch.norm(positive, dim=1, keepdim=True)
        got = torch.norm(guided, dim=1, keepdim=True)
        return guided * (wanted / (got + 1e-8)).clamp(min=0.0, max=1.0) * strength

    return change


def zero_star() -> PostCfgHook:
    """Guidance away from the part of the negative that lies along the positive.

    Source:
        Fan et al. 2025, arXiv:2503.18886 (CFG-Zero*), the optimised scale.
    """

    def change(step: GuidanceStep) -> Tensor:
        positive, negative, guided = step.positive, step.negative, step.guided
        toward, away = (step.x - positive).flatten(1), (step.x - negative).flatten(1)
        share = (toward * away).sum(1, keepdim=True) / ((away**2).sum(1, keepdim=True) + 1e-8)
        alpha = share.reshape(-1, *[1] * (step.x.ndim - 1))
        return guided + negative * (alpha - 1.0) + step.scale * negative * (1.0 - alpha)

    return change


def tangential() -> PreCfgHook:
    """A negative estimate without the part of its score that is perpendicular to what both scores share.

    Source:
        Kwon et al. 2025, arXiv:2503.18137 (TCFG).
    """

    def change(step: GuidanceStep) -> Estimates:
        positive, negative = step.positive, step.negative
        if step.one_sided:
            return step.estimates
        toward, away = ((step.x - one).flatten(1).unsqueeze(1).float() for one in (positive, negative))
        shared = torch.linalg.svd(torch.cat([away, toward], dim=1), full_matrices=False)[2][:, :1]
        along = (away @ shared.transpose(-2, -1)) * shared
        return positive, step.x - along.reshape(negative.shape).to(negative.dtype), *step.estimates[2:]

    return change


def positive_leaning() -> PostCfgHook:
    """Guidance that leans to the scaled positive estimate where it looks unlike the negative one (Mahiro)."""

    def change(step: GuidanceStep) -> Tensor:
        positive, negative, guided = step.positive, step.negative, step.guided
        leap, back = positive * step.scale, negative * step.scale
        merged = (leap + guided) / 2
        alike = F.cosine_similarity(_rooted(back), _rooted(merged)).mean()
        share = 2 * (alike + 1)
        return (share * guided + (4 - share) * leap) / 4

    return change


def frequency_scaled(low: float, high: float, cutoff: int) -> PreCfgHook:
    """A guidance direction whose low and high frequencies are scaled apart.

    Args:
        low, high: factors below and above the cutoff.
        cutoff: half the side of the square of low frequencies, in steps of the spectrum.
    Source:
        Huang et al. 2025, arXiv:2504.02154 (FreSca).
    """

    def change(step: GuidanceStep) -> Estimates:
        positive, negative = step.positive, step.negative
        if step.one_sided:
            return step.estimates
        direction = positive - negative
        spectrum = torch.fft.fftshift(torch.fft.fftn(direction.float(), dim=(-2, -1)), dim=(-2, -1))
        factors = torch.full_like(spectrum.real, high)
        middles = [size // 2 for size in spectrum.shape[-2:]]
        rows, columns = (slice(m - min(cutoff, m), m + min(cutoff, m)) for m in middles)
        factors[..., rows, columns] = low
        shifted = torch.fft.ifftshift(spectrum * factors, dim=(-2, -1))
        filtered = torch.fft.ifftn(shifted, dim=(-2, -1)).real.to(direction.dtype)
        return negative + filtered, negative, *step.estimates[2:]

    return change


@dataclass(slots=True)
class _Momentum:
    """What projected guidance remembers of the step before, within one run."""

    average: Tensor | None = None
    sigma: float = field(default=float("inf"))


def projected(eta: float, longest: float, momentum: float) -> PreCfgHook:
    """Guidance split into the parts along and across the positive estimate.

    Args:
        eta: factor of the part along the estimate, which oversaturates.
        longest: the direction's norm is limited to this; 0 sets no limit.
        momentum: share of the former direction that is added; negative values damp.
    Source:
        Sadat et al. 2024, arXiv:2410.02416 (adaptive projected guidance).
    """
    memory = _Momentum()

    def change(step: GuidanceStep) -> Estimates:
        positive, negative = step.positive, step.negative
        sigma = float(step.sigma)
        if sigma > memory.sigma:  # a new run
            memory.average = None
        memory.sigma = sigma
        direction = positive - negative
        if momentum != 0.0:
            if memory.average is not None and memory.average.shape == direction.shape:
                direction = momentum * memory.average + direction
            memory.average = direction
        if longest > 0.0:
            norm = direction.norm(p=2, dim=(-1, -2, -3), keepdim=True)
            direction = direction * (longest / norm).clamp(max=1.0)
        unit = F.normalize(positive, dim=(-1, -2, -3))  # type: ignore[arg-type]
        along = (direction * unit).sum(dim=(-1, -2, -3), keepdim=True) * unit
        changed = (direction - along) + eta * along
        return negative + changed + (positive - negative) / step.scale, negative, *step.estimates[2:]

    return change


def gradual_mask(strength: float) -> MaskHook:
    """A mask whose grey says how much of the schedule a place takes part in.

    Args:
        strength: 1 makes each step's mask binary; below, that share is blended with the mask as it is.
    Source:
        Levin & Fried 2023, arXiv:2306.00950 (differential diffusion).
    """

    def change(sigma: Tensor, mask: Tensor, sigmas: Tensor, model: Model) -> Tensor:
        rule = model.prediction
        last = torch.maximum(sigmas[-1].cpu(), rule.sigma_min)
        first, end, now = (rule.timestep(level.cpu()).float() for level in (sigmas[0], last, sigma))
        threshold = float((now - end) / (first - end))
        binary = (mask >= threshold).to(mask.dtype)
        return binary if not 0.0 < strength < 1.0 else strength * binary + (1.0 - strength) * mask

    return change


def _deviation(x: Tensor) -> Tensor:
    return torch.std(x, dim=tuple(range(1, x.ndim)), keepdim=True)


def _length(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dim=tuple(range(1, x.ndim)), keepdim=True)


def _rooted(x: Tensor) -> Tensor:
    return x.abs().sqrt() * x.sign()


__all__ = [
    "frequency_scaled",
    "gradual_mask",
    "norm_limited",
    "positive_leaning",
    "projected",
    "renormalised",
    "rescaled",
    "tangential",
    "zero_star",
]
