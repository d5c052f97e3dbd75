"""Latent spaces as packs know them (`comfy.latent_formats`).

Source: protocol §6.8; the configuration files of the families.
"""

from __future__ import annotations

from typing import Any

from diffusion.latents import FLUX, SD1, SDXL, LatentFormat
from diffusion.latents import SD3 as SD3_FORMAT

__all__ = ["FORMATS", "LatentSpace", "latent_space"]


class LatentSpace:
    """The space of a model's latents; subclasses say which. Source of the numbers: the families' own files.

    Attributes:
        heddle_model: whose latents they are; None for a space that a pack made itself.
    """

    scale_factor: float = 1.0
    shift_factor: float = 0.0
    latent_channels: int = 4
    latent_dimensions: int = 2
    latent_rgb_factors: list[list[float]] | None = None
    latent_rgb_factors_bias: list[float] | None = None
    latent_rgb_factors_reshape: Any = None
    taesd_decoder_name: str | None = None
    spacial_downscale_ratio: int = 8

    def __init__(self, scale_factor: float | None = None) -> None:
        self.heddle_model: Any = None
        if scale_factor is not None:
            self.scale_factor = scale_factor

    def process_in(self, latent: Any) -> Any:
        """From the autoencoder's space to the network's."""
        return (latent - self.shift_factor) * self.scale_factor

    def process_out(self, latent: Any) -> Any:
        """From the network's space to the autoencoder's."""
        return latent / self.scale_factor + self.shift_factor


def _described(form: LatentFormat) -> dict[str, Any]:
    return {
        "scale_factor": form.scale,
        "shift_factor": form.shift,
        "latent_channels": form.channels,
        "latent_rgb_factors": None if form.rgb is None else [list(row) for row in form.rgb],
        "latent_rgb_factors_bias": list(form.rgb_bias),
        "taesd_decoder_name": None if form.taesd is None else f"{form.taesd}_decoder",
        "spacial_downscale_ratio": form.ratio,
    }


def _space(name: str, **values: Any) -> type[LatentSpace]:
    return type(name, (LatentSpace,), {**values, "__doc__": f"The latent space of {name}."})


class _Normalised(LatentSpace):
    """A space whose channels have means and deviations of their own."""

    latents_mean: tuple[float, ...] = ()
    latents_std: tuple[float, ...] = ()

    def process_in(self, latent: Any) -> Any:
        """From the autoencoder's space to the network's."""
        return (latent - self._channel(self.latents_mean, latent)) * self.scale_factor / self._std(latent)

    def process_out(self, latent: Any) -> Any:
        """From the network's space to the autoencoder's."""
        return latent * self._std(latent) / self.scale_factor + self._channel(self.latents_mean, latent)

    def _std(self, latent: Any) -> Any:
        return self._channel(self.latents_std, latent)

    @staticmethod
    def _channel(values: tuple[float, ...], latent: Any) -> Any:
        import torch

        return torch.tensor(values, dtype=latent.dtype, device=latent.device).view(1, -1, 1, 1)


class SDXL_Playground_2_5(_Normalised):
    """The latent space of Playground 2.5. Source: its published scheduler configuration."""

    scale_factor = 0.5
    latents_mean = (-1.6574, 1.886, -1.383, 2.5155)
    latents_std = (8.4927, 5.9022, 6.5498, 5.2299)


FORMATS: dict[str, type[LatentSpace]] = {
    "SD15": _space("SD15", **_described(SD1)),
    "SDXL": _space("SDXL", **_described(SDXL)),
    "SD3": _space("SD3", **_described(SD3_FORMAT)),
    "Flux": _space("Flux", **_described(FLUX)),
    "SD_X4": _space("SD_X4", scale_factor=0.08333, spacial_downscale_ratio=4),
    "SC_Prior": _space("SC_Prior", latent_channels=16, spacial_downscale_ratio=42),
    "SC_B": _space("SC_B", scale_factor=1.0 / 0.43, spacial_downscale_ratio=4),
    "SDXL_Playground_2_5": SDXL_Playground_2_5,
}
"""Name among the host's latent formats → class."""
_BY_FORM = {"sd1": "SD15", "sdxl": "SDXL", "sd3": "SD3", "flux": "Flux"}


def latent_space(form: LatentFormat, model: Any = None) -> LatentSpace:
    """The space of a model of ours, with that model's own numbers."""
    space = FORMATS[_BY_FORM[form.name]]() if form.name in _BY_FORM else LatentSpace()
    for name, value in _described(form).items():
        setattr(space, name, value)
    space.heddle_model = model
    return space
