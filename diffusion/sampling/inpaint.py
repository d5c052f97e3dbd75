"""Inpainting: outside the mask, the latent is what it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from diffusion.families.family import to_batch
from diffusion.model import Model
from diffusion.sampling.contract import Denoiser, Guided
from diffusion.sampling.prediction import Prediction


@dataclass(frozen=True, slots=True)
class MaskedDenoiser:
    """Replaces the unmasked part: before each call by the original at that noise level, after it by the original.

    Attributes:
        mask: [batch, channels, h, w], 1 where the latent is repainted.
        latent: the original, in network space.
        noise: what noises the original.
        sigmas: all noise levels of the run, for the mask hook.
    """

    inner: Denoiser
    model: Model
    mask: Tensor
    latent: Tensor
    noise: Tensor
    sigmas: Tensor

    @property
    def prediction(self) -> Prediction:
        """The model's prediction."""
        return self.inner.prediction

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Tensor:
        mask = self._mask(sigma)
        return self._kept(self.inner(self._mixed(x, sigma, mask), sigma, conditioning), mask)

    def guided(self, x: Tensor, sigma: Tensor, conditioning: Any) -> Guided:
        mask = self._mask(sigma)
        found = self.inner.guided(self._mixed(x, sigma, mask), sigma, conditioning)
        return Guided(self._kept(found.denoised, mask), found.unconditional)

    def _mask(self, sigma: Tensor) -> Tensor:
        hook = self.model.hooks.mask
        return self.mask if hook is None else hook(sigma, self.mask, self.sigmas, self.model)

    def _mixed(self, x: Tensor, sigma: Tensor, mask: Tensor) -> Tensor:
        return x * mask + self.prediction.add_noise(self.latent, self.noise, sigma) * (1 - mask)

    def _kept(self, denoised: Tensor, mask: Tensor) -> Tensor:
        return denoised * mask + self.latent * (1 - mask)


def latent_mask(mask: Tensor, latent: Tensor) -> Tensor:
    """A mask of any resolution, as the sampler needs it: [batch, channels, h, w] like the latent."""
    mask = mask.reshape(-1, 1, *mask.shape[-2:]).to(latent.device, torch.float32)
    mask = F.interpolate(mask, size=latent.shape[-2:], mode="bilinear")
    return to_batch(mask.repeat(1, latent.shape[1], 1, 1), latent.shape[0])


__all__ = ["MaskedDenoiser", "latent_mask"]
