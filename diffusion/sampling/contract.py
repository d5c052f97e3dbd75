"""The one contract between networks, guidance and samplers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from diffusion.sampling.noise import StepNoise
from diffusion.sampling.prediction import Prediction

OnStep = Callable[[int, Tensor, Tensor], None]  # (step index, x0, x), after each evaluation that starts a step


class Guided(NamedTuple):
    """A guided estimate of x0 and the one without the prompt it moved away from."""

    denoised: Tensor
    unconditional: Tensor


class Denoiser(Protocol):
    """Estimates x0 from a noisy latent: `denoiser(x, sigma, conditioning) -> x0`.

    `sigma` is a zero-dimensional float32 tensor on the CPU, so that steps need no synchronisation with a device.
    `conditioning` is passed through samplers untouched.
    """

    prediction: Prediction

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Tensor:
        """x0, shaped like `x`."""
        ...

    def guided(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Guided:
        """x0 together with the unconditional estimate; both are always evaluated."""
        ...


class Sampler(Protocol):
    """Integrates from noise to latent along `sigmas` (float32 on the CPU, decreasing).

    A sampler may have a method `run_whole(run) -> latent` as well, which does a whole `diffusion.sampling.run.Run`.
    """

    def __call__(
        self, denoiser: Denoiser, x: Tensor, sigmas: Tensor, conditioning: Any, noise: StepNoise, on_step: OnStep, /
    ) -> Tensor:
        """The latent after the last step, still in the model's scale."""
        ...


__all__ = ["Denoiser", "Guided", "OnStep", "Sampler"]
