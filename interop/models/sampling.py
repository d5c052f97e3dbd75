"""Sampling for packs, over `diffusion.sampling`.

Source: protocol §5.6 (`comfy.samplers`), pack_surface tier 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffusion import sampling
from diffusion.model import Model
from diffusion.sampling.guidance import ClassifierFree
from interop import progress
from interop.models import take_back, take_back_as
from interop.models.conditions import as_pairs
from interop.models.k_samplers import KSAMPLER, function_of

__all__ = ["calculate_sigmas", "named_sampler", "sample_custom"]

Callback = Callable[[int, Any, Any, int], None]
"""(step, x0, x, total steps)."""


def _on_step(model: Model, callback: Callback | None) -> Callable[[int, int, Any, Any], None]:
    if callback is not None:
        return lambda step, total, x0, x: callback(step, x0, x, total)

    def tell(step: int, total: int, x0: Any, x: Any) -> None:
        progress.report(step + 1, total)

    return tell


def named_sampler(name: str, extra_options: Any = None, inpaint_options: Any = None) -> KSAMPLER:
    """The sampler of that name, with options: what packs call a SAMPLER.

    A pack may have added the name, or replaced one of ours, as `sample_<name>` of `comfy.k_diffusion.sampling`.
    """
    from interop.additions import function_named

    fresh = {"random": True} if name == "ddim" else {}
    made = KSAMPLER(function_named(name) or function_of(name), extra_options, inpaint_options or fresh)
    made.name = name
    return made


def sample_custom(
    model: Any,
    noise: Any,
    cfg: float,
    sampler: Any,
    sigmas: Any,
    positive: Any,
    negative: Any,
    latent_image: Any,
    noise_mask: Any = None,
    callback: Callback | None = None,
    disable_pbar: bool = False,
    seed: int | None = None,
) -> Any:
    """Denoise a latent along given noise levels with a given sampler."""
    own, method = take_back(model), take_back_as("SAMPLER", sampler)
    return sampling.integrate(
        own,
        noise=noise,
        latent=latent_image,
        conditioning={"positive": as_pairs(positive), "negative": as_pairs(negative)},
        guidance=ClassifierFree(cfg),
        sampler=method,
        sigmas=sigmas,
        seed=seed or 0,
        noise_mask=noise_mask,
        fresh_mask_noise=getattr(sampler, "name", "") == "ddim",
        on_step=_on_step(own, callback),
    )


def calculate_sigmas(model_sampling: Any, scheduler_name: str, steps: int) -> Any:
    """The noise levels of a schedule."""
    from interop.additions import schedule_named
    from interop.models.predicting import as_prediction

    added = schedule_named(scheduler_name)
    if added is not None:
        return added(model_sampling, steps)
    return sampling.schedule(scheduler_name, as_prediction(model_sampling), steps)
