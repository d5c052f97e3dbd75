"""Stable Diffusion 1 and 2: a U-Net with text through cross-attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from diffusion.families.family import Scene
from diffusion.latents import LatentFormat
from diffusion.patching.record import Patching
from diffusion.patching.unet import as_labels, run_unet
from diffusion.residuals import of_unet
from diffusion.resize import resize


@dataclass(frozen=True, slots=True)
class UNetFamily:
    """A U-Net of the original layout.

    Attributes:
        channels_in: of the network; more than the latent's means extra channels are joined to it: 5 a depth map,
            8 a picture to edit, 9 an inpainting mask and picture.
        context: width of the text embedding.
        scales_picture: whether a picture to edit is seen in network space, as the latent is; most see it unscaled.
    """

    name: str
    repeats_context: ClassVar[bool] = True
    latent_format: LatentFormat
    channels_in: int
    context: int
    scales_picture: bool = False

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        result = {"context": embedding}
        if options.get("cross_attn_controlnet") is not None:
            result["control_context"] = options["cross_attn_controlnet"]
        extra = self.channels_in - self.latent_format.channels
        if extra > 0:
            result["concat"] = self._joined(options, scene, extra)
        return result

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        added = of_unet(residuals)
        if "concat" in inputs:
            x = torch.cat([x, inputs["concat"].to(x)], dim=1)
        if patching is not None and (patching.patches.in_unet or patching.patches.blocks):
            return run_unet(module, x, timestep, inputs, added, patching)
        arguments: dict[str, Any] = {}
        if "vector" in inputs:
            arguments["class_labels"] = as_labels(inputs["vector"], x)
        if added is not None:
            if added.middle is not None:
                arguments["down_block_additional_residuals"] = added.down
                arguments["mid_block_additional_residual"] = added.middle
            if added.inside:
                arguments["down_intrablock_additional_residuals"] = list(added.inside)
        return module(x, timestep, encoder_hidden_states=inputs["context"].to(x), return_dict=False, **arguments)[0]

    def _joined(self, options: Mapping[str, Any], scene: Scene, extra: int) -> Tensor:
        """Channels joined to the latent: mask first, then the picture it was cut out of.

        Models that edit a picture see its latent as the autoencoder gave it, unscaled, if they were trained so.
        """
        noise, channels = scene.noise, self.latent_format.channels
        picture = options.get("concat_latent_image")
        if extra == channels:
            seen = torch.zeros_like(noise) if picture is None else fitted(picture.to(noise), noise)
            return self.latent_format.to_network(seen) if self.scales_picture else seen
        mask = options.get("concat_mask", scene.mask)
        if mask is None:
            blank = torch.ones_like(noise)[:, :1]
            return blank if extra == 1 else torch.cat([blank, _grey(noise)], dim=1)
        mask = mask[:, :1] if mask.ndim == noise.ndim else mask.reshape(-1, 1, *mask.shape[-2:])
        mask = fitted(mask.to(noise), noise).round()
        if extra == 1:
            return mask
        if picture is not None:
            picture = self.latent_format.to_network(picture)
        else:
            picture = scene.latent if scene.latent is not None else torch.zeros_like(noise)
        return torch.cat([mask, fitted(picture.to(noise), noise)], dim=1)


def fitted(picture: Tensor, noise: Tensor) -> Tensor:
    """Pictures of the size and number of a run's latents [batch, channels, h, w]."""
    return spread(sized(picture, noise), noise.shape[0])


def sized(picture: Tensor, noise: Tensor) -> Tensor:
    """Pictures of the size of a run's latents; what is too wide or too high is cut off at both sides."""
    if picture.shape[-2:] == noise.shape[-2:]:
        return picture
    return resize(picture, noise.shape[-1], noise.shape[-2], "bilinear", "center")


def spread(pictures: Tensor, count: int) -> Tensor:
    """Exactly `count` of a batch: neighbours are repeated, or members at even distances are kept."""
    have = pictures.shape[0]
    if have == count:
        return pictures
    if count == 1:
        return pictures[:1]
    if have < count:
        places = [int((index + 0.5) * have / count) for index in range(count)]
    else:
        places = [round(index * (have - 1) / (count - 1)) for index in range(count)]
    return pictures[places]


def _grey(noise: Tensor) -> Tensor:
    """Network-space latent of an even grey picture: what a wholly masked image looks like to SD1 inpainting."""
    values = torch.tensor([0.8223, -0.6876, 0.6364, 0.1380], device=noise.device, dtype=noise.dtype)
    return values.view(1, 4, 1, 1).expand(noise.shape[0], 4, *noise.shape[-2:])


__all__ = ["UNetFamily", "fitted", "sized", "spread"]
