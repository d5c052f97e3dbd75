"""Flux: a transformer with double and single stream blocks, trained as a rectified flow.

Source: Black Forest Labs, black-forest-labs/flux (Apache-2.0).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.families.family import Scene, even_sided, to_batch
from diffusion.families.unet import fitted, spread
from diffusion.latents import FLUX, LatentFormat
from diffusion.patching.record import Patching
from diffusion.patching.transformer import replaced_blocks
from diffusion.residuals import of_transformer
from diffusion.resize import resize
from diffusion.text.towers import Encoded

if TYPE_CHECKING:
    from diffusion.network import Network

REFERENCE = "reference"  # begins the names of pictures that an editing model is shown
STYLE = "style"
"""The name of tokens of a picture's style, as wide as the network, that stand before those of the text."""
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
        guidance = options.get("guidance", GUIDANCE)
        if self.guided and guidance is not None:
            result["guidance"] = torch.tensor([float(guidance)])
        extra = _width(scene.network) // 4 - self.latent_format.channels
        if extra > 0:
            result["concat"] = self._joined(options, scene, extra)
        method = options.get("reference_latents_method") or "offset"
        for number, picture in enumerate(options.get("reference_latents") or ()):
            result[f"{REFERENCE} {number} {method}"] = self.latent_format.to_network(picture.float())
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
        height, width = x.shape[-2:]
        if "concat" in inputs:
            x = torch.cat([x, inputs["concat"].to(x)], dim=1)
        tokens, positions = patches(x)
        places = tokens.shape[1]
        for picture, at in _placed(inputs, (height, width)):
            shown, there = patches(picture.to(x), *at)
            tokens, positions = torch.cat([tokens, shown], dim=1), torch.cat([positions, there])
        context, style = inputs["context"].to(x), inputs.get(STYLE)
        shown = 0 if style is None else style.shape[1]
        guidance = inputs["guidance"].to(x) if "guidance" in inputs else None
        with replaced_blocks(module, patching), _told(module, guidance), _styled(module, style):
            out = module(
                hidden_states=tokens,
                encoder_hidden_states=context,
                pooled_projections=inputs["vector"].to(x),
                timestep=timestep.to(x.dtype),
                img_ids=positions,
                txt_ids=torch.zeros(shown + context.shape[1], 3, device=x.device),
                guidance=guidance,
                joint_attention_kwargs=_attention(inputs, x, shown),
                controlnet_block_samples=_added(residuals, 0, module.transformer_blocks, tokens),
                controlnet_single_block_samples=_added(residuals, 1, module.single_transformer_blocks, tokens),
                return_dict=False,
            )[0][:, :places]
        rows, columns = -(-height // 2), -(-width // 2)
        out = out.reshape(x.shape[0], rows, columns, -1, 2, 2).permute(0, 3, 1, 4, 2, 5)
        return out.reshape(x.shape[0], -1, rows * 2, columns * 2)[..., :height, :width]

    def _joined(self, options: Mapping[str, Any], scene: Scene, extra: int) -> Tensor:
        """Channels joined to the latent: a picture (Canny, Depth), and for Fill the mask, a channel for each pixel.

        Source: huggingface/diffusers, `pipeline_flux_control.py` and `pipeline_flux_fill.py` (Apache-2.0).
        """
        noise, channels = scene.noise, self.latent_format.channels
        picture = options.get("concat_latent_image")
        picture = torch.zeros_like(noise) if picture is None else fitted(picture.to(noise), noise)
        picture = self.latent_format.to_network(picture)
        if extra <= channels:
            return picture
        mask = options.get("concat_mask", scene.mask)
        mask = torch.ones_like(noise)[:, :1] if mask is None else mask.reshape(-1, 1, *mask.shape[-2:]).to(noise)
        side = math.isqrt(extra - channels)
        mask = resize(mask, noise.shape[-1] * side, noise.shape[-2] * side, "bilinear", "center")
        return torch.cat([picture, spread(F.pixel_unshuffle(mask, side), noise.shape[0])], dim=1)


def patches(latent: Tensor, number: int = 0, top: int = 0, left: int = 0) -> tuple[Tensor, Tensor]:
    """A latent as tokens of 2×2 cells, and where they are.

    Args:
        number: of the picture; 0 is the one that is made.
        top, left: place of its corner, in latent cells.
    Returns:
        [batch, tokens, 4 channels], [tokens, 3].
    """
    batch, channels, height, width = latent.shape
    rows, columns = -(-height // 2), -(-width // 2)
    tokens = even_sided(latent).reshape(batch, channels, rows, 2, columns, 2).permute(0, 2, 4, 1, 3, 5)
    positions = torch.full((rows, columns, 3), float(number), device=latent.device)
    positions[..., 1] = (torch.arange(rows, device=latent.device) + (top + 1) // 2)[:, None]
    positions[..., 2] = (torch.arange(columns, device=latent.device) + (left + 1) // 2)[None]
    return tokens.reshape(batch, rows * columns, channels * 4), positions.reshape(-1, 3)


def _placed(inputs: Mapping[str, Tensor], size: tuple[int, int]) -> Iterator[tuple[Tensor, tuple[int, int, int]]]:
    """Reference pictures, each with its number, top and left.

    By `offset` all count as one picture, into which each is put below or beside those before, whichever keeps it
    smaller; by `index` each is a picture of its own; `uxo` goes on diagonally from the corner of the one being made.
    Source: Black Forest Labs 2025, arXiv:2506.15742 (Kontext); Wu et al. 2025, arXiv:2504.02160 (UNO).
    """
    below = beside = 0
    for name, picture in inputs.items():
        if not name.startswith(f"{REFERENCE} "):
            continue
        _, number, method = name.split(" ", 2)
        height, width = picture.shape[-2:]
        if method == "index":
            yield picture, (int(number) + 1, 0, 0)
        elif method == "uxo":
            yield picture, (0, -(-size[0] // 2) * 2 + below, -(-size[1] // 2) * 2 + beside)
            below, beside = below + height, beside + width
        else:
            top, left = (0, beside) if height + below > width + beside else (below, 0)
            yield picture, (1, top, left)
            below, beside = max(below, height + top), max(beside, width + left)


def _width(network: Network | None) -> int:
    """Of the tokens that a network reads, as the patches of the run have made it; 0 where there is none."""
    first = None if network is None else getattr(network.module, "x_embedder", None)
    return 0 if first is None else int(first.weight.shape[1])


@contextmanager
def _told(module: Any, guidance: Tensor | None) -> Iterator[None]:
    """Let a network that was trained with a guidance number be told none within the body."""
    times = module.time_text_embed
    if guidance is not None or not hasattr(times, "guidance_embedder"):
        yield
        return

    def without(timestep: Tensor, pooled: Tensor) -> Tensor:
        told: Tensor = times.timestep_embedder(times.time_proj(timestep).to(pooled.dtype))
        return told + times.text_embedder(pooled)

    times.forward = without
    try:
        yield
    finally:
        del times.forward


@contextmanager
def _styled(module: Any, style: Tensor | None) -> Iterator[None]:
    """Let a network read the tokens of a style before those of its text within the body."""
    if style is None:
        yield
        return
    first = module.context_embedder
    plain, own = first.forward, first.__dict__.get("forward")

    def with_style(text: Tensor) -> Tensor:
        read = plain(text)
        return torch.cat([to_batch(style, read.shape[0]).to(read), read], dim=1)

    first.forward = with_style
    try:
        yield
    finally:
        del first.forward
        if own is not None:
            first.forward = own


def _added(residuals: Any, kind: int, blocks: nn.ModuleList, tokens: Tensor) -> list[Tensor] | None:
    """What control networks add after each block of a kind; pictures beside the one that is made get nothing."""
    chain = of_transformer(residuals)
    added = None if chain is None else chain.spread(kind, len(blocks))
    if added is None or added[0].shape[1] == tokens.shape[1]:
        return added
    return [F.pad(one, (0, 0, 0, tokens.shape[1] - one.shape[1])) for one in added]


def _attention(inputs: Mapping[str, Tensor], x: Tensor, shown: int) -> dict[str, Tensor] | None:
    """How much attention is paid to what; a style's tokens, which stand before all others, are seen by all."""
    if "attention_mask" not in inputs:
        return None
    return {"attention_mask": F.pad(inputs["attention_mask"], (shown, 0, shown, 0)).to(x)[:, None]}


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


__all__ = ["GUIDANCE", "STYLE", "FluxFamily", "join_flux", "patches", "sized_mask"]
