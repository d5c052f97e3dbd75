"""Guidance whose scale, direction or result is weighed: hooks of the same kinds as in `changed`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from diffusion.guiding.changed import Estimates
from diffusion.model import CfgHook, GuidanceStep, PostCfgHook, PreCfgHook
from diffusion.sampling.conditioning import Conditioning, Entry, prepare
from diffusion.sampling.guidance import perpendicular


def rising_over_batch(least: float) -> CfgHook:
    """A guidance scale that rises evenly from `least` at the first member of a batch to the whole at the last.

    Source:
        Blattmann et al. 2023, arXiv:2311.15127 (Stable Video Diffusion), for the frames of a video.
    """
    return _over_batch(lambda count: torch.linspace(0.0, 1.0, count), least)


def peaking_over_batch(least: float) -> CfgHook:
    """A guidance scale that rises to the whole in the middle of a batch and falls to `least` again.

    Source:
        Voleti et al. 2024, arXiv:2403.12008 (SV3D), for views around an object.
    """
    return _over_batch(lambda count: 1.0 - (2.0 * torch.linspace(0.0, 1.0, count) - 1.0).abs(), least)


def _over_batch(shares: Callable[[int], Tensor], least: float) -> CfgHook:
    def guide(step: GuidanceStep) -> Tensor:
        positive, negative = step.positive, step.negative
        scales = shares(positive.shape[0]) * (step.scale - least) + least
        scales = scales.reshape(-1, *[1] * (positive.ndim - 1)).to(positive, non_blocking=True)
        return negative + scales * (positive - negative)

    return guide


def noise_scaled(divisor: float) -> PostCfgHook:
    """An estimate as if the network had found less noise by a factor.

    Source:
        Ning et al. 2023, arXiv:2308.15321 (epsilon scaling).
    """
    return lambda step: step.x - (step.x - step.guided) / divisor


def direction_changed(operation: Callable[..., Tensor]) -> PreCfgHook:
    """A guidance direction that an operation on latents has changed.

    Args:
        operation: called as `operation(latent=direction)`.
    """

    def change(step: GuidanceStep) -> Estimates:
        positive, negative = step.positive, step.negative
        return operation(latent=positive - negative) + negative, *step.estimates[1:]

    return change


def perpendicular_negative(empty: Conditioning, negative_scale: float) -> CfgHook:
    """Only the part of the negative that is perpendicular to the positive pushes away; see `perpendicular`.

    Args:
        empty: conditioning of an empty prompt, evaluated beside the two sides.
    """
    prepared: dict[tuple[int, ...], tuple[Entry, ...]] = {}

    def guide(step: GuidanceStep) -> Tensor:
        positive, negative = step.positive, step.negative
        shape = tuple(step.x.shape)
        if shape not in prepared:
            lists = prepare({"empty": empty}, step.model.family, step.model.prediction, step.x, None, None)
            prepared[shape] = lists["empty"]
        (neither,) = step.evaluate([prepared[shape]])
        return perpendicular(positive, negative, neither, step.scale, negative_scale)

    return guide


__all__ = [
    "direction_changed",
    "noise_scaled",
    "peaking_over_batch",
    "perpendicular_negative",
    "rising_over_batch",
]
