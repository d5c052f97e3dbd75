"""T2I-Adapters: small networks that turn a picture into features added inside a U-Net, once for a whole run.

Source: Mou et al. 2023, arXiv:2302.08453; TencentARC/T2I-Adapter (Apache-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.control import ControlNet, unhinted
from diffusion.placement import place
from diffusion.residuals import Added, Residuals, joined
from diffusion.resize import resize
from diffusion.sampling.conditioning import within
from diffusion.sampling.prediction import Prediction
from diffusion.tensor_file import TensorFile


@dataclass(frozen=True, slots=True)
class PictureAdapter(ControlNet):
    """A T2I-Adapter, handed around and chained like a control network.

    Attributes:
        fold: pixels that its first layer folds into one; pictures are resized to multiples of it.
        channels: of the picture; 1 takes the mean of the colours.
    """

    fold: int = 8
    channels: int = 3

    def prepared(self, prediction: Prediction, noise: Tensor) -> ActiveAdapter:  # type: ignore[override]
        """The chain, ready for a run."""
        if self.hint is None:
            raise unhinted()
        return ActiveAdapter(
            self, self.network.prepare(),
            (prediction.percent_to_sigma(self.start), prediction.percent_to_sigma(self.end)),
            None if self.previous is None else self.previous.prepared(prediction, noise),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ActiveAdapter:
    """A T2I-Adapter during a run; its features are computed once for each size of latent."""

    control: PictureAdapter
    module: nn.Module
    sigmas: tuple[float, float]
    previous: Any
    _features: dict[tuple[int, ...], tuple[Tensor, ...]] = field(default_factory=dict)

    def residuals(
        self, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], sigma: float, roles: tuple[int, ...]
    ) -> Added | None:
        """What the chain adds at a noise level; None if nothing is active."""
        before = None if self.previous is None else self.previous.residuals(x, timestep, inputs, sigma, roles)
        start, end = self.sigmas
        if not within(sigma, start, end):
            return before
        key = (*x.shape, len(roles))
        if key not in self._features:
            self._features[key] = self._read(x, len(roles))
        return joined(before, Residuals((), None, self._features[key]))

    def _read(self, x: Tensor, groups: int) -> tuple[Tensor, ...]:
        control = self.control
        assert control.hint is not None
        height, width = (-(-side * control.ratio // control.fold) * control.fold for side in x.shape[-2:])
        hint = resize(control.hint, width, height, "nearest-exact", "center")
        hint = hint.mean(dim=1, keepdim=True) if control.channels == 1 else hint
        features = self.module(hint.to(x.device, control.network.compute))
        each = x.shape[0] // groups
        result = []
        for feature in features:
            feature = feature[:each].repeat(-(-each // min(each, feature.shape[0])), 1, 1, 1)[:each]
            result.append(feature.to(x.dtype).repeat(groups, 1, 1, 1) * control.strength)
        return tuple(result)


def is_adapter(names: Mapping[str, Any]) -> bool:
    """Whether tensor names are those of a T2I-Adapter."""
    return any(
        re.fullmatch(r"(adapter\.)?body\.0\.(in_conv|block1|resnets\.0\.block1)\.weight", name) for name in names
    )


def adapter_of(file: TensorFile, device: torch.device) -> PictureAdapter:
    """A T2I-Adapter out of a file, in the original layout or that of diffusers.

    Raises:
        ModelFileError: if the file is incomplete.
    """
    from diffusers import T2IAdapter

    weights = {name if name.startswith("adapter.") else _renamed(name, file): file[name] for name in file}
    light = "adapter.conv_in.weight" not in weights
    first = weights["adapter.body.0.in_conv.weight" if light else "adapter.conv_in.weight"].shape[1]
    fold = 16 if first in (256, 768) else 8
    levels = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("adapter.body."))
    layers = 1 + max(int(m[1]) for name in weights if (m := re.match(r"adapter\.body\.0\.resnets\.(\d+)\.", name)))
    widths = [
        weights[f"adapter.body.{i}.{'out_conv' if light else 'resnets.0.block2'}.weight"].shape[0]
        for i in range(levels)
    ]
    kind = "light_adapter" if light else ("full_adapter_xl" if fold == 16 else "full_adapter")
    channels = first // fold**2
    widths = widths[:-1] if light else widths  # diffusers repeats the last width of light adapters itself
    where = place(weights, device)
    network = where.network(
        lambda: T2IAdapter(
            in_channels=channels, channels=widths, num_res_blocks=layers, downscale_factor=fold, adapter_type=kind
        ),
        weights,
        str(file.path),
    )
    return PictureAdapter(network, fold=fold, channels=channels)


def _renamed(name: str, file: Mapping[str, Any]) -> str:
    """A tensor's name in diffusers' layout; the original one counts blocks through all levels."""
    nested = "body.0.body.0.block1.weight" in file
    if nested or not name.startswith("body."):
        return "adapter." + name.replace(".body.", ".resnets.")
    _, number, rest = name.split(".", 2)
    level, layer = divmod(int(number), 2)
    return f"adapter.body.{level}.{rest if rest.startswith('in_conv') else f'resnets.{layer}.{rest}'}"


__all__ = ["ActiveAdapter", "PictureAdapter", "adapter_of", "is_adapter"]
