"""Tensors of diffusers' and transformers' networks under the names of the original single-file layouts."""

from collections.abc import Mapping

from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModelWithProjection

from diffusion.layouts.autoencoder import autoencoder_table
from diffusion.layouts.renaming import Table, rename, reverse
from diffusion.layouts.unet import Block, unet_table
from diffusion.saving import as_convolutions, open_clip_layout


def original_unet(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """Return the U-Net's tensors under their original names, without the outer prefix."""
    widths, layers = unet.config.block_out_channels, unet.config.layers_per_block
    counts = [layers] * len(widths) if isinstance(layers, int) else list(layers)
    depths = [int(kind.startswith("CrossAttn")) for kind in unet.config.down_block_types]
    stages = [[Block(width, depth)] * count for width, depth, count in zip(widths, depths, counts, strict=True)]
    ups = [[depth] * (count + 1) for depth, count in zip(reversed(depths), reversed(counts), strict=True)]
    return _named(unet.state_dict(), unet_table(stages, list(range(len(widths) - 1)), ups, True, True))


def original_open_clip(encoder: CLIPTextModelWithProjection) -> dict[str, Tensor]:
    """Return a text encoder's tensors under OpenCLIP's names, without the outer prefix."""
    return open_clip_layout({name.removeprefix("text_model."): one for name, one in encoder.state_dict().items()})


def original_autoencoder(vae: AutoencoderKL) -> dict[str, Tensor]:
    """Return the autoencoder's tensors under their original names, without the outer prefix."""
    table = autoencoder_table(len(vae.config.block_out_channels), vae.config.layers_per_block)
    return as_convolutions(_named(vae.state_dict(), table))


def _named(tensors: Mapping[str, Tensor], table: Table) -> dict[str, Tensor]:
    back, result = reverse(table), {}
    for name, tensor in tensors.items():
        original = rename(name, back)
        if original is None:
            raise KeyError(f"tensor '{name}' has no place in the original layout")
        result[original] = tensor
    return result
