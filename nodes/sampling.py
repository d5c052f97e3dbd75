"""Sampling: noise becomes a latent, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from diffusion.sampling.names import SAMPLERS, SCHEDULES  # plain names; brings no torch
from graph_runtime.api import Choice, Context, Range, Seed, node
from nodes.previews import preview_of
from nodes.sockets import Conditioning, Latent, Model

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["fit_channels", "ksampler", "ksampler_advanced"]

LAST_STEP = 10_000

Steps = Annotated[int, Range(1, 10_000)]
Guidance = Annotated[float, Range(0.0, 100.0, step=0.1, round=0.01)]


@node("KSampler", title="KSampler", category="sampling")
def ksampler(
    *,
    model: Model,
    seed: Seed = 0,
    steps: Steps = 20,
    cfg: Guidance = 8.0,
    sampler_name: Annotated[str, Choice(SAMPLERS)],
    scheduler: Annotated[str, Choice(SCHEDULES)],
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    denoise: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
    ctx: Context,
) -> Latent:
    """Denoise a latent along a schedule, guided towards the positive and away from the negative conditioning.

    Args:
        model: the model that predicts the picture behind the noise.
        seed: decides the noise; the same seed and settings give the same picture.
        steps: how many steps; more is slower and, up to a point, finer.
        cfg: guidance scale: how strongly the conditioning is followed; 1 ignores the negative.
        sampler_name: the algorithm of a step.
        scheduler: how the noise falls from step to step.
        positive: what the picture should be.
        negative: what it should not be.
        latent_image: where to start; empty, or an encoded picture to change.
        denoise: share of the schedule to run; below 1 keeps something of `latent_image`.
    Returns:
        LATENT: same shape as `latent_image`, or with the model's channels where it was empty.
    """
    return _sample(
        ctx, model, latent_image, positive, negative,
        seed=seed, steps=steps, guidance_scale=cfg, sampler=sampler_name, schedule=scheduler, strength=denoise,
    )  # fmt: skip


@node("KSamplerAdvanced", title="KSampler (Advanced)", category="sampling")
def ksampler_advanced(
    *,
    model: Model,
    add_noise: Annotated[str, Choice("enable", "disable")],
    noise_seed: Seed = 0,
    steps: Steps = 20,
    cfg: Guidance = 8.0,
    sampler_name: Annotated[str, Choice(SAMPLERS)],
    scheduler: Annotated[str, Choice(SCHEDULES)],
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    start_at_step: Annotated[int, Range(0, LAST_STEP)] = 0,
    end_at_step: Annotated[int, Range(0, LAST_STEP)] = LAST_STEP,
    return_with_leftover_noise: Annotated[str, Choice("disable", "enable")],
    ctx: Context,
) -> Latent:
    """Run a part of a schedule, so that several samplers can share one.

    Args:
        model: the model that predicts the picture behind the noise.
        add_noise: whether to add noise first; disable it when continuing another sampler's work.
        noise_seed: decides the noise.
        steps: how many steps the whole schedule has.
        cfg: guidance scale; 1 ignores the negative conditioning.
        sampler_name: the algorithm of a step.
        scheduler: how the noise falls from step to step.
        positive: what the picture should be.
        negative: what it should not be.
        latent_image: where to start.
        start_at_step: the first step to run, counted from 0.
        end_at_step: the step before which to stop.
        return_with_leftover_noise: whether to leave the noise of the steps not run; otherwise the last step removes it.
    Returns:
        LATENT: same shape as `latent_image`.
    """
    return _sample(
        ctx, model, latent_image, positive, negative,
        seed=noise_seed, steps=steps, guidance_scale=cfg, sampler=sampler_name, schedule=scheduler,
        start_step=start_at_step, last_step=end_at_step, disable_noise=add_noise == "disable",
        force_full_denoise=return_with_leftover_noise == "disable",
    )  # fmt: skip


def fit_channels(samples: Tensor, channels: int) -> Tensor:
    """Give an empty latent the channels of a model; anything else is returned as it is.

    Args:
        samples: [batch, channels, …].
        channels: that the model works with.
    """
    if samples.shape[1] == channels or samples.any():
        return samples
    repeats = [1, -(-channels // samples.shape[1]), *[1] * (samples.ndim - 2)]
    return samples.repeat(repeats)[:, :channels]


def _sample(
    ctx: Context, model: Any, latent: dict[str, Any], positive: Any, negative: Any, *, seed: int, **settings: Any
) -> dict[str, Any]:
    """Sample one latent dictionary; keys it does not know are kept."""
    import torch

    from diffusion import sampling
    from diffusion.sampling.noise import prepare_noise

    samples = fit_channels(latent["samples"], model.latent_format.channels)
    if settings.get("disable_noise"):
        noise = torch.zeros_like(samples, device="cpu")
    else:
        noise = prepare_noise(samples, seed, latent.get("batch_index"))

    def on_step(step: int, total: int, x0: Tensor, x: Tensor) -> None:
        ctx.progress(step + 1, total, preview=lambda: preview_of(ctx, model, x0))

    checkpoint = ctx.checkpoint()
    result = sampling.sample(
        model, noise=noise, latent=samples, positive=positive, negative=negative, seed=seed,
        noise_mask=latent.get("noise_mask"), on_step=on_step, checkpoint=checkpoint, **settings,
    )  # fmt: skip
    if checkpoint is not None:
        checkpoint.discard()
    return {**latent, "samples": result}
