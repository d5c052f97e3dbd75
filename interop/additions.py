"""Samplers and schedules that packs add to the host's lists.

A pack appends names to `comfy.samplers.KSampler.SAMPLERS` (or SAMPLER_NAMES, SCHEDULERS, …) and provides a function
`sample_<name>` in `comfy.k_diffusion.sampling`, an entry of `SCHEDULER_HANDLERS`, or a `calculate_sigmas` of its own.
Source: protocol §5.6.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from diffusion.sampling.added import add_run, add_sampler, add_schedule
from diffusion.sampling.names import SAMPLERS, SCHEDULES
from interop.replaced import is_own, run_through_host

__all__ = ["adopt", "function_named", "replaced_function", "schedule_named"]


def adopt() -> tuple[list[str], list[str]]:
    """Make the names that packs added usable by every node.

    Returns:
        New samplers and new schedules; a name that was adopted before is among them again.
    """
    host = sys.modules.get("comfy.samplers")
    if host is None:
        return [], []
    samplers = list(_new(SAMPLERS, host.KSampler.SAMPLERS, host.SAMPLER_NAMES, host.KSAMPLER_NAMES))
    schedules = list(_new(SCHEDULES, host.KSampler.SCHEDULERS, host.SCHEDULER_NAMES, host.SCHEDULER_HANDLERS))
    for name in samplers:
        add_sampler(name, partial(_make_sampler, name))
    for name in schedules:
        add_schedule(name, partial(_levels, name))
    add_run(run_through_host)
    return samplers, schedules


def _new(known: tuple[str, ...], *lists: Any) -> Iterator[str]:
    for name in dict.fromkeys(name for names in lists for name in names):
        if isinstance(name, str) and name not in known:
            yield str.__str__(name)


def _make_sampler(name: str, **options: Any) -> Any:
    import comfy.samplers

    return comfy.samplers.ksampler(name, options)


def _levels(name: str, prediction: Any, steps: int) -> Any:
    import comfy.samplers

    from interop.models.predicting import levels_of

    return comfy.samplers.calculate_sigmas(levels_of(prediction), name, steps).float().cpu()


def function_named(name: str) -> Callable[..., Any] | None:
    """The function of a pack for a sampler's name; None for names of ours that no pack has replaced.

    Raises:
        ValueError: if a pack added the name and no function.
    """
    if name in SAMPLERS:
        return replaced_function(name)
    import comfy.k_diffusion.sampling as functions

    found: Callable[..., Any] | None = getattr(functions, f"sample_{name}", None)
    if found is None:
        raise ValueError(
            f"There is no sampler {name!r}: no pack has put a function sample_{name} into comfy.k_diffusion.sampling."
        )
    return found


def replaced_function(name: str) -> Callable[..., Any] | None:
    """The function that a pack has put in place of one of our samplers, or None."""
    if name not in SAMPLERS:
        return None
    import comfy.k_diffusion.sampling as functions

    found: Callable[..., Any] = getattr(functions, f"sample_{name}")
    return None if is_own(found, "interop.models.k_samplers") else found


def schedule_named(name: str) -> Callable[[Any, int], Any] | None:
    """The rule of a pack for a schedule's name, (noise levels, steps) → sigmas; None for names of ours.

    Raises:
        ValueError: if a pack added the name and no rule.
    """
    import comfy.samplers

    if name in SCHEDULES:
        return None
    handler = comfy.samplers.SCHEDULER_HANDLERS.get(name)
    if handler is None:
        raise ValueError(
            f"There is no schedule {name!r}: no pack has put a rule into comfy.samplers.SCHEDULER_HANDLERS."
        )
    if getattr(handler, "use_ms", True):
        return lambda levels, steps: handler.handler(levels, steps)
    return lambda levels, steps: handler.handler(
        n=steps, sigma_min=float(levels.sigma_min), sigma_max=float(levels.sigma_max)
    )
