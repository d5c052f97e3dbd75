"""A video U-Net walked block by block, as `diffusion.patching.unet` walks one for pictures.

Frames follow each other in the batch. Layers over space see each frame by itself; layers over time see one place in all
frames. Patches find the layers over space.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from diffusion.patching.attention import transformer_block
from diffusion.patching.record import Patching
from diffusion.patching.unet import Walk, walked


def run_video_unet(
    module: Any, x: Tensor, timestep: Tensor, context: Tensor, vector: Tensor, frames: int, residuals: Any = None,
    patching: Patching | None = None,
) -> Tensor:  # fmt: skip
    """Run a video U-Net.

    Args:
        module: diffusers' UNetSpatioTemporalConditionModel.
        x: scaled latents with the picture joined, [videos × frames, channels, height, width].
        timestep: [videos × frames].
        context: [videos × frames, tokens, width]; layers over time read that of the first frame.
        vector: what each frame is told, [videos × frames, width].
        frames: of each video.
        residuals: what control networks add, or None.
    Raises:
        SamplingError: for replaced blocks, which only other networks have.
    """
    return walked(_VideoWalk(module, context.to(x), residuals, patching, frames), x, timestep, vector)


class _VideoWalk(Walk):
    """One pass through the blocks of a video U-Net."""

    def __init__(
        self, module: Any, context: Tensor, residuals: Any, patching: Patching | None, frames: int
    ) -> None:  # fmt: skip
        super().__init__(module, context, residuals, patching)
        self._frames = frames
        self._moving = context.new_zeros(context.shape[0] // frames, frames)  # no frame is a picture by itself

    def _labels(self, vector: Tensor, x: Tensor) -> Tensor:
        told: Tensor = self.module.add_embedding(vector.to(x))
        return told

    def _resnet(self, block: Any, h: Tensor) -> Tensor:
        out: Tensor = block(h, self._embedding, image_only_indicator=self._moving)
        return out

    def _whole(self, transformer: Any, h: Tensor) -> Tensor:
        out: Tensor = transformer(h, self.context, image_only_indicator=self._moving, return_dict=False)[0]
        return out

    def _patched(self, transformer: Any, h: Tensor, stage: str, number: int) -> Tensor:
        batch, _, height, width = h.shape
        tokens = transformer.norm(h).permute(0, 2, 3, 1).reshape(batch, height * width, -1)
        tokens = transformer.proj_in(tokens)
        first = self.context[:: self._frames].repeat_interleave(height * width, dim=0)
        order = torch.arange(self._frames, device=h.device).repeat(batch // self._frames)
        when = transformer.time_pos_embed(transformer.time_proj(order).to(h.dtype))[:, None]
        blocks = zip(transformer.transformer_blocks, transformer.temporal_transformer_blocks, strict=True)
        for index, (over_space, over_time) in enumerate(blocks):
            site = self._site(over_space, tokens, h, stage, number, index)
            tokens = transformer_block(over_space, tokens, self.context, self.patches, site)
            mixed = over_time(tokens + when, num_frames=self._frames, encoder_hidden_states=first)
            tokens = transformer.time_mixer(tokens, mixed, image_only_indicator=self._moving)
        tokens = transformer.proj_out(tokens)
        return tokens.reshape(batch, height, width, -1).permute(0, 3, 1, 2).contiguous() + h


__all__ = ["run_video_unet"]
