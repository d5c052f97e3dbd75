"""The handle of an autoencoder: what packs call VAE.

Source: protocol §5.8.
"""

from __future__ import annotations

from typing import Any

from diffusion.autoencoder import Autoencoder
from interop.errors import NotSupported
from interop.placeholders import placeholder

__all__ = ["VaeHandle"]


class VaeHandle:
    """An autoencoder for packs."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        self._autoencoder = autoencoder
        self.downscale_ratio = self.upscale_ratio = autoencoder.ratio
        self.latent_channels = autoencoder.channels
        self.latent_dim = 2
        self.output_channels = 3
        self.first_stage_model = placeholder("VAE.first_stage_model")
        self.patcher = placeholder("VAE.patcher")
        self.device = autoencoder.network.device
        self.vae_dtype = autoencoder.network.compute
        self.working_dtypes = [self.vae_dtype]

    @property
    def output_device(self) -> Any:
        """Where results are."""
        import torch

        return torch.device("cpu")

    @property
    def heddle_object(self) -> Autoencoder:
        """The autoencoder of `diffusion`."""
        return self._autoencoder

    def encode(self, pixel_samples: Any) -> Any:
        """Pictures [batch, height, width, 3] in 0..1 as a latent."""
        return self._autoencoder.encode(pixel_samples)

    def decode(self, samples_in: Any, vae_options: Any = None) -> Any:
        """A latent as pictures."""
        return self._autoencoder.decode(samples_in)

    def encode_tiled(
        self,
        pixel_samples: Any,
        tile_x: int | None = None,
        tile_y: int | None = None,
        overlap: int | None = None,
        tile_t: int | None = None,
        overlap_t: int | None = None,
    ) -> Any:
        """Encode in tiles; sizes in pixels."""
        return self._autoencoder.encode_tiled(pixel_samples, (tile_x or 512, tile_y or 512), overlap or 64)

    def decode_tiled(
        self,
        samples: Any,
        tile_x: int | None = None,
        tile_y: int | None = None,
        overlap: int | None = None,
        tile_t: int | None = None,
        overlap_t: int | None = None,
    ) -> Any:
        """Decode in tiles; sizes in latent cells."""
        overlap = 16 if overlap is None else overlap
        return self._autoencoder.decode_tiled(samples, (tile_x or 64, tile_y or 64), overlap)

    def spacial_compression_encode(self) -> int:
        """Pixels for each latent cell."""
        return self._autoencoder.ratio

    def spacial_compression_decode(self) -> int:
        """Pixels for each latent cell."""
        return self._autoencoder.ratio

    def temporal_compression_decode(self) -> int | None:
        """Frames for each latent frame; None for pictures."""
        return None

    def vae_encode_crop_pixels(self, pixels: Any) -> Any:
        """Cut pictures, centred, to multiples of the ratio."""
        ratio = self._autoencoder.ratio
        height, width = pixels.shape[1] // ratio * ratio, pixels.shape[2] // ratio * ratio
        top, left = (pixels.shape[1] % ratio) // 2, (pixels.shape[2] % ratio) // 2
        return pixels[:, top : top + height, left : left + width, :]

    def throw_exception_if_invalid(self) -> None:
        """Nothing: an autoencoder that exists is valid."""

    def get_sd(self) -> dict[str, Any]:
        """Refused: weights are not open to packs."""
        raise NotSupported("VAE.get_sd", "called")
