"""Families whose network is a U-Net like others, and which only tell it something of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from diffusion.families.family import Scene
from diffusion.families.unet import UNetFamily
from diffusion.latents import LatentFormat
from diffusion.patching.record import Patching


@dataclass(frozen=True, slots=True)
class WrappedUNet:
    """A U-Net with other inputs; says and does what the U-Net's family does, unless a kind overrides it.

    Attributes:
        unet: how the network is called.
    """

    unet: UNetFamily
    repeats_context: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Of the family: that of the network."""
        return self.unet.name

    @property
    def latent_format(self) -> LatentFormat:
        """The space the network works in."""
        return self.unet.latent_format

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        return self.unet.inputs(embedding, options, scene)

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        return self.unet.call(module, x, timestep, inputs, residuals, patching)


__all__ = ["WrappedUNet"]
