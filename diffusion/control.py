"""Control networks: a second network that adds to the inner states of the denoising one.

Source: Zhang et al. 2023, arXiv:2302.05543 (ControlNet).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from diffusion.autoencoder import Autoencoder
from diffusion.errors import UnknownModel
from diffusion.latents import LatentFormat
from diffusion.network import Network
from diffusion.residuals import Added, Residuals, joined
from diffusion.resize import resize
from diffusion.sampling.conditioning import within
from diffusion.sampling.prediction import Prediction
from diffusion.steering import FluxSteering, Steering, UNetSteering, UnionSteering


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
        steering: how the module is called.
        latents: the space of the latents it was trained on; None for pictures.
        masked: whether a mask is joined to the latent of the picture.
        vae: makes that latent.
        mask: [batch, 1, h, w], 1 where the picture is kept; without one all of it is.
        change: of the picture, before it is read.
    """

    network: Network
    hint: Tensor | None = None
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    previous: ControlNet | None = None
    ratio: int = 8
    steering: Steering = field(default_factory=UNetSteering)
    latents: LatentFormat | None = None
    masked: bool = False
    vae: Autoencoder | None = None
    mask: Tensor | None = None
    change: Callable[[Tensor], Tensor] | None = None

    def copy(self) -> ControlNet:
        """The network without a hint."""
        return replace(self, hint=None, strength=1.0, start=0.0, end=1.0, previous=None, vae=None, mask=None)

    def applied(
        self, hint: Tensor, strength: float, start: float = 0.0, end: float = 1.0,
        previous: ControlNet | None = None, vae: Autoencoder | None = None, mask: Tensor | None = None,
    ) -> ControlNet:  # fmt: skip
        """The network steered by a picture.

        Args:
            hint: [batch, 3, h, w] in 0..1.
            vae: for networks that were trained on latents.
            mask: for networks that read one; 1 where the picture is kept.
        """
        return replace(self, hint=hint, strength=strength, start=start, end=end, previous=previous, vae=vae, mask=mask)

    def on(self, base: Network) -> ControlNet:
        """The chain beside a denoising network, for those that are made of its weights."""
        return self if self.previous is None else replace(self, previous=self.previous.on(base))

    def typed(self, types: tuple[int, ...]) -> ControlNet:
        """The network told what its picture shows; networks for one kind of picture need not be told.

        Args:
            types: numbers in `PICTURE_KINDS`; none leaves it open.
        """
        if not isinstance(self.steering, (UnionSteering, FluxSteering)) or self.steering.count == 0:
            return self
        return replace(self, steering=replace(self.steering, types=types))

    def prepared(self, prediction: Prediction, noise: Tensor) -> ActiveControl:
        """The chain, ready for a run.

        Raises:
            UnknownModel: if there is no picture, or no autoencoder for a network that needs one.
        """
        if self.hint is None:
            raise unhinted()
        if self.latents is not None and self.vae is None:
            raise UnknownModel(
                "This control network was trained on latents and needs a VAE. Connect one to the node that applies it."
            )
        return ActiveControl(
            self,
            self.network.prepare(),
            (prediction.percent_to_sigma(self.start), prediction.percent_to_sigma(self.end)),
            None if self.previous is None else self.previous.prepared(prediction, noise),
        )


def unhinted() -> UnknownModel:
    """The error of a control network that was never given a picture."""
    return UnknownModel("A control network was used without a picture. Apply it with ControlNetApply.")


@dataclass(frozen=True, slots=True)
class ActiveControl:
    """A chain of control networks during a run."""

    control: ControlNet
    module: nn.Module
    sigmas: tuple[float, float]
    previous: ActiveControl | None
    _hints: dict[tuple[int, ...], Tensor] = field(default_factory=dict)

    def residuals(
        self, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], sigma: float, roles: tuple[int, ...]
    ) -> Added | None:
        """What the chain adds at a noise level; None if no network is active.

        Args:
            x: the denoising network's scaled input.
            roles: for each chunk of the batch which conditioning list it belongs to.
        """
        before = None if self.previous is None else self.previous.residuals(x, timestep, inputs, sigma, roles)
        if not within(sigma, *self.sigmas):
            return before
        control = self.control
        compute = control.network.compute
        hint = self._hint(x, len(roles)).to(x.device, compute)
        own = control.steering(self.module, x.to(compute), timestep, inputs, hint)
        return joined(before, own.scaled(control.strength, x))

    def _hint(self, x: Tensor, groups: int) -> Tensor:
        key = (*x.shape, groups)
        if key not in self._hints:
            hint = self._read(x.shape[-1], x.shape[-2])
            each = x.shape[0] // groups
            hint = hint[:each].repeat(-(-each // min(each, hint.shape[0])), 1, 1, 1)[:each]
            self._hints[key] = hint.repeat(groups, 1, 1, 1)
        return self._hints[key]

    def _read(self, width: int, height: int) -> Tensor:
        """The picture, or its latent, for a latent of some size."""
        control = self.control
        hint = control.hint
        assert hint is not None, "`prepared` refuses a network without one"
        ratio = control.ratio if control.latents is None or control.vae is None else control.vae.ratio
        pixels = resize(hint, width * ratio, height * ratio, "nearest-exact", "center")
        pixels = pixels if control.change is None else control.change(pixels)
        if control.latents is None or control.vae is None:
            return pixels
        latent = control.latents.to_network(control.vae.encode(pixels.movedim(1, -1)))
        if not control.masked:
            return latent
        mask = torch.ones(1, 1, 1, 1) if control.mask is None else control.mask
        mask = resize(mask.float(), latent.shape[-1], latent.shape[-2], "nearest-exact", "center").to(latent)
        mask = mask.repeat(-(-latent.shape[0] // mask.shape[0]), 1, 1, 1)[: latent.shape[0]]
        return torch.cat([latent, mask], dim=1)


__all__ = ["ActiveControl", "ControlNet", "Residuals", "joined", "unhinted"]
