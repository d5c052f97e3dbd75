"""Noise levels: making schedules, and cutting and turning them."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from diffusion.sampling.names import SCHEDULES  # plain names; brings no torch
from graph_runtime.api import Choice, Output, Range, node
from nodes.sockets import Model, Sigmas

__all__ = [
    "Split",
    "basic_scheduler",
    "beta_sampling_scheduler",
    "exponential_scheduler",
    "flip_sigmas",
    "karras_scheduler",
    "laplace_scheduler",
    "polyexponential_scheduler",
    "sampling_percent_to_sigma",
    "sd_turbo_scheduler",
    "set_first_sigma",
    "split_sigmas",
    "split_sigmas_denoise",
    "vp_scheduler",
]

SCHEDULERS = "sampling/custom_sampling/schedulers"
CUTTING = "sampling/custom_sampling/sigmas"

Steps = Annotated[int, Range(1, 10_000)]
Level = Annotated[float, Range(0.0, 5000.0, step=0.01, round=False)]
Rho = Annotated[float, Range(0.0, 100.0, step=0.01, round=False)]
Share = Annotated[float, Range(0.0, 1.0, step=0.01)]


class Split(NamedTuple):
    """The noisy and the fine part of a schedule; the level between them is in both."""

    high_sigmas: Sigmas
    low_sigmas: Sigmas


@node("BasicScheduler", title="Basic Scheduler", category=SCHEDULERS)
def basic_scheduler(
    *, model: Model, scheduler: Annotated[str, Choice(SCHEDULES)], steps: Steps = 20, denoise: Share = 1.0
) -> Sigmas:
    """Make a named schedule for a model.

    Args:
        model: gives the range of noise levels.
        scheduler: how the noise falls from step to step.
        steps: how many steps.
        denoise: share of the schedule that is kept, from its end.
    """
    from diffusion.sampling import schedule

    return schedule(scheduler, model.prediction, steps, denoise)[-(steps + 1) :]  # some give a step more than asked


@node("KarrasScheduler", title="Karras Scheduler", category=SCHEDULERS)
def karras_scheduler(
    *, steps: Steps = 20, sigma_max: Level = 14.614642, sigma_min: Level = 0.0291675, rho: Rho = 7.0
) -> Sigmas:
    """Make a schedule that crowds towards low noise (Karras et al. 2022).

    Args:
        steps: how many steps.
        sigma_max: the first noise level.
        sigma_min: the last before 0.
        rho: how much the levels crowd.
    """
    from diffusion.sampling import schedules

    return schedules.karras(sigma_min, sigma_max, steps, rho)


@node("ExponentialScheduler", title="Exponential Scheduler", category=SCHEDULERS)
def exponential_scheduler(*, steps: Steps = 20, sigma_max: Level = 14.614642, sigma_min: Level = 0.0291675) -> Sigmas:
    """Make a schedule whose levels fall by the same factor at each step.

    Args:
        steps: how many steps.
        sigma_max: the first noise level.
        sigma_min: the last before 0.
    """
    from diffusion.sampling import schedules

    return schedules.exponential(sigma_min, sigma_max, steps)


@node("PolyexponentialScheduler", title="Polyexponential Scheduler", category=SCHEDULERS)
def polyexponential_scheduler(
    *, steps: Steps = 20, sigma_max: Level = 14.614642, sigma_min: Level = 0.0291675, rho: Rho = 1.0
) -> Sigmas:
    """Make a schedule whose logarithm falls along a power of the progress.

    Args:
        steps: how many steps.
        sigma_max: the first noise level.
        sigma_min: the last before 0.
        rho: the power; 1 is the exponential schedule.
    """
    from diffusion.sampling import schedules

    return schedules.polyexponential(sigma_min, sigma_max, steps, rho)


@node("LaplaceScheduler", title="Laplace Scheduler", category=SCHEDULERS)
def laplace_scheduler(
    *,
    steps: Steps = 20,
    sigma_max: Level = 14.614642,
    sigma_min: Level = 0.0291675,
    mu: Annotated[float, Range(-10.0, 10.0, step=0.1, round=False)] = 0.0,
    beta: Annotated[float, Range(0.0, 10.0, step=0.1, round=False)] = 0.5,
) -> Sigmas:
    """Make a schedule whose log levels are spread as a Laplace distribution.

    Args:
        steps: how many steps.
        sigma_max: the highest noise level.
        sigma_min: the lowest before 0.
        mu: where the log levels crowd.
        beta: how widely they are spread.
    """
    from diffusion.sampling import schedules

    return schedules.laplace(sigma_min, sigma_max, steps, mu, beta)


@node("SDTurboScheduler", title="SDTurbo Scheduler", category=SCHEDULERS)
def sd_turbo_scheduler(
    *,
    model: Model,
    steps: Annotated[int, Range(1, 10)] = 1,
    denoise: Annotated[float, Range(0, 1.0, step=0.01)] = 1.0,
) -> Sigmas:
    """Make the schedule of distilled models: at most ten evenly spaced timesteps.

    Args:
        model: gives the noise levels.
        steps: how many steps.
        denoise: share of the ten timesteps that is used, from the end.
    """
    import torch

    first = 10 - int(10 * denoise)
    timesteps = torch.flip(torch.arange(1, 11) * 100 - 1, (0,))[first : first + steps]
    return torch.cat([model.prediction.sigma(timesteps).float(), torch.zeros(1)])


@node("BetaSamplingScheduler", title="Beta Sampling Scheduler", category=SCHEDULERS)
def beta_sampling_scheduler(
    *,
    model: Model,
    steps: Steps = 20,
    alpha: Annotated[float, Range(0.0, 50.0, step=0.01, round=False)] = 0.6,
    beta: Annotated[float, Range(0.0, 50.0, step=0.01, round=False)] = 0.6,
) -> Sigmas:
    """Make a schedule whose timesteps follow a beta distribution.

    Args:
        model: gives the noise levels.
        steps: how many steps; levels that coincide are taken once.
        alpha: first parameter of the distribution.
        beta: second parameter of the distribution.
    """
    from diffusion.sampling import schedules

    return schedules.beta(model.prediction, steps, alpha, beta)


@node("VPScheduler", title="VP Scheduler", category=SCHEDULERS)
def vp_scheduler(
    *,
    steps: Steps = 20,
    beta_d: Level = 19.9,
    beta_min: Level = 0.1,
    eps_s: Annotated[float, Range(0.0, 1.0, step=0.0001, round=False)] = 0.001,
) -> Sigmas:
    """Make the schedule of variance-preserving diffusion.

    Args:
        steps: how many steps.
        beta_d: how fast the noise rate grows.
        beta_min: the noise rate at the start.
        eps_s: the time of the last level before 0.
    """
    from diffusion.sampling import schedules

    return schedules.variance_preserving(steps, beta_d, beta_min, eps_s)


@node("SplitSigmas", title="Split Sigmas", category=CUTTING)
def split_sigmas(*, sigmas: Sigmas, step: Annotated[int, Range(0, 10_000)] = 0) -> Split:
    """Cut a schedule at a step.

    Args:
        sigmas: the schedule.
        step: steps in the first part.
    """
    return Split(sigmas[: step + 1], sigmas[step:])


@node("SplitSigmasDenoise", title="Split Sigmas by Denoise", category=CUTTING)
def split_sigmas_denoise(*, sigmas: Sigmas, denoise: Share = 1.0) -> Split:
    """Cut a schedule so that the second part is a share of it.

    Args:
        sigmas: the schedule.
        denoise: share of the steps that go into the second part.
    """
    steps = max(sigmas.shape[-1] - 1, 0)
    count = round(steps * denoise)
    return Split(sigmas[: len(sigmas) - count], sigmas[-(count + 1) :])


@node("FlipSigmas", title="Flip Sigmas", category=CUTTING)
def flip_sigmas(*, sigmas: Sigmas) -> Sigmas:
    """Turn a schedule around, for adding noise instead of removing it; a first 0 becomes 0.0001.

    Args:
        sigmas: the schedule.
    """
    if len(sigmas) == 0:
        return sigmas
    flipped = sigmas.flip(0).clone()
    if flipped[0] == 0:
        flipped[0] = 0.0001
    return flipped


@node("SetFirstSigma", title="Set First Sigma", category=CUTTING)
def set_first_sigma(
    *, sigmas: Sigmas, sigma: Annotated[float, Range(0.0, 20000.0, step=0.001, round=False)] = 136.0
) -> Sigmas:
    """Replace the first noise level of a schedule.

    Args:
        sigmas: the schedule.
        sigma: the new first level.
    """
    changed = sigmas.clone()
    changed[0] = sigma
    return changed


@node("SamplingPercentToSigma", title="Sampling Percent to Sigma", category=CUTTING)
def sampling_percent_to_sigma(
    *,
    model: Model,
    sampling_percent: Annotated[float, Range(0.0, 1.0, step=0.0001)] = 0.0,
    return_actual_sigma: bool = False,
) -> Annotated[float, Output("sigma_value")]:
    """Say which noise level belongs to a share of the schedule.

    Args:
        model: gives the noise levels.
        sampling_percent: share of the schedule that is done.
        return_actual_sigma: give the model's real first and last level for 0 and 1, instead of bounds beyond them.
    """
    prediction = model.prediction
    if return_actual_sigma and sampling_percent in (0.0, 1.0):
        return float(prediction.sigma_max if sampling_percent == 0.0 else prediction.sigma_min)
    return float(prediction.percent_to_sigma(sampling_percent))
