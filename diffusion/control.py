"""Control networks: a second network that adds to the U-Net's inner states.

Source: Zhang et al. 2023, arXiv:2302.05543 (ControlNet).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from diffusion.errors import ModelFileError, UnknownModel
from diffusion.layouts.control import read_control
from diffusion.layouts.renaming import renamed
from diffusion.network import Network, check_finite, empty
from diffusion.placement import default_device, place
from diffusion.resize import resize
from diffusion.sampling.conditioning import within
from diffusion.sampling.prediction import Prediction
from diffusion.tensor_file import open_tensors


class Residuals(NamedTuple):
    """What is added to the U-Net: to each skip connection, to the middle, and inside each stage of the input side."""

    down: tuple[Tensor, ...]
    middle: Tensor | None
    inside: tuple[Tensor, ...] = ()


def joined(first: Residuals | None, second: Residuals) -> Residuals:
    """The sum of what two networks add."""
    if first is None:
        return second
    middle = second.middle if first.middle is None else first.middle
    if first.middle is not None and second.middle is not None:
        middle = first.middle + second.middle
    return Residuals(_sum(first.down, second.down), middle, _sum(first.inside, second.inside))


def _sum(first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if not first or not second:
        return first or second
    return tuple(a + b for a, b in zip(first, second, strict=True))


def unhinted() -> UnknownModel:
    """The error of a control network that was never given a picture."""
    return UnknownModel("A control network was used without a picture. Apply it with ControlNetApply.")


@dataclass(frozen=True, slots=True)
class ControlNet:
    """A control network as nodes hand it around; never changed in place.

    Attributes:
        network: the shared module and its weights.
        hint: picture [batch, 3, h, w] in 0..1 that steers it, once applied.
        strength: what its additions are multiplied by.
        start, end: share of the schedule in which it is active.
        previous: networks applied before; their additions are summed.
        ratio: pixels for each latent cell.
    """

    network: Network
    hint: Tensor | None = None
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    previous: ControlNet | None = None
    ratio: int = 8

    def copy(self) -> ControlNet:
        """The network without a hint."""
        return ControlNet(self.network, ratio=self.ratio)

    def applied(
        self, hint: Tensor, strength: float, start: float = 0.0, end: float = 1.0, previous: ControlNet | None = None
    ) -> ControlNet:
        """The network steered by a picture.

        Args:
            hint: [batch, 3, h, w] in 0..1.
        """
        return replace(self, hint=hint, strength=strength, start=start, end=end, previous=previous)

    def prepared(self, prediction: Prediction, noise: Tensor) -> ActiveControl:
        """The chain, ready for a run."""
        if self.hint is None:
            raise unhinted()
        return ActiveControl(
            self,
            self.network.prepare(),
            (prediction.percent_to_sigma(self.start), prediction.percent_to_sigma(self.end)),
            None if self.previous is None else self.previous.prepared(prediction, noise),
        )


@dataclass(frozen=True, slots=True)
class ActiveControl:
    """A chain of control networks during a run."""

    control: ControlNet
    module: nn.Module
    sigmas: tuple[float, float]
    previous: ActiveControl | None
    _hints: dict[tuple[int, ...], Tensor] = field(default_factory=dict)

    def residuals(
        self, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], sigma: float, groups: int
    ) -> Residuals | None:
        """What the chain adds at a noise level; None if no network is active.

        Args:
            x: the U-Net's scaled input.
            groups: how many conditionings were joined to this batch.
        """
        before = None if self.previous is None else self.previous.residuals(x, timestep, inputs, sigma, groups)
        start, end = self.sigmas
        if not within(sigma, start, end):
            return before
        compute = self.control.network.compute
        arguments: dict[str, Any] = {}
        if "vector" in inputs and getattr(self.module, "class_embedding", None) is not None:
            arguments["class_labels"] = inputs["vector"].to(x.device, compute)
        down, middle = self.module(
            x.to(compute), timestep,
            encoder_hidden_states=inputs.get("control_context", inputs["context"]).to(x.device, compute),
            controlnet_cond=self._hint(x, groups).to(compute),
            return_dict=False, **arguments,
        )  # fmt: skip
        scale = self.control.strength
        down, middle = tuple(one.to(x.dtype) * scale for one in down), middle.to(x.dtype) * scale
        return joined(before, Residuals(down, middle))

    def _hint(self, x: Tensor, groups: int) -> Tensor:
        key = (*x.shape, groups)
        if key not in self._hints:
            hint, ratio = self.control.hint, self.control.ratio
            assert hint is not None
            hint = resize(hint, x.shape[-1] * ratio, x.shape[-2] * ratio, "nearest-exact", "center").to(x.device)
            each = x.shape[0] // groups
            hint = hint[:each].repeat(-(-each // min(each, hint.shape[0])), 1, 1, 1)[:each]
            self._hints[key] = hint.repeat(groups, 1, 1, 1)
        return self._hints[key]


def load_control(
    path: str | Path, *, device: torch.device | str | None = None, base: Network | None = None
) -> ControlNet:
    """Load a ControlNet of a U-Net family or a T2I-Adapter, in the original or the diffusers layout.

    Args:
        base: the U-Net that a file of differences is added to.
    Raises:
        ModelFileError: if the file is damaged, incomplete or of another kind.
    """
    from diffusers import ControlNetModel

    from diffusion.picture_adapter import adapter_of, is_adapter

    file = open_tensors(path)
    check_finite(file, str(file.path))
    home = torch.device(device) if device is not None else default_device()
    if is_adapter(file):
        return adapter_of(file, home)
    layout = read_control({name: file.shape(name) for name in file}, str(file.path))
    weights = renamed(file, file, layout.table, layout.prefix) if layout.table else {name: file[name] for name in file}
    if "difference" in file:
        weights = _added_to(weights, base, str(file.path))
    where = place(weights, home)
    network = Network(
        empty(lambda: ControlNetModel(**layout.config), str(file.path)), weights,
        device=where.device, storage=where.storage, compute=where.compute, source=str(file.path),
    )  # fmt: skip
    return ControlNet(network)


def _added_to(weights: Mapping[str, Tensor], base: Network | None, source: str) -> dict[str, Tensor]:
    """Differences as whole weights; layers that the U-Net lacks are whole already."""
    if base is None:
        raise ModelFileError(
            f"'{source}' holds differences to a model's weights. "
            "Load it with DiffControlNetLoader, which takes the model."
        )
    return {
        name: tensor + base.weights[name].to(tensor.dtype).reshape(tensor.shape) if name in base.weights else tensor
        for name, tensor in weights.items()
    }


__all__ = ["ActiveControl", "ControlNet", "Residuals", "joined", "load_control", "unhinted"]
