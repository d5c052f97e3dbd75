"""Networks that enlarge pictures: the ESRGAN family here, others through spandrel where it is installed.

Source: Wang et al. 2018, arXiv:1809.00219 (ESRGAN); Wang et al. 2021, arXiv:2107.10833 (Real-ESRGAN and its compact
network); chaiNNer-org/spandrel (MIT).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.autoencoder import free_cached, tiled
from diffusion.errors import ModelFileError, UnknownModel
from diffusion.network import Network, check_finite, empty, grouped
from diffusion.placement import default_device
from diffusion.tensor_file import TensorFile, open_tensors

TILE, OVERLAP, SMALLEST_TILE = 512, 32, 128  # pixels of the input


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class _Dense(nn.Module):
    """Five convolutions, each given everything before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for index in range(1, 5):
            self.add_module(f"conv{index}", _conv(width + (index - 1) * growth, growth))
        self.conv5 = _conv(width + 4 * growth, width)

    def forward(self, x: Tensor) -> Tensor:
        parts = x
        for index in range(1, 5):
            parts = torch.cat([parts, F.leaky_relu(getattr(self, f"conv{index}")(parts), 0.2)], dim=1)
        return self.conv5(parts) * 0.2 + x


class _DenseBlock(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for index in range(1, 4):
            self.add_module(f"rdb{index}", _Dense(width, growth))

    def forward(self, x: Tensor) -> Tensor:
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class ResidualDenseNetwork(nn.Module):
    """ESRGAN's generator under Real-ESRGAN's names.

    Args:
        unshuffle: the picture is folded by this factor first; its sides must be multiples of it.
        doublings: how often the features are enlarged by two.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, growth: int, blocks: int, doublings: int, unshuffle: int
    ) -> None:
        super().__init__()
        self.unshuffle, self.doublings = unshuffle, doublings
        self.conv_first = _conv(inputs, width)
        self.body = nn.Sequential(*(_DenseBlock(width, growth) for _ in range(blocks)))
        self.conv_body = _conv(width, width)
        for index in range(1, doublings + 1):
            self.add_module(f"conv_up{index}", _conv(width, width))
        self.conv_hr, self.conv_last = _conv(width, width), _conv(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.unshuffle > 1:
            x = F.pixel_unshuffle(x, self.unshuffle)
        features = self.conv_first(x)
        features = features + self.conv_body(self.body(features))
        for index in range(1, self.doublings + 1):
            enlarged = F.interpolate(features, scale_factor=2, mode="nearest")
            features = F.leaky_relu(getattr(self, f"conv_up{index}")(enlarged), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(features), 0.2))


class CompactNetwork(nn.Module):
    """Real-ESRGAN's compact network: plain convolutions, then pixel shuffle, added to the enlarged picture."""

    def __init__(self, width: int, layers: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        body: list[nn.Module] = [_conv(3, width), nn.PReLU(width)]
        for _ in range(layers):
            body += [_conv(width, width), nn.PReLU(width)]
        self.body = nn.ModuleList([*body, _conv(width, 3 * scale * scale)])

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for layer in self.body:
            out = layer(out)
        return F.pixel_shuffle(out, self.scale) + F.interpolate(x, scale_factor=self.scale, mode="nearest")


@dataclass(frozen=True, slots=True)
class UpscaleModel:
    """A network that enlarges pictures; what travels on UPSCALE_MODEL wires.

    Attributes:
        network: the network with its weights.
        scale: by what factor it enlarges.
        least: smallest side that it reads, in pixels.
        multiple: what sides must be multiples of.
    """

    network: Network
    scale: int
    least: int = 1
    multiple: int = 1

    @property
    def model(self) -> nn.Module:
        """The module itself, ready to be called."""
        return self.network.prepare()

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Tensor:
        """Enlarge [batch, 3, h, w] in 0..1; the result is, too.

        Sides that do not suit the network are continued by mirroring for it.
        """
        network, (height, width) = self.network, picture.shape[-2:]
        fitted = _continued(picture, *(self._suitable(side) for side in (height, width)))
        out: Tensor = network.prepare()(fitted.to(network.device, network.compute))
        out = out[..., : height * self.scale, : width * self.scale]
        return out.to(picture.device, torch.float32).clamp(0.0, 1.0)

    def _suitable(self, side: int) -> int:
        return -(-max(side, self.least) // self.multiple) * self.multiple


def _continued(picture: Tensor, height: int, width: int) -> Tensor:
    """A picture made larger to the right and below: mirrored at its border, then as its last pixels."""
    wanted = (width - picture.shape[-1], height - picture.shape[-2])
    mirrored = [min(more, side - 1) for more, side in zip(wanted, picture.shape[:-3:-1], strict=True)]
    picture = F.pad(picture, (0, mirrored[0], 0, mirrored[1]), mode="reflect")
    return F.pad(picture, (0, wanted[0] - mirrored[0], 0, wanted[1] - mirrored[1]), mode="replicate")


def enlarge(model: UpscaleModel, image: Tensor, tile: int = TILE) -> Tensor:
    """Enlarge a picture in overlapping tiles, which are halved as long as memory does not suffice.

    Args:
        image: float32 [batch, h, w, 3] in 0..1.
    Returns:
        float32 [batch, h · scale, w · scale, 3] in 0..1 on the CPU.
    Raises:
        torch.OutOfMemoryError: if not even the smallest tile fits.
    """
    picture = image[..., :3].movedim(-1, 1).float()
    while True:
        try:
            out = tiled(picture, lambda part: model(part).cpu(), (tile, tile), OVERLAP, model.scale)
            return out.movedim(1, -1).contiguous()
        except torch.OutOfMemoryError:
            tile //= 2
            if tile < SMALLEST_TILE:
                raise
            free_cached()


def load_upscaler(path: str | Path, *, device: torch.device | str | None = None) -> UpscaleModel:
    """Load a network that enlarges pictures, recognised by its tensor names.

    Raises:
        ModelFileError: if the file is damaged or incomplete, or its architecture needs spandrel, which is missing.
    """
    file = open_tensors(path)
    check_finite(file, str(file.path))
    where = torch.device(device) if device is not None else default_device()
    tensors = {name.removeprefix("module."): file[name] for name in file}
    if "model.0.weight" in tensors and any(".RDB1." in name for name in tensors):
        tensors = _modern_names(tensors)
    if "conv_first.weight" in tensors and "body.0.rdb1.conv1.weight" in tensors:
        return _dense_upscaler(tensors, str(file.path), where)
    if "body.0.weight" in tensors and "body.1.weight" in tensors and tensors["body.1.weight"].ndim == 1:
        return _compact_upscaler(tensors, str(file.path), where)
    return _foreign_upscaler(file, where)


def _dense_upscaler(tensors: Mapping[str, Tensor], source: str, device: torch.device) -> UpscaleModel:
    width, inputs = tensors["conv_first.weight"].shape[:2]
    outputs = tensors["conv_last.weight"].shape[0] if "conv_last.weight" in tensors else 3
    doublings = sum(1 for name in tensors if re.fullmatch(r"conv_up\d+\.weight", name))
    blocks = max((int(m[1]) + 1 for name in tensors if (m := re.match(r"body\.(\d+)\.", name))), default=0)
    fold = {1: 1, 4: 2, 16: 4}.get(inputs // max(1, outputs), 1)
    growth = tensors["body.0.rdb1.conv1.weight"].shape[0]
    module = empty(lambda: ResidualDenseNetwork(inputs, outputs, width, growth, blocks, doublings, fold), source)
    network, folds = _network(module, tensors, device, source), fold > 1
    return UpscaleModel(network, 2**doublings // fold, least=2, multiple=4 if folds else 1)


def _compact_upscaler(tensors: Mapping[str, Tensor], source: str, device: torch.device) -> UpscaleModel:
    last = max(int(name.split(".")[1]) for name in tensors if name.startswith("body."))
    width = tensors["body.0.weight"].shape[0]
    scale = round((tensors[f"body.{last}.weight"].shape[0] / 3) ** 0.5)
    module = empty(lambda: CompactNetwork(width, (last - 2) // 2, scale), source)
    return UpscaleModel(_network(module, tensors, device, source), scale)


def _network(module: nn.Module, tensors: Mapping[str, Tensor], device: torch.device, source: str) -> Network:
    half = device.type == "cuda"
    dtype = torch.float16 if half else torch.float32
    return Network(module, tensors, device=device, storage=dtype, compute=dtype, source=source)


def _modern_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ESRGAN's first names (`model.1.sub.N.RDB1.conv1.0`) as those of Real-ESRGAN."""
    trunk = max(int(m[1]) for n in tensors if (m := re.match(r"model\.1\.sub\.(\d+)\.", n)))
    outer = sorted({int(m[1]) for n in tensors if (m := re.fullmatch(r"model\.(\d+)\.weight", n))} - {0})
    table = {"model.0": "conv_first", f"model.1.sub.{trunk}": "conv_body"}
    table.update({f"model.{number}": f"conv_up{i}" for i, number in enumerate(outer[:-2], start=1)})
    table.update({f"model.{outer[-2]}": "conv_hr", f"model.{outer[-1]}": "conv_last"} if len(outer) > 1 else {})
    result = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(weight|bias)", name)
        if match:
            result[f"body.{match[1]}.rdb{match[2]}.conv{match[3]}.{match[4]}"] = tensor
            continue
        layer, _, kind = name.rpartition(".")
        result[f"{table[layer]}.{kind}" if layer in table else name] = tensor
    return result


def _foreign_upscaler(file: TensorFile, device: torch.device) -> UpscaleModel:
    """Whatever spandrel knows."""
    try:
        import spandrel
    except (ImportError, RuntimeError) as error:
        raise UnknownModel(
            f"'{file.path}' is no ESRGAN (its tensors: {grouped(sorted(file), 3)}). Other networks that enlarge "
            f"pictures are read by the package spandrel, which cannot be used here: {error}."
        ) from error
    tensors = {name: file[name] for name in file}
    try:
        descriptor: Any = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(tensors))
    except Exception as error:  # spandrel raises what its architectures raise
        raise ModelFileError(
            f"'{file.path}' is of no kind that spandrel {spandrel.__version__} knows: {error}."
        ) from error
    if not isinstance(descriptor, spandrel.ImageModelDescriptor) or descriptor.input_channels != 3:
        raise ModelFileError(f"'{file.path}' does not enlarge colour pictures. Choose another model.")
    module = descriptor.model
    network = Network(
        module, module.state_dict(), device=device, storage=torch.float32, compute=torch.float32, source=str(file.path)
    )
    wants = descriptor.size_requirements
    return UpscaleModel(network, int(descriptor.scale), max(1, wants.minimum), wants.multiple_of)


__all__ = ["CompactNetwork", "ResidualDenseNetwork", "UpscaleModel", "enlarge", "load_upscaler"]
