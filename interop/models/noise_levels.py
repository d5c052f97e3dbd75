"""Schedules of noise levels in the classes that packs know (`comfy.model_sampling`).

Source: protocol §6.2.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor

from diffusion.sampling.prediction import zero_terminal_snr

__all__ = [
    "ModelSamplingContinuousEDM", "ModelSamplingContinuousV", "ModelSamplingDiscrete", "ModelSamplingDiscreteFlow",
    "ModelSamplingFlux", "flux_time_shift", "rescale_zero_terminal_snr_sigmas", "time_snr_shift",
]  # fmt: skip


class _Schedule(torch.nn.Module):
    """What all schedules have: a table of noise levels, from the lowest to the highest."""

    sigmas: Tensor

    def __init__(self, model_config: Any = None) -> None:
        super().__init__()
        self.sampling_settings = dict(getattr(model_config, "sampling_settings", None) or {})

    @property
    def sigma_min(self) -> Tensor:
        """The lowest level."""
        return self.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        """The highest level."""
        return self.sigmas[-1]


class ModelSamplingDiscrete(_Schedule):
    """A table of trained noise levels, one for each timestep.

    Args:
        model_config: its `sampling_settings` may have `linear_start`, `linear_end`, `timesteps` and `zsnr`.
        zsnr: whether the last level has no signal.
    """

    log_sigmas: Tensor

    def __init__(self, model_config: Any = None, zsnr: bool | None = None) -> None:
        super().__init__(model_config)
        own = self.sampling_settings
        betas = _betas(own)
        kept = torch.cumprod(1.0 - betas, dim=0)
        sigmas = ((1 - kept) / kept) ** 0.5
        zero = own.get("zsnr", False) if zsnr is None else zsnr
        self.num_timesteps = len(sigmas)
        self.zsnr = bool(zero)
        self.sigma_data = 1.0
        self.set_sigmas(rescale_zero_terminal_snr_sigmas(sigmas) if zero else sigmas)

    def set_sigmas(self, sigmas: Tensor) -> None:
        """Use another table."""
        self.register_buffer("sigmas", sigmas.float())
        self.register_buffer("log_sigmas", sigmas.log().float())

    def timestep(self, sigma: Tensor) -> Tensor:
        """The time at a noise level: the nearest of the table."""
        distance = sigma.log().to(self.log_sigmas.device).reshape(-1) - self.log_sigmas[:, None]
        return distance.abs().argmin(dim=0).view(sigma.shape).to(sigma.device)

    def sigma(self, timestep: Tensor) -> Tensor:
        """The noise level at a time; between two of the table by their logarithms."""
        t = timestep.float().to(self.log_sigmas.device).clamp(0, len(self.sigmas) - 1)
        low, high, share = t.floor().long(), t.ceil().long(), t.frac()
        return ((1 - share) * self.log_sigmas[low] + share * self.log_sigmas[high]).exp().to(timestep.device)

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after a share of the schedule."""
        if percent <= 0.0:
            return 999999999.9
        if percent >= 1.0:
            return 0.0
        return float(self.sigma(torch.tensor((1.0 - percent) * 999.0)))


def _betas(settings: dict[str, Any]) -> Tensor:
    start, end = settings.get("linear_start", 0.00085), settings.get("linear_end", 0.012)
    count = settings.get("timesteps", 1000)
    if settings.get("beta_schedule", "linear") == "sqrt_linear":
        return torch.linspace(start, end, count, dtype=torch.float64)
    return torch.linspace(start**0.5, end**0.5, count, dtype=torch.float64) ** 2


