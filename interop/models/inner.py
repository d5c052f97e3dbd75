"""What packs see inside of a model: its noise levels and its latent space.

Source: protocol §5.8, §6.2.
"""

from __future__ import annotations

from typing import Any

from diffusion.latents import LatentFormat
from diffusion.model import Model
from diffusion.sampling.prediction import Prediction
from interop.placeholders import placeholder

__all__ = ["InnerModel", "LatentSpace", "NoiseLevels"]


class NoiseLevels:
    """A model's noise levels: what packs call `model_sampling`."""

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        self.sigmas = prediction.sigmas
        self.log_sigmas = prediction.sigmas.log()
        self.sigma_min = prediction.sigma_min
        self.sigma_max = prediction.sigma_max
        self.sigma_data = prediction.sigma_data

    def timestep(self, sigma: Any) -> Any:
        """The time at a noise level."""
        return self.prediction.timestep(sigma)

    def sigma(self, timestep: Any) -> Any:
        """The noise level at a time."""
        return self.prediction.sigma(timestep)

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level after a share of the schedule."""
        return self.prediction.percent_to_sigma(percent)

    def calculate_input(self, sigma: Any, noise: Any) -> Any:
        """What the network is given."""
        return self.prediction.scale_input(noise, _beside(sigma, noise))

    def calculate_denoised(self, sigma: Any, model_output: Any, model_input: Any) -> Any:
        """The estimate of the picture."""
        return self.prediction.denoised(model_input, model_output, _beside(sigma, model_input))

    def noise_scaling(self, sigma: Any, noise: Any, latent_image: Any, max_denoise: bool = False) -> Any:
        """The noisy latent that a run starts from."""
        return self.prediction.add_noise(latent_image, noise, _beside(sigma, noise), from_pure_noise=max_denoise)

    def inverse_noise_scaling(self, sigma: Any, latent: Any) -> Any:
        """Undo what noising did to the latent's scale."""
        return self.prediction.finish(latent, _beside(sigma, latent))


def _beside(sigma: Any, tensor: Any) -> Any:
    """Noise levels shaped to be multiplied with a batch."""
    return sigma.view(sigma.shape[:1] + (1,) * (tensor.ndim - 1)) if getattr(sigma, "ndim", 0) else sigma


class LatentSpace:
    """The space of a model's latents: what packs call `latent_format`."""

    def __init__(self, form: LatentFormat, model: Model | None) -> None:
        self.heddle_model = model
        self.latent_channels = form.channels
        self.scale_factor = form.scale
        self.shift_factor = form.shift
        self.latent_rgb_factors = None if form.rgb is None else [list(row) for row in form.rgb]
        self.latent_rgb_factors_bias = list(form.rgb_bias)
        self.taesd_decoder_name = form.taesd
        self.latent_dimensions = 2
        self.spacial_downscale_ratio = form.ratio
        self._form = form

    def process_in(self, latent: Any) -> Any:
        """From the autoencoder's space to the network's."""
        return self._form.to_network(latent)

    def process_out(self, latent: Any) -> Any:
        """From the network's space to the autoencoder's."""
        return self._form.from_network(latent)


class InnerModel:
    """The inside of a model. The network itself is closed."""

    def __init__(self, model: Model) -> None:
        self.model_sampling = NoiseLevels(model.prediction)
        self.latent_format = LatentSpace(model.latent_format, model)
        self.device = model.network.device
        self.diffusion_model = placeholder("MODEL.model.diffusion_model")
        self.model_config = placeholder("MODEL.model.model_config")
        self.model_type = placeholder("MODEL.model.model_type")
        self.current_patcher = None
        self._dtype = model.network.compute

    def get_dtype(self) -> Any:
        """In which format it computes."""
        return self._dtype

    def process_latent_in(self, latent: Any) -> Any:
        """From the autoencoder's space to the network's."""
        return self.latent_format.process_in(latent)

    def process_latent_out(self, latent: Any) -> Any:
        """From the network's space to the autoencoder's."""
        return self.latent_format.process_out(latent)
