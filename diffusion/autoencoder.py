"""Between pictures and latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from diffusion.economy import is_economical
from diffusion.errors import SamplingError
from diffusion.network import Network, Patches
from diffusion.pool import pool_of


class Codec(Protocol):
    """The two directions of an autoencoder's network.

    Attributes:
        decodes_videos: whether a batch is decoded as the frames of one video, instead of each latent by itself.
    """

    ratio: int
    channels: int
    decodes_videos: ClassVar[bool]

    def encode(self, module: nn.Module, pixels: Tensor) -> Tensor:
        """[batch, 3, h, w] in −1..1 → latent."""
        ...

    def decode(self, module: nn.Module, latent: Tensor) -> Tensor:
        """Latent → [batch, 3, h, w] in −1..1."""
        ...


@dataclass(frozen=True, slots=True)
class KlCodec:
    """diffusers' AutoencoderKL; encoding takes the mean of the posterior, so it is deterministic."""

    ratio: int
    channels: int
    decodes_videos: ClassVar[bool] = False

    def encode(self, module: nn.Module, pixels: Tensor) -> Tensor:
        return module.encode(pixels).latent_dist.mean  # type: ignore[operator, no-any-return]

    def decode(self, module: nn.Module, latent: Tensor) -> Tensor:
        return module.decode(latent, return_dict=False)[0]  # type: ignore[operator, no-any-return]


@dataclass(frozen=True, slots=True)
class TemporalCodec:
    """diffusers' AutoencoderKLTemporalDecoder: pictures are encoded one by one, latents decoded as one video."""

    ratio: int
    channels: int
    decodes_videos: ClassVar[bool] = True

    def encode(self, module: nn.Module, pixels: Tensor) -> Tensor:
        return module.encode(pixels).latent_dist.mean  # type: ignore[operator, no-any-return]

    def decode(self, module: nn.Module, latent: Tensor) -> Tensor:
        return module.decode(latent, num_frames=latent.shape[0], return_dict=False)[0]  # type: ignore[operator, no-any-return]


