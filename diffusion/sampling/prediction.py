"""What a network predicts, and how that becomes a denoised estimate.

A prediction knows the noise levels a network was trained on, translates between sigma, timestep and percent, scales
the network's input and turns its output into x0. All sigmas are zero-dimensional float32 tensors on the CPU, so that a
step needs no synchronisation with a device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

import torch
from torch import Tensor


class Kind(Enum):
    """What the network's output is."""

    EPSILON = "epsilon"
    V = "v"
    X0 = "x0"
    EDM = "edm"
    FLOW = "flow"
    RATIO = "ratio"
    IMG_TO_IMG = "img_to_img"


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Shared rules of all predictions; subclasses bring the table and the translation of times.

    Attributes:
        kind: what the output is.
        sigmas: float32, ascending: the noise levels schedules choose from.
        sigma_data: standard deviation of the data.
    """

    kind: Kind
    sigmas: Tensor
    sigma_data: float = 1.0

    @property
    def sigma_min(self) -> Tensor:
        """Lowest noise level."""
        return self.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        """Highest noise level."""
        return self.sigmas[-1]

    @property
    def is_flow(self) -> bool:
        """Whether data and noise are blended, not summed."""
        return self.kind is Kind.FLOW

    def timestep(self, sigma: Tensor) -> Tensor:
        """The time given to the network at a noise level."""
        raise NotImplementedError

    def sigma(self, timestep: Tensor) -> Tensor:
        """The noise level of a (fractional) timestep."""
        raise NotImplementedError

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after a share of the whole schedule."""
        raise NotImplementedError

    def scale_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        """What the network is given for a noisy `x`."""
        if self.kind in (Kind.FLOW, Kind.IMG_TO_IMG):
            return x
        if self.kind is Kind.RATIO:
            return x / (sigma + 1)
        return x / (sigma**2 + self.sigma_data**2) ** 0.5

    def denoised(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor:
        """x0, from the noisy `x` and the network's output."""
        data = self.sigma_data
        match self.kind:
            case Kind.EPSILON | Kind.FLOW:
                return x - output * sigma
            case Kind.V | Kind.EDM:
                sign = -1 if self.kind is Kind.V else 1
                kept = x * data**2 / (sigma**2 + data**2)
                return kept + sign * output * sigma * data / (sigma**2 + data**2) ** 0.5
            case Kind.RATIO:
                return (x - output * sigma) / (sigma + 1)
            case Kind.X0 | Kind.IMG_TO_IMG:
                return output

    def add_noise(self, latent: Tensor, noise: Tensor, sigma: Tensor, *, from_pure_noise: bool = False) -> Tensor:
        """The noisy latent a run starts from at `sigma`.

        Args:
            from_pure_noise: the run starts at the highest level, where the training data had unit variance added.
        """
        if self.kind is Kind.FLOW:
            return sigma * noise + (1.0 - sigma) * latent
        scale = torch.sqrt(1.0 + sigma**2) if from_pure_noise and self.kind is not Kind.RATIO else sigma
        return noise * scale + latent

    def finish(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Undo what `add_noise` did to the data's scale, after the last step ended at `sigma`."""
        return x / (1.0 - sigma) if self.kind is Kind.FLOW else x

    def starts_from_pure_noise(self, sigma: Tensor) -> bool:
        """Whether a run that begins at `sigma` begins at the highest level."""
        first, highest = float(sigma), float(self.sigma_max)
        return math.isclose(highest, first, rel_tol=1e-5) or first > highest

    def half_log_snr(self, sigma: Tensor) -> Tensor:
        """λ = ln(signal / noise)."""
        return sigma.logit().neg() if self.is_flow else sigma.log().neg()

    def sigma_of_half_log_snr(self, half_log_snr: Tensor) -> Tensor:
        """The inverse of `half_log_snr`."""
        return half_log_snr.neg().sigmoid() if self.is_flow else half_log_snr.neg().exp()


@dataclass(frozen=True, slots=True, eq=False)
class DiscretePrediction(Prediction):
    """A table of trained noise levels, one for each timestep. Source: Ho et al. 2020, arXiv:2006.11239."""

    log_sigmas: Tensor = field(default_factory=lambda: torch.empty(0))

    def timestep(self, sigma: Tensor) -> Tensor:
        return (sigma.log() - self.log_sigmas).abs().argmin().view(sigma.shape)

    def sigma(self, timestep: Tensor) -> Tensor:
        t = timestep.float().clamp(0, len(self.sigmas) - 1)
        low, high, share = t.floor().long(), t.ceil().long(), t.frac()
        return ((1 - share) * self.log_sigmas[low] + share * self.log_sigmas[high]).exp()

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 999999999.9
        if percent >= 1.0:
            return 0.0
        return float(self.sigma(torch.tensor((1.0 - percent) * (len(self.sigmas) - 1))))


def discrete(kind: Kind = Kind.EPSILON, sigmas: Tensor | None = None) -> DiscretePrediction:
    """A discrete prediction; the table of Stable Diffusion unless another is given."""
    table = stable_diffusion_sigmas() if sigmas is None else sigmas
    return DiscretePrediction(kind, table.float(), log_sigmas=table.log().float())


def stable_diffusion_sigmas(start: float = 0.00085, end: float = 0.012, count: int = 1000) -> Tensor:
    """The "scaled linear" noise levels of Stable Diffusion, float64 ascending. Source: arXiv:2112.10752."""
    betas = torch.linspace(start**0.5, end**0.5, count, dtype=torch.float64) ** 2
    return sigmas_of_betas(betas)


def sigmas_of_betas(betas: Tensor) -> Tensor:
    """√((1 − ᾱ) / ᾱ) with ᾱ the running product of 1 − β."""
    kept = torch.cumprod(1.0 - betas, dim=0)
    return ((1 - kept) / kept) ** 0.5


def zero_terminal_snr(sigmas: Tensor) -> Tensor:
    """Noise levels rescaled so that the last has (almost) no signal.

    Source: Lin et al. 2023, arXiv:2305.08891, algorithm 1.
    """
    signal = (1 / (sigmas * sigmas + 1)).sqrt()
    first, last = signal[0].clone(), signal[-1].clone()
    signal = (signal - last) * first / (first - last)
    kept = signal**2
    kept[-1] = 4.8973451890853435e-08
    return ((1 - kept) / kept) ** 0.5


@dataclass(frozen=True, slots=True, eq=False)
class LogPrediction(Prediction):
    """Noise levels on a logarithmic scale without a table of timesteps.

    Attributes:
        angle: network time is an arctangent, as of continuous v-prediction; else a logarithm, as of EDM.
    """

    angle: bool = False

    def timestep(self, sigma: Tensor) -> Tensor:
        if self.kind is Kind.RATIO:
            return sigma / (sigma + 1)
        return sigma.atan() / math.pi * 2 if self.angle else 0.25 * sigma.log()

    def sigma(self, timestep: Tensor) -> Tensor:
        if self.kind is Kind.RATIO:
            return timestep / (1 - timestep)
        return (timestep * math.pi / 2).tan() if self.angle else (timestep / 0.25).exp()

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 999999999.9
        if percent >= 1.0:
            return 0.0
        low, high = math.log(float(self.sigma_min)), math.log(float(self.sigma_max))
        return math.exp((1.0 - percent) * (high - low) + low)


def log_spaced(kind: Kind, sigma_min: float, sigma_max: float, sigma_data: float = 1.0) -> LogPrediction:
    """1000 noise levels spaced evenly in their logarithm. Source: Karras et al. 2022, arXiv:2206.00364."""
    sigmas = torch.linspace(math.log(sigma_min), math.log(sigma_max), 1000).exp()
    return LogPrediction(kind, sigmas, sigma_data, angle=kind is Kind.V)


@dataclass(frozen=True, slots=True, eq=False)
class FlowPrediction(Prediction):
    """Rectified flow with a shifted time.

    Attributes:
        shift: factor of the time shift, or μ of the exponential form.
        multiplier: network time at sigma 1.
        exponential: Flux's form of the shift.
    Source: Esser et al. 2024, arXiv:2403.03206.
    """

    shift: float = 1.0
    multiplier: float = 1000.0
    exponential: bool = False

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma if self.exponential else sigma * self.multiplier

    def sigma(self, timestep: Tensor) -> Tensor:
        return self._shifted(timestep if self.exponential else timestep / self.multiplier)

    def percent_to_sigma(self, percent: float) -> float:
        if percent <= 0.0:
            return 1.0
        if percent >= 1.0:
            return 0.0
        return float(self._shifted(torch.tensor(1.0 - percent, dtype=torch.float64)))

    def _shifted(self, t: Tensor) -> Tensor:
        return _shift(t, self.shift, exponential=self.exponential)


def _shift(t: Tensor, shift: float, *, exponential: bool) -> Tensor:
    if exponential:
        return math.exp(shift) / (math.exp(shift) + (1 / t - 1))
    return t if shift == 1.0 else shift * t / (1 + (shift - 1) * t)


def flow(shift: float = 1.0, multiplier: float = 1000.0) -> FlowPrediction:
    """Rectified flow with σ(t) = a·t / (1 + (a − 1)·t), 1000 levels."""
    times = torch.arange(1, 1001, dtype=torch.float32) / 1000
    return FlowPrediction(Kind.FLOW, _shift(times, shift, exponential=False), shift=shift, multiplier=multiplier)


def flux_flow(mu: float = 1.15) -> FlowPrediction:
    """Rectified flow with Flux's exponential shift, 10000 levels; network time is sigma itself."""
    times = torch.arange(1, 10001, dtype=torch.float32) / 10000
    return FlowPrediction(Kind.FLOW, _shift(times, mu, exponential=True), shift=mu, multiplier=1.0, exponential=True)


__all__ = [
    "DiscretePrediction", "FlowPrediction", "Kind", "LogPrediction", "Prediction", "discrete", "flow", "flux_flow",
    "log_spaced", "sigmas_of_betas", "stable_diffusion_sigmas", "zero_terminal_snr",
]  # fmt: skip
