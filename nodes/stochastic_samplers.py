"""Samplers whose options need more than a number: stochastic solvers, and one that enlarges while it samples."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Choice, Range, node
from nodes.samplers import CATEGORY, ChosenSampler
from nodes.sockets import Model, Sampler

__all__ = ["sampler_er_sde", "sampler_lcm_upscale", "sampler_sa_solver"]

Amount = Annotated[float, Range(0.0, 100.0, step=0.01, round=False)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]


@node("SamplerER_SDE", title="Sampler ER-SDE", category=CATEGORY)
def sampler_er_sde(
    *,
    solver_type: Annotated[str, Choice("ER-SDE", "Reverse-time SDE", "ODE", form="new", multiple=None)],
    max_stage: Annotated[int, Range(1, 3)] = 3,
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
) -> Sampler:
    """Solve the extended reverse-time equation.

    Args:
        solver_type: which equation: the extended one, the plain stochastic one, or the one without noise.
        max_stage: order of the method.
        eta: how stochastic the plain equation is; 0 makes it the one without noise.
        s_noise: scale of the noise that is added.
    """
    from diffusion.sampling.samplers import sampler_by_name

    quiet = solver_type == "ODE" or (solver_type == "Reverse-time SDE" and eta == 0)
    exponent = 1.0 if quiet else eta + 1.0
    scaler = None if solver_type == "ER-SDE" else lambda level: level**exponent
    run = sampler_by_name("er_sde", s_noise=0.0 if quiet else s_noise, max_stage=max_stage, noise_scaler=scaler)
    return ChosenSampler("er_sde", run)


@node("SamplerSASolver", title="Sampler SA-Solver", category=CATEGORY)
def sampler_sa_solver(
    *,
    model: Model,
    eta: Annotated[float, Range(0.0, 10.0, step=0.01, round=False)] = 1.0,
    sde_start_percent: Percent = 0.2,
    sde_end_percent: Percent = 0.8,
    s_noise: Amount = 1.0,
    predictor_order: Annotated[int, Range(1, 6)] = 3,
    corrector_order: Annotated[int, Range(0, 6)] = 4,
    use_pece: bool,
    simple_order_2: bool,
) -> Sampler:
    """Predict and correct with several past estimates, stochastic over a part of the schedule.

    Args:
        model: says which noise levels the percentages mean.
        eta: how stochastic that part is.
        sde_start_percent: where it begins.
        sde_end_percent: where it ends.
        s_noise: scale of the noise that is added.
        predictor_order: how many estimates predict.
        corrector_order: how many correct; 0 does not correct.
        use_pece: evaluate the corrected state once more.
        simple_order_2: the shorter formula where two estimates are used.
    """
    from diffusion.sampling.samplers import sampler_by_name
    from diffusion.sampling.samplers.sa_solver import tau_between

    start, end = (model.prediction.percent_to_sigma(share) for share in (sde_start_percent, sde_end_percent))
    run = sampler_by_name(
        "sa_solver", tau=tau_between(start, end, eta), s_noise=s_noise, predictor_order=predictor_order,
        corrector_order=corrector_order, use_pece=use_pece, simple_order_2=simple_order_2,
    )  # fmt: skip
    return ChosenSampler("sa_solver", run)


@node("SamplerLCMUpscale", title="Sampler LCM Upscale", category=CATEGORY)
def sampler_lcm_upscale(
    *,
    scale_ratio: Annotated[float, Range(0.1, 20.0, step=0.01)] = 1.0,
    scale_steps: Annotated[int, Range(-1, 1000, step=1)] = -1,
    upscale_method: Annotated[str, Choice("bislerp", "nearest-exact", "bilinear", "area", "bicubic", form="new")],
) -> Sampler:
    """Sample a latent consistency model while the picture grows.

    Args:
        scale_ratio: how much larger the picture is at the end.
        scale_steps: over how many steps it grows; -1 takes the first half.
        upscale_method: how the latent is enlarged.
    """
    from functools import partial

    from diffusion.sampling.samplers.posterior import lcm_upscale

    steps = None if scale_steps < 0 else scale_steps
    run = partial(lcm_upscale, scale_ratio=scale_ratio, scale_steps=steps, upscale_method=upscale_method)
    return ChosenSampler("lcm_upscale", run)