@dataclass(frozen=True, slots=True)
class Autoencoder:
    """An autoencoder as nodes hand it around; never changed in place.

    Attributes:
        network: the shared module and its weights.
        codec: how it is called.
    """

    network: Network
    codec: Codec
    patches: Patches = field(default_factory=Patches)

    @property
    def ratio(self) -> int:
        """Pixels for each latent cell."""
        return self.codec.ratio

    @property
    def channels(self) -> int:
        """Channels of a latent."""
        return self.codec.channels

    def clone(self) -> Autoencoder:
        """A copy that shares the network."""
        return replace(self)

    @torch.inference_mode()
    def encode(self, image: Tensor) -> Tensor:
        """A picture as a latent; in tiles if memory does not suffice for the whole.

        Args:
            image: float32 [batch, h, w, channels] in 0..1; sides are cut, centred, to multiples of the ratio.
        Returns:
            float32 [batch, channels, h / ratio, w / ratio] on the CPU.
        Raises:
            SamplingError: if the picture is smaller than one latent cell.
        """
        if is_economical():
            return self.encode_tiled(image)
        module = self.network.prepare(self.patches)
        pixels = self._pixels(image)
        try:
            return torch.cat([self._encode(module, one) for one in pixels.split(self._batch(pixels))])
        except torch.OutOfMemoryError:
            free_cached()
        return self.encode_tiled(image)

    @torch.inference_mode()
    def decode(self, latent: Tensor) -> Tensor:
        """A latent as a picture; in tiles if memory does not suffice for the whole.

        Args:
            latent: [batch, channels, h, w] in autoencoder space. Where the autoencoder decodes videos, the frames of
                one, decoded in as few groups as memory allows; tiles see them one by one.
        Returns:
            float32 [batch, h · ratio, w · ratio, 3] in 0..1 on the CPU.
        Raises:
            SamplingError: if the latent has another number of channels.
        """
        if latent.shape[1] != self.channels:
            raise SamplingError(
                f"This autoencoder reads latents of {self.channels} channels, the latent has {latent.shape[1]}. "
                "Use the autoencoder of the model that made it."
            )
        if is_economical():
            return self.decode_tiled(latent)
        module = self.network.prepare(self.patches)
        try:
            if self.codec.decodes_videos:
                return _to_image(self._decode_video(module, latent))
            pieces = [self._decode(module, one) for one in latent.split(self._batch(latent, self.ratio))]
            return _to_image(torch.cat(pieces))
        except torch.OutOfMemoryError:
            free_cached()
        return self.decode_tiled(latent)

    @torch.inference_mode()
    def decode_tiled(self, latent: Tensor, tile: tuple[int, int] = (64, 64), overlap: int = 16) -> Tensor:
        """Decode in overlapping tiles, three passes of different shapes averaged.

        Args:
            tile: width and height of a tile in latent cells.
            overlap: in latent cells.
        """
        module = self.network.prepare(self.patches)
        width, height = tile
        shapes = ((width // 2, height * 2), (width * 2, height // 2), (width, height))
        passes = [
            tiled(latent, lambda part: self._decode(module, part), shape, overlap, self.ratio) for shape in shapes
        ]
        return _to_image(sum(passes[1:], passes[0]) / len(passes))

    @torch.inference_mode()
    def encode_tiled(self, image: Tensor, tile: tuple[int, int] = (512, 512), overlap: int = 64) -> Tensor:
        """Encode in overlapping tiles, three passes of different shapes averaged; sizes in pixels."""
        module = self.network.prepare(self.patches)
        pixels = self._pixels(image)
        width, height = tile
        shapes = ((width, height), (width * 2, height // 2), (width // 2, height * 2))
        passes = [
            tiled(pixels, lambda part: self._encode(module, part), shape, overlap, 1 / self.ratio) for shape in shapes
        ]
        return sum(passes[1:], passes[0]) / len(passes)

    def _pixels(self, image: Tensor) -> Tensor:
        ratio = self.ratio
        height, width = image.shape[1] // ratio * ratio, image.shape[2] // ratio * ratio
        if not height or not width:
            raise SamplingError(
                f"A picture of {image.shape[2]}×{image.shape[1]} pixels is too small: "
                f"this autoencoder needs at least {ratio}×{ratio}."
            )
        top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
        cut = image[:, top : top + height, left : left + width, :3]
        return cut.movedim(-1, 1).float() * 2.0 - 1.0

    def _encode(self, module: nn.Module, pixels: Tensor) -> Tensor:
        network = self.network
        return self.codec.encode(module, pixels.to(network.device, network.compute)).float().cpu()

    def _decode(self, module: nn.Module, latent: Tensor) -> Tensor:
        network = self.network
        return self.codec.decode(module, latent.to(network.device, network.compute)).float().cpu()

    def _decode_video(self, module: nn.Module, latent: Tensor) -> Tensor:
        """Frames decoded together, in groups of equal size where memory does not suffice for all."""
        groups = -(-len(latent) // self._frames(module, latent))
        while True:
            try:
                return torch.cat([self._decode(module, one) for one in latent.split(-(-len(latent) // groups))])
            except torch.OutOfMemoryError:
                if groups >= len(latent):
                    raise
                free_cached()
                groups *= 2

    def _frames(self, module: nn.Module, latent: Tensor) -> int:
        """How many frames fit the device's budget.

        At its end the decoder holds a frame's features in full size and double width about four times: as they came,
        normed, activated, and convolved. Measured on a CPU, convolutions take half as much again.
        """
        width = int(module.config["block_out_channels"][0])  # type: ignore[index]
        pixels = latent.shape[-1] * latent.shape[-2] * self.ratio**2
        pool = pool_of(self.network.device)
        room = pool.budget - sum(network.placed_size() for network in pool.networks())
        return max(1, room // (6 * 2 * width * pixels * self.network.compute.itemsize))

    def _batch(self, tensor: Tensor, ratio: int = 1) -> int:
        """Pictures at a time: about four megapixels."""
        pixels = tensor.shape[-1] * tensor.shape[-2] * ratio * ratio
        return max(1, 4 * 1024 * 1024 // max(1, pixels))


def free_cached() -> None:
    """Let the device's allocator give back what it keeps for later."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def tiled(x: Tensor, run: Callable[[Tensor], Tensor], tile: tuple[int, int], overlap: int, scale: float) -> Tensor:
    """Run a function over overlapping tiles and blend the results with linear ramps.

    Args:
        x: [batch, channels, h, w].
        run: tile → tile, `scale` times as large.
        tile: width and height.
        overlap: in input cells.
    """
    width, height = tile
    pieces = []
    for sample in x.split(1):
        if sample.shape[-2] <= height and sample.shape[-1] <= width:
            pieces.append(run(sample))
            continue
        rows, columns = (_starts(sample.shape[-2], height, overlap), _starts(sample.shape[-1], width, overlap))
        total = weights = None
        for top in rows:
            for left in columns:
                out = run(sample[..., top : top + height, left : left + width])
                if total is None:
                    size = (round(sample.shape[-2] * scale), round(sample.shape[-1] * scale))
                    total, weights = out.new_zeros((1, out.shape[1], *size)), out.new_zeros((1, 1, *size))
                weight = _ramps(out.shape[-2:], round(overlap * scale))
                y, x0 = round(top * scale), round(left * scale)
                total[..., y : y + out.shape[-2], x0 : x0 + out.shape[-1]] += out * weight
                weights[..., y : y + out.shape[-2], x0 : x0 + out.shape[-1]] += weight
        assert total is not None and weights is not None
        pieces.append(total / weights)
    return torch.cat(pieces)


def _starts(size: int, tile: int, overlap: int) -> list[int]:
    if size <= tile:
        return [0]
    return [max(0, min(size - overlap, start)) for start in range(0, size - overlap, max(1, tile - overlap))]


def _ramps(size: torch.Size, feather: int) -> Tensor:
    """Weights that rise linearly from every edge."""
    weight = torch.ones(1, 1, *size)
    for axis in (2, 3):
        if feather >= weight.shape[axis]:
            continue
        for step in range(feather):
            share = (step + 1) / feather
            weight.narrow(axis, step, 1).mul_(share)
            weight.narrow(axis, weight.shape[axis] - 1 - step, 1).mul_(share)
    return weight


def _to_image(pixels: Tensor) -> Tensor:
    return ((pixels + 1.0) / 2.0).clamp(0.0, 1.0).movedim(1, -1).contiguous()


__all__ = ["Autoencoder", "Codec", "KlCodec", "TemporalCodec", "free_cached", "tiled"]
