"""Noise levels that were worked out for a family of models, and finer steps between given ones."""

from __future__ import annotations

import math
from typing import Annotated

from graph_runtime.api import Choice, Range, node
from nodes.schedules import CUTTING, SCHEDULERS, Steps
from nodes.sockets import Latent, Sigmas

__all__ = [
    "align_your_steps_scheduler",
    "extend_intermediate_sigmas",
    "ltxv_scheduler",
    "optimal_steps_scheduler",
]

_FEWEST_TOKENS = 4096
"""Positions of a latent that is not given."""


@node("AlignYourStepsScheduler", title="Align Your Steps Scheduler", category=SCHEDULERS)
def align_your_steps_scheduler(
    *,
    model_type: Annotated[str, Choice("SD1", "SDXL", "SVD", form="new")],
    steps: Steps = 10,
    denoise: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
) -> Sigmas:
    """Take the noise levels that were optimised for a family of models (Sabour et al. 2024).

    Args:
        model_type: the family.
        steps: how many steps; the levels were optimised for ten and are interpolated for others.
        denoise: share of the schedule that is kept, from its end.
    """
    from diffusion.sampling import prepared

    return prepared.aligned_levels(prepared.ALIGNED[model_type], steps, denoise)


@node("OptimalStepsScheduler", title="Optimal Steps Scheduler", category=SCHEDULERS)
def optimal_steps_scheduler(
    *,
    model_type: Annotated[str, Choice("FLUX", "Wan", "Chroma", form="new")],
    steps: Annotated[int, Range(3, 1000)] = 20,
    denoise: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
) -> Sigmas:
    """Take the noise levels that were optimised for a family of flow models (Pei et al. 2025).

    Args:
        model_type: the family.
        steps: how many steps; levels in between are interpolated.
        denoise: share of the schedule that is kept, from its end.
    """
    from diffusion.sampling import prepared

    return prepared.aligned_levels(prepared.OPTIMAL[model_type], steps, denoise)


@node("LTXVScheduler", title="LTXV Scheduler", category=SCHEDULERS)
def ltxv_scheduler(
    *,
    steps: Steps = 20,
    max_shift: Annotated[float, Range(0.0, 100.0, step=0.01)] = 2.05,
    base_shift: Annotated[float, Range(0.0, 100.0, step=0.01)] = 0.95,
    stretch: bool = True,
    terminal: Annotated[float, Range(0.0, 0.99, step=0.01)] = 0.1,
    latent: Latent | None = None,
) -> Sigmas:
    """Make the schedule of LTX-Video: the longer the latent, the longer the noise stays high.

    Args:
        steps: how many steps.
        max_shift: the shift of a latent with 4096 positions.
        base_shift: the shift of a latent with 1024 positions.
        stretch: stretch the schedule so that it ends at `terminal`.
        terminal: the last noise level before 0.
        latent: gives the number of positions; 4096 where it is missing.
    """
    from diffusion.sampling import prepared

    tokens = _FEWEST_TOKENS if latent is None else math.prod(latent["samples"].shape[2:])
    return prepared.shifted_by_tokens(steps, tokens, base_shift, max_shift, terminal if stretch else None)


@node("ExtendIntermediateSigmas", title="Extend Intermediate Sigmas", category=CUTTING)
def extend_intermediate_sigmas(
    *,
    sigmas: Sigmas,
    steps: Annotated[int, Range(1, 100)] = 2,
    start_at_sigma: Annotated[float, Range(-1.0, 20000.0, step=0.01, round=False)] = -1.0,
    end_at_sigma: Annotated[float, Range(0.0, 20000.0, step=0.01, round=False)] = 12.0,
    spacing: Annotated[str, Choice("linear", "cosine", "sine")],
) -> Sigmas:
    """Divide the steps of a schedule into finer ones.

    Args:
        sigmas: the schedule.
        steps: how many steps each becomes.
        start_at_sigma: only steps that begin at this level or below; -1 means all.
        end_at_sigma: only steps that begin at this level or above.
        spacing: how the new levels lie between the given ones.
    """
    from diffusion.sampling import prepared

    start = math.inf if start_at_sigma < 0 else start_at_sigma
    return prepared.extend_between(sigmas, steps, start, end_at_sigma, spacing)
