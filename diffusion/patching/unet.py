"""A U-Net walked block by block, with patches where they belong.

Computes what the module's own `forward` computes; a test holds both against each other. Blocks are counted as in the
original layout: on the way down the first convolution, each residual block (with its transformer) and each
downsampling is an input block; on the way up each residual block (with its transformer and upsampling) is an output
block.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.patching.attention import transformer_block
from diffusion.patching.record import BlockPatch, ModelPatches, Patching, Site

NO_PATCHES = ModelPatches()


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
    return walked(Walk(module, inputs["context"].to(x), residuals, patching), x, timestep, inputs.get("vector"))


def walked(walk: Walk, x: Tensor, timestep: Tensor, vector: Tensor | None) -> Tensor:
    """Go through a whole network, with the patches around its parts.

    Args:
        vector: what the network is told beside text and time, or None.
    Raises:
        SamplingError: for replaced blocks, which only other networks have.
    """
    module = walk.module
    if walk.patches.blocks:
        (stage, number), *_ = walk.patches.blocks
        raise SamplingError(
            f"This model is a U-Net and has no {stage} number {number}. "
            "Remove the node that replaces it, or use a model with such blocks (SD3, Flux)."
        )
    walk.embed(x, timestep, vector)
    top = walk.first_stage(module.conv_in(x))
    below = partial(walk.below, top)
    for patch in walk.patches.deep:
        below = partial(patch, below, top, walk.step)
    h = walk.last_stage(below())
    if module.conv_norm_out is not None:
        h = module.conv_act(module.conv_norm_out(h))
    out: Tensor = module.conv_out(h)
    return out


def as_labels(vector: Tensor, x: Tensor) -> Tensor:
    """What a network is told beside text and time, as it reads it: numbers in its dtype, labels as they are."""
    return vector.to(x) if vector.is_floating_point() else vector.to(x.device)


class Walk:
    """One pass through the blocks: down to the end of the first stage, through everything below, and up the last.

    Args:
        patching: None for no patches at all.
    """

    def __init__(self, module: Any, context: Tensor, residuals: Any, patching: Patching | None) -> None:
        self.module, self.context = module, context
        self.patches: ModelPatches = NO_PATCHES if patching is None else patching.patches
        self.step: Any = None if patching is None else patching.step  # only patches ask for it
        joined = residuals is not None and residuals.middle is not None
        self._to_skips: list[Tensor] = list(residuals.down) if joined else []
        self._to_middle: Tensor | None = residuals.middle if joined else None
        self._inside: list[Tensor] = [] if residuals is None else list(residuals.inside)  # each used once
        self._skips: list[Tensor] = []
        self._transformers = self._outputs = 0

    def embed(self, x: Tensor, timestep: Tensor, vector: Tensor | None) -> None:
        """Work out what blocks are told of time and labels, [batch, width]."""
        times = self.module.time_proj(timestep.expand(x.shape[0])).to(x.dtype)
        result: Tensor = self.module.time_embedding(times)
        if vector is not None:
            result = result + self._labels(vector, x).to(x.dtype)
        channels = self.module.config.block_out_channels[0]
        for patch in self.patches.embedding:
            result = patch(result, channels, self.step)
        self._embedding = result

    def _labels(self, vector: Tensor, x: Tensor) -> Tensor:
        """What is added to the embedding of time for what the network is told, or 0."""
        table = self.module.class_embedding
        added: Tensor = x.new_zeros(()) if table is None else table(as_labels(vector, x))
        return added

    def first_stage(self, h: Tensor) -> Tensor:
        """Hidden states at the end of the first stage on the way down, before they are made smaller."""
        return self._down(self.module.down_blocks[0], self._input(h))

    def below(self, h: Tensor) -> Tensor:
        """From there through all smaller stages, back up to the size of the first."""
        first, *smaller = self.module.down_blocks
        h = self._narrowed(first, h)
        for block in smaller:
            h = self._narrowed(block, self._down(block, h))
        h = self._middle(h)
        for block in self.module.up_blocks[:-1]:
            h = self._up(block, h)
        return h

    def last_stage(self, h: Tensor) -> Tensor:
        """Hidden states at the top; counts go on as if everything below had been walked."""
        *smaller, last = self.module.up_blocks
        self._outputs = sum(len(block.resnets) for block in smaller)
        before = (*self.module.down_blocks, self.module.mid_block, *smaller)
        self._transformers = sum(len(getattr(block, "attentions", None) or ()) for block in before)
        return self._up(last, h)

    def _down(self, block: Any, h: Tensor) -> Tensor:
        own = getattr(block, "attentions", None)
        for resnet, attention in zip(block.resnets, own or [None] * len(block.resnets), strict=True):
            h = self._resnet(resnet, h)
            h = self._transformed(attention, h, "input", len(self._skips))
            if self._inside and resnet is block.resnets[-1] and (own or not block.downsamplers):
                h = h + self._inside.pop(0)
            h = self._input(h)
        return h

    def _narrowed(self, block: Any, h: Tensor) -> Tensor:
        for sampler in block.downsamplers or ():
            h = sampler(h)
            if self._inside and not getattr(block, "attentions", None):
                h = h + self._inside.pop(0)
            h = self._input(h)
        return h

    def _middle(self, h: Tensor) -> Tensor:
        """Through the block at the bottom (pruned networks have none), with what is added there."""
        block = self.module.mid_block
        if block is not None:
            h = self._resnet(block.resnets[0], h)
            attentions = getattr(block, "attentions", None) or [None] * (len(block.resnets) - 1)
            for attention, resnet in zip(attentions, block.resnets[1:], strict=True):
                h = self._transformed(attention, h, "middle", 0)
                h = self._resnet(resnet, h)
        for added in (*self._inside, *(() if self._to_middle is None else (self._to_middle,))):
            h = h + added
        for patch in self.patches.middle_block:
            h = patch(h, Site(self.step, "middle", 0))
        return h

    def _up(self, block: Any, h: Tensor) -> Tensor:
        attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
        for resnet, attention in zip(block.resnets, attentions, strict=True):
            skip = self._skips.pop()
            for patch in self.patches.output_block:
                h, skip = patch(h, skip, Site(self.step, "output", self._outputs))
            h = self._resnet(resnet, torch.cat([h, skip], dim=1))
            h = self._transformed(attention, h, "output", self._outputs)
            self._outputs += 1
        for sampler in block.upsamplers or ():
            h = sampler(h, tuple(self._skips[-1].shape[-2:]))
        return h

    def _input(self, h: Tensor) -> Tensor:
        """The end of an input block: its skip connection branches off."""
        number = len(self._skips)
        h = self._changed(self.patches.input_block, h, number)
        self._skips.append(h + self._to_skips[number] if self._to_skips else h)
        return self._changed(self.patches.input_block_after_skip, h, number)

    def _changed(self, patches: tuple[BlockPatch, ...], h: Tensor, number: int) -> Tensor:
        for patch in patches:
            h = patch(h, Site(self.step, "input", number))
        return h

    def _transformed(self, transformer: Any, h: Tensor, stage: str, number: int) -> Tensor:
        """Through a transformer over the places of the picture."""
        if transformer is None or not hasattr(transformer, "transformer_blocks"):
            return h if transformer is None else transformer(h)
        out = self._patched(transformer, h, stage, number) if self.patches.in_attention else self._whole(transformer, h)
        self._transformers += 1
        return out

    def _resnet(self, block: Any, h: Tensor) -> Tensor:
        """Through a residual block."""
        out: Tensor = block(h, self._embedding)
        return out

    def _whole(self, transformer: Any, h: Tensor) -> Tensor:
        """Through a transformer that nothing patches."""
        out: Tensor = transformer(h, encoder_hidden_states=self.context, return_dict=False)[0]
        return out

    def _patched(self, transformer: Any, h: Tensor, stage: str, number: int) -> Tensor:
        """Through a transformer, block by block."""
        batch, _, height, width = h.shape
        residual, linear = h, transformer.use_linear_projection
        tokens = transformer.norm(h)
        tokens = tokens if linear else transformer.proj_in(tokens)
        tokens = tokens.permute(0, 2, 3, 1).reshape(batch, height * width, -1)
        tokens = transformer.proj_in(tokens) if linear else tokens
        for index, block in enumerate(transformer.transformer_blocks):
            site = self._site(block, tokens, h, stage, number, index)
            tokens = transformer_block(block, tokens, self.context, self.patches, site)
        tokens = transformer.proj_out(tokens) if linear else tokens
        tokens = tokens.reshape(batch, height, width, -1).permute(0, 3, 1, 2).contiguous()
        tokens = tokens if linear else transformer.proj_out(tokens)
        return tokens + residual

    def _site(self, block: Any, tokens: Tensor, h: Tensor, stage: str, number: int, index: int) -> Site:
        heads, shape = block.attn1.heads, tuple(h.shape)
        return Site(self.step, stage, number, self._transformers, index, heads, tokens.shape[-1] // heads, shape)


__all__ = ["Walk", "as_labels", "run_unet", "walked"]
