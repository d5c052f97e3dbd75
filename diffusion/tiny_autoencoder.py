"""Tiny autoencoders (TAESD and its relatives): small enough to show every step.

Source: O. Boer Bohan, madebyollin/taesd (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from diffusion.autoencoder import Autoencoder
from diffusion.errors import UnknownModel
from diffusion.latents import FLUX, SD1, SD3, SDXL, LatentFormat
from diffusion.network import check_finite
from diffusion.placement import default_device, place_autoencoder
from diffusion.tensor_file import open_tensors

FORMATS: dict[str, LatentFormat] = {"taesd": SD1, "taesdxl": SDXL, "taesd3": SD3, "taef1": FLUX}


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(_conv(width, width), nn.ReLU(), _conv(width, width), nn.ReLU(), _conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x) + x)


class _SoftClamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


def _conv(inputs: int, outputs: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, stride=stride, bias=bias)


def _encoder(channels: int, width: int = 64) -> nn.Sequential:
    layers: list[nn.Module] = [_conv(3, width), _Block(width)]
    for _ in range(3):
        layers += [_conv(width, width, stride=2, bias=False), *(_Block(width) for _ in range(3))]
    return nn.Sequential(*layers, _conv(width, channels))


def _decoder(channels: int, width: int = 64) -> nn.Sequential:
    layers: list[nn.Module] = [_SoftClamp(), _conv(channels, width), nn.ReLU()]
    for _ in range(3):
        layers += [*(_Block(width) for _ in range(3)), nn.Upsample(scale_factor=2), _conv(width, width, bias=False)]
    return nn.Sequential(*layers, _Block(width), _conv(width, 3))


class TinyAutoencoder(nn.Module):
    """Both halves, with the tensor names of the published files below `encoder` and `decoder`.

    Args:
        encodes: without it there is only a decoder, which is all that previews need.
    """

    def __init__(self, channels: int, *, encodes: bool = True) -> None:
        super().__init__()
        self.encoder = _encoder(channels) if encodes else None
        self.decoder = _decoder(channels)


@dataclass(frozen=True, slots=True)
class TinyCodec:
    """Works in network space and in 0..1, so latents are scaled on the way in and out."""

    form: LatentFormat
    ratio: int
    channels: int
    decodes_videos: ClassVar[bool] = False

    def encode(self, module: nn.Module, pixels: Tensor) -> Tensor:
        if module.encoder is None:
            raise UnknownModel("This tiny autoencoder was loaded without its encoder, so it only decodes.")
        return self.form.from_network(module.encoder(pixels * 0.5 + 0.5))  # type: ignore[operator]

    def decode(self, module: nn.Module, latent: Tensor) -> Tensor:
        return (module.decoder(self.form.to_network(latent)) - 0.5) * 2  # type: ignore[operator, no-any-return]


def load_tiny_autoencoder(
    encoder: str | Path | None, decoder: str | Path, name: str, *, device: torch.device | str | None = None
) -> Autoencoder:
    """Load the two files of a tiny autoencoder.

    Args:
        encoder: None for an autoencoder that only decodes.
        name: which space it reads: one of `FORMATS`.
    Raises:
        UnknownModel: for an unknown name.
        ModelFileError: if a file is damaged or of another kind.
    """
    if name not in FORMATS:
        raise UnknownModel(f"There is no tiny autoencoder '{name}'. Known: {', '.join(FORMATS)}.")
    paths = {"encoder": encoder, "decoder": decoder}
    files = {half: open_tensors(path) for half, path in paths.items() if path is not None}
    for file in files.values():
        check_finite(file, str(file.path))
    where = place_autoencoder(torch.device(device) if device is not None else default_device())
    form = FORMATS[name]
    weights = {f"{half}.{key}": file[key] for half, file in files.items() for key in file}
    network = where.network(
        lambda: TinyAutoencoder(form.channels, encodes=encoder is not None), weights, str(files["decoder"].path)
    )
    return Autoencoder(network, TinyCodec(form, 8, form.channels))


__all__ = ["FORMATS", "TinyAutoencoder", "load_tiny_autoencoder"]
