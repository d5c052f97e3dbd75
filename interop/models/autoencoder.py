"""The handle of an autoencoder: what packs call VAE.

Source: protocol §5.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffusion.autoencoder import Autoencoder
from diffusion.layouts.renaming import rename, reverse
from interop.errors import ClosedAttribute
from interop.models.closed import ClosedPart

__all__ = ["VaeHandle"]


class VaeHandle:
    """An autoencoder for packs.

    Args:
        autoencoder: of `diffusion`; without it
        sd: the tensors of one are loaded.
        metadata: what their file said about itself.
        config, dtype: the host's; this engine finds out by itself.
    Raises:
        ModelFileError: if the tensors are of no kind of autoencoder that is known.
    """

    def __init__(
        self,
        autoencoder: Autoencoder | None = None,
        *,
        sd: Any = None,
        device: Any = None,
        config: Any = None,
        dtype: Any = None,
        metadata: Any = None,
    ) -> None:
        if autoencoder is None or isinstance(autoencoder, Mapping):
            from diffusion.loading import load_autoencoder
            from diffusion.tensor_file import TensorsInMemory

            given = sd if autoencoder is None else autoencoder
            autoencoder = load_autoencoder(TensorsInMemory(given, "tensors of a pack", metadata), device=device)
        self._autoencoder = autoencoder
        self.downscale_ratio = self.upscale_ratio = autoencoder.ratio
        self.latent_channels = autoencoder.channels
        self.latent_dim = 2
        self.output_channels = 3
        self.first_stage_model = _FirstStage(autoencoder)
        self.patcher = ClosedPart(
            "VAE.patcher", load_device=autoencoder.network.device, model_size=autoencoder.network.size
        )
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

    def memory_used_decode(self, shape: Any, dtype: Any) -> int:
        """Bytes that decoding a latent of some shape needs, roughly: 2,000 values for each pixel."""
        return 2000 * int(shape[-1]) * int(shape[-2]) * self._autoencoder.ratio**2 * int(dtype.itemsize)

    def memory_used_encode(self, shape: Any, dtype: Any) -> int:
        """Bytes that encoding pictures [batch, 3, height, width] needs, roughly: 1,500 values for each pixel."""
        return 1500 * int(shape[-1]) * int(shape[-2]) * int(dtype.itemsize)

    def process_input(self, image: Any) -> Any:
        """Pixels in 0..1 as the network reads them, in −1..1."""
        return image * 2.0 - 1.0

    def process_output(self, image: Any) -> Any:
        """What the network gives, in −1..1, as pixels in 0..1."""
        return ((image + 1.0) / 2.0).clamp(0.0, 1.0)

    def throw_exception_if_invalid(self) -> None:
        """Nothing: an autoencoder that exists is valid."""

    def get_sd(self) -> dict[str, Any]:
        """The weights by their published names."""
        network = self._autoencoder.network
        back = reverse(network.names)
        return {rename(name, back) or name: network.weights[name] for name in network.parameter_names()}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ClosedAttribute(f"VAE.{name}")


class _FirstStage:
    """The autoencoder's network as packs call it: pictures [batch, 3, height, width] in −1..1."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        self._autoencoder = autoencoder
        self.dtype = autoencoder.network.compute
        self.device = autoencoder.network.device

    def encode(self, x: Any) -> Any:
        """Pictures as a latent."""
        return self._autoencoder.encode((x.movedim(1, -1).float() + 1) / 2)

    def decode(self, z: Any) -> Any:
        """A latent as pictures."""
        return self._autoencoder.decode(z).movedim(-1, 1) * 2 - 1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ClosedAttribute(f"VAE.first_stage_model.{name}", advice="It offers encode and decode.")
