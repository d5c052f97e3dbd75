"""Choosing the algorithm of a step, with its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from diffusion.sampling.names import SAMPLERS  # plain names; brings no torch
from graph_runtime.api import Choice, Range, node
from nodes.sockets import Sampler

__all__ = [
    "ChosenSampler",
    "ksampler_select",
    "sampler_dpm_adaptive",
    "sampler_dpmpp_2m_sde",
    "sampler_dpmpp_2s_ancestral",
    "sampler_dpmpp_3m_sde",
    "sampler_dpmpp_sde",
    "sampler_euler_ancestral",
    "sampler_euler_ancestral_cfg_pp",
    "sampler_euler_cfg_pp",
    "sampler_lms",
]

CATEGORY = "sampling/custom_sampling/samplers"

Amount = Annotated[float, Range(0.0, 100.0, step=0.01, round=False)]
NoiseDevice = Annotated[str, Choice("gpu", "cpu")]


@dataclass(frozen=True, slots=True)
class ChosenSampler:
    """What travels on a SAMPLER wire: an algorithm with its options fixed; call it as `diffusion` calls samplers."""

    name: str
    run: Callable[..., Any]

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.run(*arguments, **options)


def _chosen(name: str, **options: Any) -> ChosenSampler:
    from diffusion.sampling.samplers import sampler_by_name

    return ChosenSampler(name, sampler_by_name(name, **options))


@node("KSamplerSelect", title="KSampler Select", category=CATEGORY)
def ksampler_select(*, sampler_name: Annotated[str, Choice(SAMPLERS)]) -> Sampler:
    """Choose a sampler by its name, with its usual options.

    Args:
        sampler_name: the algorithm of a step.
    """
    return _chosen(sampler_name)


@node("SamplerEulerAncestral", title="Sampler Euler Ancestral", category=CATEGORY)
def sampler_euler_ancestral(*, eta: Amount = 1.0, s_noise: Amount = 1.0) -> Sampler:
    """Step further down than asked, and add fresh noise.

    Args:
        eta: how much fresh noise; 0 adds none.
        s_noise: its scale.
    """
    return _chosen("euler_ancestral", eta=eta, s_noise=s_noise)


@node("SamplerEulerAncestralCFGPP", title="Sampler Euler Ancestral CFG++", category=CATEGORY)
def sampler_euler_ancestral_cfg_pp(
    *,
    eta: Annotated[float, Range(0.0, 1.0, step=0.01, round=False)] = 1.0,
    s_noise: Annotated[float, Range(0.0, 10.0, step=0.01, round=False)] = 1.0,
) -> Sampler:
    """Euler ancestral along the unconditional slope; use a low guidance scale.

    Args:
        eta: how much fresh noise; 0 adds none.
        s_noise: its scale.
    """
    return _chosen("euler_ancestral_cfg_pp", eta=eta, s_noise=s_noise)


@node("SamplerEulerCFGpp", title="Sampler Euler CFG++", category="_for_testing", experimental=True)
def sampler_euler_cfg_pp(
    *, version: Annotated[str, Choice("regular", "alternative", form="new", multiple=False)]
) -> Sampler:
    """Euler along the unconditional slope; use a low guidance scale.

    Args:
        version: "regular" lands on the guided estimate; "alternative" is Euler with a slope twice as far guided.
    """
    if version == "regular":
        return _chosen("euler_cfg_pp")
    from diffusion.sampling.samplers.euler import euler_beyond_guidance

    return ChosenSampler("euler_cfg_pp", euler_beyond_guidance)


@node("SamplerLMS", title="Sampler LMS", category=CATEGORY)
def sampler_lms(*, order: Annotated[int, Range(1, 100)] = 4) -> Sampler:
    """Use the slopes of several earlier steps.

    Args:
        order: how many slopes.
    """
    return _chosen("lms", order=order)


@node("SamplerDPMPP_2M_SDE", title="Sampler DPM++ 2M SDE", category=CATEGORY)
def sampler_dpmpp_2m_sde(
    *,
    solver_type: Annotated[str, Choice("midpoint", "heun")],
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
    noise_device: NoiseDevice,
) -> Sampler:
    """Second-order multistep with noise between the steps.

    Args:
        solver_type: how the second order is made.
        eta: how much noise; 0 adds none.
        s_noise: its scale.
        noise_device: where the noise is drawn; "cpu" is the same on every machine.
    """
    return _chosen("dpmpp_2m_sde", solver_type=solver_type, eta=eta, s_noise=s_noise, on_cpu=noise_device == "cpu")


@node("SamplerDPMPP_3M_SDE", title="Sampler DPM++ 3M SDE", category=CATEGORY)
def sampler_dpmpp_3m_sde(*, eta: Amount = 1.0, s_noise: Amount = 1.0, noise_device: NoiseDevice) -> Sampler:
    """Third-order multistep with noise between the steps.

    Args:
        eta: how much noise; 0 adds none.
        s_noise: its scale.
        noise_device: where the noise is drawn; "cpu" is the same on every machine.
    """
    return _chosen("dpmpp_3m_sde", eta=eta, s_noise=s_noise, on_cpu=noise_device == "cpu")


@node("SamplerDPMPP_SDE", title="Sampler DPM++ SDE", category=CATEGORY)
def sampler_dpmpp_sde(
    *, eta: Amount = 1.0, s_noise: Amount = 1.0, r: Amount = 0.5, noise_device: NoiseDevice
) -> Sampler:
    """Second order with one estimate inside each step, and noise.

    Args:
        eta: how much noise; 0 adds none.
        s_noise: its scale.
        r: where in the step the inner estimate lies.
        noise_device: where the noise is drawn; "cpu" is the same on every machine.
    """
    return _chosen("dpmpp_sde", eta=eta, s_noise=s_noise, r=r, on_cpu=noise_device == "cpu")


@node("SamplerDPMPP_2S_Ancestral", title="Sampler DPM++ 2S Ancestral", category=CATEGORY)
def sampler_dpmpp_2s_ancestral(*, eta: Amount = 1.0, s_noise: Amount = 1.0) -> Sampler:
    """Second order from a midpoint, then fresh noise.

    Args:
        eta: how much fresh noise; 0 adds none.
        s_noise: its scale.
    """
    return _chosen("dpmpp_2s_ancestral", eta=eta, s_noise=s_noise)


@node("SamplerDPMAdaptative", title="Sampler DPM Adaptive", category=CATEGORY)
def sampler_dpm_adaptive(
    *,
    order: Annotated[int, Range(2, 3)] = 3,
    rtol: Amount = 0.05,
    atol: Amount = 0.0078,
    h_init: Amount = 0.05,
    pcoeff: Amount = 0.0,
    icoeff: Amount = 1.0,
    dcoeff: Amount = 0.0,
    accept_safety: Amount = 0.81,
    eta: Amount = 0.0,
    s_noise: Amount = 1.0,
) -> Sampler:
    """Choose the length of each step by the error it makes.

    Args:
        order: 2 or 3.
        rtol: error allowed, relative to the value.
        atol: error allowed, absolute.
        h_init: the first step, in log noise.
        pcoeff: proportional part of the step controller.
        icoeff: integral part of the step controller.
        dcoeff: derivative part of the step controller.
        accept_safety: a step is repeated when the controller wants it shorter than this factor.
        eta: how much noise; 0 adds none.
        s_noise: its scale.
    """
    return _chosen(
        "dpm_adaptive", order=order, rtol=rtol, atol=atol, h_init=h_init, pcoeff=pcoeff, icoeff=icoeff, dcoeff=dcoeff,
        accept_safety=accept_safety, eta=eta, s_noise=s_noise,
    )  # fmt: skip
