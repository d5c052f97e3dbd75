"""The handle of an upscaling network: what packs call UPSCALE_MODEL.

Source: protocol §5.7.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from diffusion.upscaling import UpscaleModel

__all__ = ["UpscaleHandle"]


class UpscaleHandle:
    """A network that enlarges pictures, for packs.

    Attributes:
        scale: by what factor.
    """

    def __init__(self, model: UpscaleModel) -> None:
        self.heddle_upscaler = model
        self.scale = model.scale
        self.input_channels = self.output_channels = 3

    @property
    def heddle_object(self) -> UpscaleModel:
        """The network of `diffusion`."""
        return self.heddle_upscaler

    @property
    def model(self) -> Any:
        """The module itself."""
        return self.heddle_upscaler.model

    @property
    def device(self) -> Any:
        """Where it computes."""
        return self.heddle_upscaler.network.device

    def __call__(self, image: Tensor) -> Tensor:
        """Enlarge pictures [batch, 3, height, width] in 0..1."""
        return self.heddle_upscaler(image)

    def to(self, *args: Any, **kwargs: Any) -> UpscaleHandle:
        """The same: the engine brings networks to the device by itself."""
        return self

    def cpu(self) -> UpscaleHandle:
        """The same: the engine takes networks from the device by itself."""
        return self

    def eval(self) -> UpscaleHandle:
        """The same: networks are never trained here."""
        return self
