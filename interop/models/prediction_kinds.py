"""What a network can predict, in the classes that packs build their noise levels from.

Source: protocol §6.2.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

__all__ = ["CONST", "COSMOS_RFLOW", "EDM", "EPS", "IMG_TO_IMG", "V_PREDICTION", "X0"]


def _beside(sigma: Any, x: Tensor) -> Tensor:
    """A noise level for each sample, shaped to be multiplied with a batch."""
    if not isinstance(sigma, Tensor):
        return torch.tensor(float(sigma), device=x.device)
    sigma = sigma.to(x.device)
    return cast(Tensor, sigma.view(sigma.shape[:1] + (1,) * (x.ndim - 1)) if sigma.ndim else sigma)


class EPS:
    """The network predicts the noise."""

    sigma_data = 1.0

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        """What the network is given."""
        return noise / (_beside(sigma, noise) ** 2 + self.sigma_data**2) ** 0.5

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        """The estimate of the picture."""
        return model_input - model_output * _beside(sigma, model_output)

    def noise_scaling(self, sigma: Any, noise: Tensor, latent_image: Any, max_denoise: bool = False) -> Tensor:
        """The noisy latent that a run starts from."""
        level = _beside(sigma, noise)
        scale = torch.sqrt(1.0 + level**2) if max_denoise else level
        return cast(Tensor, noise * scale + latent_image)

    def inverse_noise_scaling(self, sigma: Any, latent: Tensor) -> Tensor:
        """Undo what noising did to the latent's scale."""
        return latent


class V_PREDICTION(EPS):
    """The network predicts v, a mix of noise and picture."""

    _sign = -1

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        """The estimate of the picture."""
        level, data = _beside(sigma, model_output), self.sigma_data
        total = level**2 + data**2
        return model_input * data**2 / total + self._sign * model_output * level * data / total**0.5


class EDM(V_PREDICTION):
    """The network predicts as Karras et al. 2022 have it."""

    _sign = 1


class CONST:
    """The network predicts the direction from picture to noise; both are blended."""

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        """What the network is given."""
        return noise

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        """The estimate of the picture."""
        return model_input - model_output * _beside(sigma, model_output)

    def noise_scaling(self, sigma: Any, noise: Tensor, latent_image: Any, max_denoise: bool = False) -> Tensor:
        """The noisy latent that a run starts from."""
        level = _beside(sigma, noise)
        return cast(Tensor, level * noise + (1.0 - level) * latent_image)

    def inverse_noise_scaling(self, sigma: Any, latent: Tensor) -> Tensor:
        """Undo what noising did to the latent's scale."""
        return latent / (1.0 - _beside(sigma, latent))


class X0(EPS):
    """The network predicts the picture."""

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        """The estimate of the picture."""
        return model_output


class IMG_TO_IMG(X0):
    """The network turns a picture into another; nothing is scaled."""

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        """What the network is given."""
        return noise


class COSMOS_RFLOW:
    """A rectified flow whose input is scaled by the share of the picture."""

    def calculate_input(self, sigma: Any, noise: Tensor) -> Tensor:
        """What the network is given."""
        level = _beside(sigma, noise)
        return noise * (1.0 - level / (level + 1))

    def calculate_denoised(self, sigma: Any, model_output: Tensor, model_input: Tensor) -> Tensor:
        """The estimate of the picture."""
        level = _beside(sigma, model_output)
        share = level / (level + 1)
        return model_input * (1.0 - share) - model_output * share

    def noise_scaling(self, sigma: Any, noise: Tensor, latent_image: Any, max_denoise: bool = False) -> Tensor:
        """The noisy latent that a run starts from."""
        return cast(Tensor, noise * _beside(sigma, noise) + latent_image)

    def inverse_noise_scaling(self, sigma: Any, latent: Tensor) -> Tensor:
        """Undo what noising did to the latent's scale."""
        return latent
