"""The networks of Stable Video Diffusion, built on those of diffusers. Importing this brings diffusers."""

from __future__ import annotations

from functools import wraps
from typing import Any

from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from diffusers.models.resnet import ResnetBlock2D, TemporalResnetBlock
from torch import Tensor, nn

from diffusion.patching.video import run_video_unet

EPSILON = 1e-5  # of every norm in the original's residual blocks


class VideoUNet(UNetSpatioTemporalConditionModel):
    """A video U-Net that is told a ready vector for each frame, and computes with the original's small constants."""

    @wraps(UNetSpatioTemporalConditionModel.__init__)
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        for block in self.modules():
            if isinstance(block, ResnetBlock2D | TemporalResnetBlock):
                block.norm1.eps = block.norm2.eps = EPSILON

    def forward(self, x: Tensor, timestep: Tensor, context: Tensor, vector: Tensor, frames: int) -> Tensor:  # type: ignore[override]
        """See `diffusion.patching.video.run_video_unet`."""
        return run_video_unet(self, x, timestep, context, vector, frames)


def temporal_autoencoder(*, quantised: bool, **arguments: Any) -> AutoencoderKLTemporalDecoder:
    """An autoencoder whose decoder sees all frames of a video.

    Args:
        quantised: whether there is a layer between the encoder and the latent; published checkpoints have none.
    """
    network = AutoencoderKLTemporalDecoder(**arguments)
    if not quantised:
        network.quant_conv = nn.Identity()
    return network


__all__ = ["VideoUNet", "temporal_autoencoder"]
