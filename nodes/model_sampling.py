"""Which noise levels a model works on, and what its output means."""

from __future__ import annotations

import math
from typing import Annotated

from graph_runtime.api import Choice, Range, node
from nodes.sockets import MAX_RESOLUTION, Latent, Model

__all__ = [
    "model_sampling_aura_flow",
    "model_sampling_continuous_edm",
    "model_sampling_continuous_v",
    "model_sampling_discrete",
    "model_sampling_flux",
    "model_sampling_ltxv",
    "model_sampling_sd3",
]

CATEGORY = "advanced/model"
Level = Annotated[float, Range(0.0, 1000.0, step=0.001, round=False)]
Shift = Annotated[float, Range(0.0, 100.0, step=0.01)]
Side = Annotated[int, Range(16, MAX_RESOLUTION, step=8)]


@node("ModelSamplingDiscrete", title="Set Noise Levels (Discrete)", category=CATEGORY)
def model_sampling_discrete(
    *,
    model: Model,
    sampling: Annotated[str, Choice("eps", "v_prediction", "lcm", "x0", "img_to_img")],
    zsnr: bool = False,
) -> Model:
    """Say what a model with 1000 trained noise levels predicts.

    Args:
        model: the model.
        sampling: what its output is: the noise, the velocity, a consistency model's noise, or the picture itself.
        zsnr: whether it was trained down to no signal at all.
    """
    from diffusion.sampling import model_levels

    return model.with_prediction(model_levels.discrete_levels(model.prediction, sampling, zero_terminal=zsnr))


@node("ModelSamplingSD3", title="Set Flow Shift (SD3)", category=CATEGORY)
def model_sampling_sd3(*, model: Model, shift: Shift = 3.0) -> Model:
    """Shift the time of a flow model towards more noise.

    Args:
        model: the model.
        shift: factor of the shift; 1 leaves time even, larger spends more steps at high noise.
    """
    from diffusion.sampling.prediction import flow

    return model.with_prediction(flow(shift))


@node("ModelSamplingAuraFlow", title="Set Flow Shift (AuraFlow)", category=CATEGORY)
def model_sampling_aura_flow(*, model: Model, shift: Shift = 1.73) -> Model:
    """Shift the time of a flow model that is told times from 0 to 1.

    Args:
        model: the model.
        shift: factor of the shift; 1 leaves time even, larger spends more steps at high noise.
    """
    from diffusion.sampling.prediction import flow

    return model.with_prediction(flow(shift, 1.0))


@node("ModelSamplingFlux", title="Set Flow Shift (Flux)", category=CATEGORY)
def model_sampling_flux(
    *, model: Model, max_shift: Shift = 1.15, base_shift: Shift = 0.5, width: Side = 1024, height: Side = 1024
) -> Model:
    """Shift the time of a flow model by the size of the picture.

    Args:
        model: the model.
        max_shift: shift for 4096 tokens of 16×16 pixels.
        base_shift: shift for 256 tokens.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    from diffusion.sampling.model_levels import flux_shift
    from diffusion.sampling.prediction import flux_flow

    return model.with_prediction(flux_flow(flux_shift(width, height, base_shift, max_shift)))


@node("ModelSamplingLTXV", title="Set Flow Shift (LTX-Video)", category=CATEGORY)
def model_sampling_ltxv(
    *, model: Model, max_shift: Shift = 2.05, base_shift: Shift = 0.95, latent: Latent | None = None
) -> Model:
    """Shift the time of a flow model by the length of the latent.

    Args:
        model: the model.
        max_shift: shift for 4096 positions of the latent.
        base_shift: shift for 1024 positions.
        latent: gives the number of positions; 4096 where it is missing.
    """
    from diffusion.sampling.prediction import flux_flow
    from diffusion.sampling.prepared import token_shift

    tokens = 4096 if latent is None else math.prod(latent["samples"].shape[2:])
    return model.with_prediction(flux_flow(token_shift(tokens, base_shift, max_shift)))


@node("ModelSamplingContinuousEDM", title="Set Noise Levels (EDM)", category=CATEGORY)
def model_sampling_continuous_edm(
    *,
    model: Model,
    sampling: Annotated[str, Choice("v_prediction", "edm", "edm_playground_v2.5", "eps", "cosmos_rflow")],
    sigma_max: Level = 120.0,
    sigma_min: Level = 0.002,
) -> Model:
    """Give a model noise levels on a continuous logarithmic scale.

    Args:
        model: the model.
        sampling: what its output is; "edm_playground_v2.5" also sets that model's latent space.
        sigma_max: the highest noise level.
        sigma_min: the lowest noise level.
    """
    from diffusion.sampling.model_levels import continuous_levels, playground_space

    changed = model.with_prediction(continuous_levels(sampling, sigma_min, sigma_max))
    return playground_space(changed) if sampling == "edm_playground_v2.5" else changed


@node("ModelSamplingContinuousV", title="Set Noise Levels (Continuous V)", category=CATEGORY)
def model_sampling_continuous_v(
    *,
    model: Model,
    sampling: Annotated[str, Choice("v_prediction")],
    sigma_max: Level = 500.0,
    sigma_min: Level = 0.03,
) -> Model:
    """Give a model that predicts velocity noise levels on a continuous scale of angles.

    Args:
        model: the model.
        sampling: what its output is.
        sigma_max: the highest noise level.
        sigma_min: the lowest noise level.
    """
    from diffusion.sampling.prediction import Kind, log_spaced

    return model.with_prediction(log_spaced(Kind.V, sigma_min, sigma_max))
