"""Blocks of a transformer (SD3, Flux) replaced for the time of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.patching.record import BlockReplacement, Patching, Site

_LISTS = {"double_block": "transformer_blocks", "single_block": "single_transformer_blocks"}


@contextmanager
def replaced_blocks(module: Any, patching: Patching | None) -> Iterator[None]:
    """Let replacements stand for the blocks of a network within the body.

    Args:
        module: diffusers' transformer; its blocks take and give image and text tokens.
    Raises:
        SamplingError: for a block that the network lacks, and for patches that only a U-Net has places for.
    """
    if patching is None:
        yield
        return
    if patching.patches.in_unet:
        raise SamplingError(
            f"This model is a {type(module).__name__}; the patches on it are made for a U-Net (SD1, SD2, SDXL). "
            "Remove the node that patches the model, or use a model with a U-Net."
        )
    changed: list[tuple[Any, Any]] = []
    try:
        for (stage, number), replacement in patching.patches.blocks.items():
            block = _block(module, stage, number)
            changed.append((block, block.__dict__.get("forward")))  # a compiled block has one of its own
            block.forward = _replaced(block.forward, replacement, Site(patching.step, stage, number))
        yield
    finally:
        for block, before in reversed(changed):
            block.__dict__.pop("forward", None)
            if before is not None:
                block.forward = before


def _block(module: Any, stage: str, number: int) -> Any:
    blocks = getattr(module, _LISTS.get(stage, ""), None)
    if blocks is None or number >= len(blocks):
        raise SamplingError(
            f"{type(module).__name__} has no {stage} number {number} "
            f"(it has {0 if blocks is None else len(blocks)}). Name other blocks in the node that replaces it."
        )
    return blocks[number]


def _replaced(original: Callable[..., Any], replacement: BlockReplacement, site: Site) -> Callable[..., Any]:
    def forward(hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, *args: Any, **rest: Any) -> Any:
        def call(image: Tensor, text: Tensor | None) -> tuple[Tensor, Tensor | None]:
            text_out, image_out = original(image, text, *args, **rest)
            return image_out, text_out

        image, text = replacement(hidden_states, encoder_hidden_states, call, site)
        return text, image

    return forward


__all__ = ["replaced_blocks"]
