"""Other noise levels for a model: what the nodes that set them ask for.

Source: Luo et al. 2023, arXiv:2310.04378 (consistency); Karras et al. 2022, arXiv:2206.00364 (EDM); Esser et al. 2024,
arXiv:2403.03206 (shift by size); Li et al. 2024, arXiv:2402.17245 (Playground 2.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.latents import SDXL, NormalizedFormat
from diffusion.model import Model
from diffusion.sampling.prediction import (
    DiscretePrediction,
    Kind,
    LogPrediction,
    Prediction,
    discrete,
    log_spaced,
    stable_diffusion_sigmas,
    zero_terminal_snr,
)

TRAINED = 1000  # timesteps of discrete models
DISTILLED = 50  # timesteps a consistency model was distilled to
DISTILLED_DATA = 0.5  # σ of the data in its boundary condition
TIME_SCALE = 10.0  # of the timestep in its boundary condition

PLAYGROUND = NormalizedFormat(
    "playground", 4, 0.5, rgb=SDXL.rgb, taesd=SDXL.taesd,
    mean=(-1.6574, 1.886, -1.383, 2.5155), deviation=(8.4927, 5.9022, 6.5498, 5.2299),
)  # fmt: skip

_DISCRETE = {"eps": Kind.EPSILON, "v_prediction": Kind.V, "x0": Kind.X0, "img_to_img": Kind.IMG_TO_IMG}
_CONTINUOUS = {
    "eps": (Kind.EPSILON, 1.0), "v_prediction": (Kind.V, 1.0), "edm": (Kind.EDM, 0.5),
    "edm_playground_v2.5": (Kind.EDM, 0.5), "cosmos_rflow": (Kind.RATIO, 1.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ConsistencyPrediction(DiscretePrediction):
    """A consistency model: every twentieth trained level, and an estimate that equals its input where noise ends."""

    def timestep(self, sigma: Tensor) -> Tensor:
        stride = TRAINED // len(self.sigmas)
        return (sigma.log() - self.log_sigmas).abs().argmin().view(sigma.shape) * stride + stride - 1

    def sigma(self, timestep: Tensor) -> Tensor:
        stride = TRAINED // len(self.sigmas)
        return DiscretePrediction.sigma(self, (timestep.float() - (stride - 1)) / stride)

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 999999999.9
        if percent >= 1.0:
            return 0.0
        return float(self.sigma(torch.tensor((1.0 - percent) * (TRAINED - 1))))

    def denoised(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor:
        scaled = self.timestep(sigma) * TIME_SCALE
        data = DISTILLED_DATA
        kept = data**2 / (scaled**2 + data**2)
        return scaled / (scaled**2 + data**2) ** 0.5 * (x - sigma * output) + kept * x


def discrete_levels(current: Prediction, sampling: str, *, zero_terminal: bool) -> Prediction:
    """What a model of 1000 trained levels predicts.

    Args:
        current: the model's prediction; its own table is kept where it has one.
        sampling: `eps`, `v_prediction`, `lcm`, `x0` or `img_to_img`.
        zero_terminal: levels that end without signal.
    Raises:
        SamplingError: for another word.
    """
    sigmas = stable_diffusion_sigmas()  # more digits than a prediction keeps
    own = isinstance(current, DiscretePrediction) and len(current.sigmas) == TRAINED and current.sigmas[-1] < 1000
    if own and not torch.equal(current.sigmas.cpu(), sigmas.float()):
        sigmas = current.sigmas.double()
    if zero_terminal:
        sigmas = zero_terminal_snr(sigmas)
    if sampling == "lcm":
        stride = TRAINED // DISTILLED
        few = sigmas[stride - 1 :: stride]
        return ConsistencyPrediction(Kind.EPSILON, few.float(), log_sigmas=few.log().float())
    if sampling not in _DISCRETE:
        raise SamplingError(f"Unknown prediction '{sampling}'. Known: {', '.join(_DISCRETE)}, lcm.")
    return discrete(_DISCRETE[sampling], sigmas)


def continuous_levels(sampling: str, sigma_min: float, sigma_max: float) -> LogPrediction:
    """Levels spaced evenly in their logarithm.

    Args:
        sampling: `eps`, `v_prediction`, `edm`, `edm_playground_v2.5` or `cosmos_rflow`.
    Raises:
        SamplingError: for another word, or unless 0 < sigma_min < sigma_max.
    """
    if sampling not in _CONTINUOUS:
        raise SamplingError(f"Unknown prediction '{sampling}'. Known: {', '.join(_CONTINUOUS)}.")
    if not 0 < sigma_min < sigma_max:
        raise SamplingError(f"Noise levels must be positive and rise, not from {sigma_min:g} to {sigma_max:g}.")
    kind, data = _CONTINUOUS[sampling]
    return replace(log_spaced(kind, sigma_min, sigma_max, data), angle=False)


def flux_shift(width: int, height: int, base: float, most: float) -> float:
    """μ by the number of 16×16-pixel tokens: `base` at 256, `most` at 4096, linear between and beyond."""
    tokens = width * height / (16 * 16)
    slope = (most - base) / (4096 - 256)
    return tokens * slope + base - slope * 256


def playground_space(model: Model) -> Model:
    """The model in the latent space of Playground 2.5."""
    return replace(model, family=replace(model.family, latent_format=PLAYGROUND))  # type: ignore[type-var]


__all__ = [
    "PLAYGROUND", "ConsistencyPrediction", "continuous_levels", "discrete_levels", "flux_shift", "playground_space",
]  # fmt: skip
