"""A U-Net walked block by block, with patches where they belong.

Computes what the module's own `forward` computes; a test holds both against each other. Blocks are counted as in the
original layout: on the way down the first convolution, each residual block (with its transformer) and each
downsampling is an input block; on the way up each residual block (with its transformer and upsampling) is an output
block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.patching.attention import transformer_block
from diffusion.patching.record import BlockPatch, ModelPatches, Patching, Site


def run_unet(
    module: Any, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any, patching: Patching
) -> Tensor:
    """Run a U-Net of the original layout.

    Args:
        module: diffusers' UNet2DConditionModel.
        x: scaled latent, further channels already joined, [batch, channels, height, width].
        timestep: [batch].
        inputs: `context` and, where the network has labels, `vector`.
        residuals: what control networks add (`diffusion.control.Residuals`), or None.
    Raises:
        SamplingError: for replaced blocks, which only other networks have.
    """
    if patching.patches.blocks:
        (stage, number), *_ = patching.patches.blocks
        raise SamplingError(
            f"This model is a U-Net and has no {stage} number {number}. "
            "Remove the node that replaces it, or use a model with such blocks (SD3, Flux)."
        )
    walk = _Walk(module, inputs["context"].to(x), patching)
    embedding = walk.embedding(x, timestep, inputs.get("vector"))
    inside = [] if residuals is None else list(residuals.inside)
    h, skips = walk.down(module.conv_in(x), embedding, inside)
    if residuals is not None and residuals.middle is not None:
        skips = [skip + added for skip, added in zip(skips, residuals.down, strict=True)]
    h = walk.middle(h, embedding)
    for added in inside:
        h = h + added
    if residuals is not None and residuals.middle is not None:
        h = h + residuals.middle
    for patch in patching.patches.middle_block:
        h = patch(h, Site(patching.step, "middle", 0))
    h = walk.up(h, skips, embedding)
    if module.conv_norm_out is not None:
        h = module.conv_act(module.conv_norm_out(h))
    out: Tensor = module.conv_out(h)
    return out


class _Walk:
    """One pass through the blocks."""

    def __init__(self, module: Any, context: Tensor, patching: Patching) -> None:
        self.module, self.context = module, context
        self.patches: ModelPatches = patching.patches
        self.step = patching.step
        self.transformers = 0

    def embedding(self, x: Tensor, timestep: Tensor, vector: Tensor | None) -> Tensor:
        """Time and labels, [batch, width]."""
        times = self.module.time_proj(timestep.expand(x.shape[0])).to(x.dtype)
        result: Tensor = self.module.time_embedding(times)
        if vector is not None and self.module.class_embedding is not None:
            result = result + self.module.class_embedding(vector.to(x)).to(x.dtype)
        channels = self.module.config.block_out_channels[0]
        for patch in self.patches.embedding:
            result = patch(result, channels, self.step)
        return result

    def down(self, h: Tensor, embedding: Tensor, inside: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Hidden states at the bottom, and the skip connections from top to bottom.

        Args:
            inside: added at the end of each block, before its downsampler if the block attends; removed once used.
        """
        skips: list[Tensor] = []
        h = self._input(h, skips)
        for block in self.module.down_blocks:
            own = getattr(block, "attentions", None)
            for resnet, attention in zip(block.resnets, own or [None] * len(block.resnets), strict=True):
                h = resnet(h, embedding)
                h = self._transformed(attention, h, "input", len(skips))
                if inside and resnet is block.resnets[-1] and (own or not block.downsamplers):
                    h = h + inside.pop(0)
                h = self._input(h, skips)
            for sampler in block.downsamplers or ():
                h = sampler(h)
                if inside and not own:
                    h = h + inside.pop(0)
                h = self._input(h, skips)
        return h, skips

    def middle(self, h: Tensor, embedding: Tensor) -> Tensor:
        """Through the block at the bottom; pruned networks have none."""
        block = self.module.mid_block
        if block is None:
            return h
        h = block.resnets[0](h, embedding)
        attentions = getattr(block, "attentions", None) or [None] * (len(block.resnets) - 1)
        for attention, resnet in zip(attentions, block.resnets[1:], strict=True):
            h = self._transformed(attention, h, "middle", 0)
            h = resnet(h, embedding)
        return h

    def up(self, h: Tensor, skips: list[Tensor], embedding: Tensor) -> Tensor:
        """Hidden states at the top."""
        number = 0
        for block in self.module.up_blocks:
            attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
            for resnet, attention in zip(block.resnets, attentions, strict=True):
                skip = skips.pop()
                for patch in self.patches.output_block:
                    h, skip = patch(h, skip, Site(self.step, "output", number))
                h = resnet(torch.cat([h, skip], dim=1), embedding)
                h = self._transformed(attention, h, "output", number)
                number += 1
            for sampler in block.upsamplers or ():
                h = sampler(h, tuple(skips[-1].shape[-2:]))
        return h

    def _input(self, h: Tensor, skips: list[Tensor]) -> Tensor:
        """The end of an input block: its skip connection branches off."""
        number = len(skips)
        h = self._changed(self.patches.input_block, h, number)
        skips.append(h)
        return self._changed(self.patches.input_block_after_skip, h, number)

    def _changed(self, patches: tuple[BlockPatch, ...], h: Tensor, number: int) -> Tensor:
        for patch in patches:
            h = patch(h, Site(self.step, "input", number))
        return h

    def _transformed(self, transformer: Any, h: Tensor, stage: str, number: int) -> Tensor:
        """Through a transformer over the places of the picture."""
        if transformer is None or not hasattr(transformer, "transformer_blocks"):
            return h if transformer is None else transformer(h)
        batch, _, height, width = h.shape
        residual, linear = h, transformer.use_linear_projection
        tokens = transformer.norm(h)
        tokens = tokens if linear else transformer.proj_in(tokens)
        tokens = tokens.permute(0, 2, 3, 1).reshape(batch, height * width, -1)
        tokens = transformer.proj_in(tokens) if linear else tokens
        for index, block in enumerate(transformer.transformer_blocks):
            heads = block.attn1.heads
            site = Site(
                self.step, stage, number, self.transformers, index, heads, tokens.shape[-1] // heads, tuple(h.shape)
            )
            tokens = transformer_block(block, tokens, self.context, self.patches, site)
        self.transformers += 1
        tokens = transformer.proj_out(tokens) if linear else tokens
        tokens = tokens.reshape(batch, height, width, -1).permute(0, 3, 1, 2).contiguous()
        tokens = tokens if linear else transformer.proj_out(tokens)
        return tokens + residual


__all__ = ["run_unet"]
