"""Flux: a transformer with double and single stream blocks, trained as a rectified flow.

Source: Black Forest Labs, black-forest-labs/flux (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.families.family import Scene
from diffusion.latents import FLUX, LatentFormat
from diffusion.patching.record import Patching
from diffusion.patching.transformer import replaced_blocks
from diffusion.text.towers import Encoded

GUIDANCE = 3.5  # what the distilled model is told unless a conditioning says otherwise


@dataclass(frozen=True, slots=True)
class FluxFamily:
    """Image tokens are 2×2 patches of the latent; positions are rotary.

    Attributes:
        guided: whether the network is told a guidance number (dev) or not (schnell).
    """

    guided: bool
    name: str = "flux"
    repeats_context: ClassVar[bool] = False
    latent_format: LatentFormat = FLUX

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        pooled = options.get("pooled_output")
        result = {"context": embedding, "vector": torch.zeros(1, 768) if pooled is None else pooled.float()}
        if self.guided:
            result["guidance"] = torch.tensor([float(options.get("guidance", GUIDANCE))])
        if options.get("attention_mask") is not None:
            places = (-(-scene.noise.shape[-2] // 2), -(-scene.noise.shape[-1] // 2))
            result["attention_mask"] = sized_mask(
                options["attention_mask"], options.get("attention_mask_img_shape", (1, 1)), places
            )
        return result

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        batch, channels, height, width = x.shape
        padded = F.pad(x, (0, width % 2, 0, height % 2), mode="circular") if height % 2 or width % 2 else x
        rows, columns = padded.shape[-2] // 2, padded.shape[-1] // 2
        tokens = padded.reshape(batch, channels, rows, 2, columns, 2).permute(0, 2, 4, 1, 3, 5)
        positions = torch.zeros(rows, columns, 3, device=x.device)
        positions[..., 1] += torch.arange(rows, device=x.device)[:, None]
        positions[..., 2] += torch.arange(columns, device=x.device)[None]
        context = inputs["context"].to(x)
        with replaced_blocks(module, patching):
            out = module(
                hidden_states=tokens.reshape(batch, rows * columns, channels * 4),
                encoder_hidden_states=context,
                pooled_projections=inputs["vector"].to(x),
                timestep=timestep.to(x.dtype),
                img_ids=positions.reshape(-1, 3),
                txt_ids=torch.zeros(context.shape[1], 3, device=x.device),
                guidance=inputs["guidance"].to(x) if "guidance" in inputs else None,
                joint_attention_kwargs=_attention(inputs, x),
                return_dict=False,
            )[0]
        out = out.reshape(batch, rows, columns, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
        return out.reshape(batch, channels, rows * 2, columns * 2)[..., :height, :width]


def _attention(inputs: Mapping[str, Tensor], x: Tensor) -> dict[str, Tensor] | None:
    return {"attention_mask": inputs["attention_mask"].to(x)[:, None]} if "attention_mask" in inputs else None


def sized_mask(mask: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """An attention mask for pictures of another size.

    Args:
        mask: [batch, tokens, tokens], added to the scores; text first, then the picture's places.
        old, new: rows and columns of places.
    """
    if tuple(old) == tuple(new):
        return mask
    text = mask.shape[1] - old[0] * old[1]
    for axis in (1, 2):
        last = mask.float().movedim(axis, -1)
        places = last[..., text:].unflatten(-1, tuple(old))
        # a single place is repeated: interpolating would make -inf into NaN
        places = places.expand(*places.shape[:-2], *new) if tuple(old) == (1, 1) else _resized(places, new)
        mask = torch.cat([last[..., :text], places.flatten(-2)], dim=-1).movedim(-1, axis)
    return mask


def _resized(places: Tensor, new: tuple[int, int]) -> Tensor:
    return F.interpolate(places, size=new, mode="bilinear")


def join_flux(encoded: Mapping[str, Encoded]) -> tuple[Tensor, Tensor | None]:
    """T5's tokens; CLIP gives the pooled vector."""
    return encoded["t5xxl"].features, encoded["l"].pooled


__all__ = ["GUIDANCE", "FluxFamily", "join_flux", "sized_mask"]
