"""Noise levels of packs as predictions of `diffusion`, and ours as packs know them.

A pack builds a class from a schedule and a kind of prediction, `class Mine(ModelSamplingDiscrete, V_PREDICTION)`, and
puts an instance on a model as the object "model_sampling".
Source: protocol §5.8, §6.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor

from diffusion.sampling.prediction import FlowPrediction, Kind, LogPrediction, Prediction
from interop.models.noise_levels import (
    ModelSamplingContinuousEDM,
    ModelSamplingContinuousV,
    ModelSamplingDiscrete,
    ModelSamplingDiscreteFlow,
    ModelSamplingFlux,
)
from interop.models.prediction_kinds import CONST, COSMOS_RFLOW, EDM, EPS, IMG_TO_IMG, V_PREDICTION, X0

__all__ = ["as_prediction", "levels_of"]

_KINDS: dict[Kind, type] = {
    Kind.EPSILON: EPS,
    Kind.V: V_PREDICTION,
    Kind.EDM: EDM,
    Kind.X0: X0,
    Kind.IMG_TO_IMG: IMG_TO_IMG,
    Kind.FLOW: CONST,
    Kind.RATIO: COSMOS_RFLOW,
}


def levels_of(prediction: Prediction) -> Any:
    """The noise levels of a model of ours, in the classes that packs know."""
    if isinstance(prediction, PackPrediction):
        return prediction.levels
    kind = _KINDS[prediction.kind]
    if isinstance(prediction, FlowPrediction):
        schedule: type = ModelSamplingFlux if prediction.exponential else ModelSamplingDiscreteFlow
        levels = type("ModelSampling", (schedule, kind), {})()
        if prediction.exponential:
            levels.set_parameters(prediction.shift, len(prediction.sigmas))
        else:
            levels.set_parameters(prediction.shift, len(prediction.sigmas), prediction.multiplier)
    elif isinstance(prediction, LogPrediction):
        schedule = ModelSamplingContinuousV if prediction.angle else ModelSamplingContinuousEDM
        levels = type("ModelSampling", (schedule, kind), {})()
        levels.set_parameters(float(prediction.sigma_min), float(prediction.sigma_max), prediction.sigma_data)
    else:
        levels = type("ModelSampling", (ModelSamplingDiscrete, kind), {})()
        levels.set_sigmas(prediction.sigmas)
        levels.sigma_data = prediction.sigma_data
    return levels


@dataclass(frozen=True, slots=True, eq=False)
class PackPrediction(Prediction):
    """A pack's noise levels and kind of prediction, as `diffusion` asks for them."""

    levels: Any = None

    def timestep(self, sigma: Tensor) -> Tensor:
        return cast(Tensor, self.levels.timestep(sigma.reshape(-1))).reshape(sigma.shape)

    def sigma(self, timestep: Tensor) -> Tensor:
        return cast(Tensor, self.levels.sigma(timestep))

    def percent_to_sigma(self, percent: float) -> float:
        return float(self.levels.percent_to_sigma(percent))

    def scale_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        return cast(Tensor, self.levels.calculate_input(_each(sigma, x), x))

    def denoised(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor:
        return cast(Tensor, self.levels.calculate_denoised(_each(sigma, x), output, x))

    def add_noise(self, latent: Tensor, noise: Tensor, sigma: Tensor, *, from_pure_noise: bool = False) -> Tensor:
        return cast(Tensor, self.levels.noise_scaling(_each(sigma, noise), noise, latent, from_pure_noise))

    def finish(self, x: Tensor, sigma: Tensor) -> Tensor:
        return cast(Tensor, self.levels.inverse_noise_scaling(_each(sigma, x), x))


def _each(sigma: Tensor, x: Tensor) -> Tensor:
    """A noise level for each sample of a batch."""
    return sigma.to(x.device).reshape(-1).expand(x.shape[0]) if sigma.numel() == 1 else sigma


def as_prediction(levels: Any) -> Prediction:
    """What `diffusion` samples under, when a pack has put its own noise levels on a model."""
    kind = next((kind for kind, cls in _SPECIAL if isinstance(levels, cls)), Kind.EPSILON)
    sigmas = levels.sigmas.detach().float().cpu()
    return PackPrediction(kind, sigmas, float(getattr(levels, "sigma_data", 1.0)), levels=levels)


_SPECIAL: list[tuple[Kind, type]] = [
    (Kind.FLOW, CONST),
    (Kind.IMG_TO_IMG, IMG_TO_IMG),
    (Kind.X0, X0),
    (Kind.EDM, EDM),
    (Kind.V, V_PREDICTION),
]
"""Narrower classes first."""