class ModelSamplingContinuousEDM(_Schedule):
    """Noise levels on a logarithmic scale."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__(model_config)
        own = self.sampling_settings
        self.set_parameters(own.get("sigma_min", 0.002), own.get("sigma_max", 120.0), own.get("sigma_data", 1.0))

    def set_parameters(self, sigma_min: float, sigma_max: float, sigma_data: float) -> None:
        """Set the ends of the scale."""
        self.sigma_data = sigma_data
        table = torch.linspace(math.log(sigma_min), math.log(sigma_max), 1000).exp()
        self.register_buffer("sigmas", table)
        self.register_buffer("log_sigmas", table.log())

    def timestep(self, sigma: Tensor) -> Tensor:
        """The time at a noise level."""
        return 0.25 * sigma.log()

    def sigma(self, timestep: Tensor) -> Tensor:
        """The noise level at a time."""
        return (timestep / 0.25).exp()

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after a share of the scale."""
        if percent <= 0.0:
            return 999999999.9
        if percent >= 1.0:
            return 0.0
        low, high = math.log(float(self.sigma_min)), math.log(float(self.sigma_max))
        return math.exp((1.0 - percent) * (high - low) + low)


class ModelSamplingContinuousV(ModelSamplingContinuousEDM):
    """The same levels with an angle as time."""

    def timestep(self, sigma: Tensor) -> Tensor:
        """The time at a noise level."""
        return sigma.atan() / math.pi * 2

    def sigma(self, timestep: Tensor) -> Tensor:
        """The noise level at a time."""
        return (timestep * math.pi / 2).tan()


def time_snr_shift(alpha: float, t: Any) -> Any:
    """A time of a flow, moved towards the noise."""
    return t if alpha == 1.0 else alpha * t / (1 + (alpha - 1) * t)


def flux_time_shift(mu: float, sigma: float, t: Any) -> Any:
    """A time of a flow, moved in Flux's way."""
    return math.exp(mu) / (math.exp(mu) + (1 / t - 1) ** sigma)


class ModelSamplingDiscreteFlow(_Schedule):
    """A rectified flow with a shifted time."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__(model_config)
        own = self.sampling_settings
        self.set_parameters(own.get("shift", 1.0), multiplier=own.get("multiplier", 1000))

    def set_parameters(self, shift: float = 1.0, timesteps: int = 1000, multiplier: float = 1000) -> None:
        """Set the shift, and the network's time at the highest level."""
        self.shift, self.multiplier = shift, multiplier
        self.register_buffer("sigmas", self.sigma(torch.arange(1, timesteps + 1) / timesteps * multiplier))

    def timestep(self, sigma: Tensor) -> Tensor:
        """The time at a noise level."""
        return sigma * self.multiplier

    def sigma(self, timestep: Tensor) -> Tensor:
        """The noise level at a time."""
        return cast(Tensor, time_snr_shift(self.shift, timestep / self.multiplier))

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after a share of the schedule."""
        if percent <= 0.0:
            return 1.0
        return 0.0 if percent >= 1.0 else float(time_snr_shift(self.shift, 1.0 - percent))


class ModelSamplingFlux(_Schedule):
    """A rectified flow with Flux's shift; the network's time is the noise level."""

    def __init__(self, model_config: Any = None) -> None:
        super().__init__(model_config)
        self.set_parameters(self.sampling_settings.get("shift", 1.15))

    def set_parameters(self, shift: float = 1.15, timesteps: int = 10000) -> None:
        """Set the shift."""
        self.shift = shift
        self.register_buffer("sigmas", self.sigma(torch.arange(1, timesteps + 1) / timesteps))

    def timestep(self, sigma: Tensor) -> Tensor:
        """The time at a noise level."""
        return sigma

    def sigma(self, timestep: Tensor) -> Tensor:
        """The noise level at a time."""
        return cast(Tensor, flux_time_shift(self.shift, 1.0, timestep))

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after a share of the schedule."""
        if percent <= 0.0:
            return 1.0
        return 0.0 if percent >= 1.0 else float(flux_time_shift(self.shift, 1.0, 1.0 - percent))


def rescale_zero_terminal_snr_sigmas(sigmas: Tensor) -> Tensor:
    """Noise levels whose last has (almost) no signal."""
    return zero_terminal_snr(sigmas)
