"""Two models on one schedule: the base draws while there is much noise, the refiner finishes."""

from __future__ import annotations

from typing import Annotated

from diffusion.sampling.names import SAMPLERS, SCHEDULES  # plain names; brings no torch
from graph_runtime.api import Choice, Context, Range, Seed, node
from nodes.sampling import Guidance, Steps, ksampler_advanced
from nodes.sockets import Conditioning, Latent, Model

__all__ = ["handoff_step", "refiner_handoff"]


@node("RefinerHandoff", title="Refiner Handoff", category="sampling")
def refiner_handoff(
    *,
    base_model: Model,
    base_positive: Conditioning,
    base_negative: Conditioning,
    refiner_model: Model,
    refiner_positive: Conditioning,
    refiner_negative: Conditioning,
    latent_image: Latent,
    seed: Seed = 0,
    steps: Steps = 60,
    cfg: Guidance = 8.0,
    sampler_name: Annotated[str, Choice(SAMPLERS)],
    scheduler: Annotated[str, Choice(SCHEDULES)],
    high_noise_fraction: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.75,
    ctx: Context,
) -> Latent:
    """Share a schedule between a base and a refiner: 0.75 of 60 steps are 45 on the base and 15 on the refiner.

    The picture is the one that two "KSampler (Advanced)" give: the first leaves its noise, the second adds none.

    Args:
        base_model: draws the first steps, where the noise is high.
        base_positive: what the picture should be, read by the base's text encoders.
        base_negative: what it should not be, likewise.
        refiner_model: draws the last steps; it must work on the same latents.
        refiner_positive: what the picture should be, read by the refiner's text encoder.
        refiner_negative: what it should not be, likewise.
        latent_image: where to start.
        seed: decides the noise.
        steps: how many steps the whole schedule has.
        cfg: guidance scale of both models; 1 ignores the negative conditioning.
        sampler_name: the algorithm of a step.
        scheduler: how the noise falls from step to step.
        high_noise_fraction: share of the steps that the base draws, rounded to whole steps.
    Returns:
        LATENT: same shape as `latent_image`.
    """
    shared = {
        "noise_seed": seed, "steps": steps, "cfg": cfg, "sampler_name": sampler_name, "scheduler": scheduler,
    }  # fmt: skip
    handoff = handoff_step(steps, high_noise_fraction)
    latent = latent_image
    if handoff > 0:
        latent = ksampler_advanced(
            model=base_model, positive=base_positive, negative=base_negative, latent_image=latent,
            add_noise="enable", start_at_step=0, end_at_step=handoff, return_with_leftover_noise="enable",
            ctx=ctx.part(0.0, handoff / steps), **shared,
        )  # fmt: skip
    if handoff < steps:
        latent = ksampler_advanced(
            model=refiner_model, positive=refiner_positive, negative=refiner_negative, latent_image=latent,
            add_noise="disable" if handoff > 0 else "enable", start_at_step=handoff, end_at_step=steps,
            return_with_leftover_noise="disable",
            ctx=ctx.part(handoff / steps, 1.0 - handoff / steps), **shared,
        )  # fmt: skip
    return latent


def handoff_step(steps: int, high_noise_fraction: float) -> int:
    """How many of the steps the base draws; a half rounds up."""
    return int(steps * high_noise_fraction + 0.5)
