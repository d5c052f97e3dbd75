"""The handle of a control network: what packs call CONTROL_NET.

Source: protocol §5.7, §6.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from diffusion.control import ControlNet
from interop.errors import NotSupported
from interop.models.closed import ClosedPart
from interop.models.control_base import ControlBase, RunFacts
from interop.models.inner import plain_inputs
from interop.models.residuals import as_lists

__all__ = ["ControlHandle"]


class ControlHandle(ControlBase):
    """A control network of ours for packs. Copy it before changing it."""

    def __init__(self, network: ControlNet) -> None:
        self._network = network
        self._run: tuple[Any, Any] | None = None

    @property
    def control_model(self) -> ClosedPart:
        """The network: closed."""
        return ClosedPart("CONTROL_NET.control_model", dtype=self._network.network.compute)

    @property
    def control_model_wrapped(self) -> ClosedPart:
        """The network with its size."""
        return ClosedPart("CONTROL_NET.control_model_wrapped", model_size=self._network.network.size)

    @property
    def heddle_object(self) -> ControlNet:
        """The control network of `diffusion`."""
        return self._network

    @property
    def strength(self) -> float:
        """How strongly it steers."""
        return self._network.strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._network = replace(self._network, strength=float(value))

    @property
    def timestep_percent_range(self) -> tuple[float, float]:  # type: ignore[override]
        """The share of the schedule in which it is active."""
        return self._network.start, self._network.end

    @property
    def cond_hint_original(self) -> Any:
        """The picture that steers it, [batch, 3, height, width]."""
        return self._network.hint

    @property
    def previous_controlnet(self) -> ControlBase | None:
        """The one whose additions are summed with its own."""
        from interop.models import lend_one

        previous: ControlBase | None = lend_one(self._network.previous)
        return previous

    def copy(self) -> ControlHandle:
        """The network without a hint."""
        return ControlHandle(self._network.copy())

    def set_cond_hint(
        self,
        cond_hint: Any,
        strength: float = 1.0,
        timestep_percent_range: tuple[float, float] = (0.0, 1.0),
        vae: Any = None,
        extra_concat: Sequence[Any] = (),
    ) -> ControlHandle:
        """Steer by a picture, in place.

        Args:
            cond_hint: [batch, 3, height, width] in 0..1.
            timestep_percent_range: share of the schedule in which it is active.
        Raises:
            NotSupported: if more than a mask is to be joined to the picture.
        """
        if len(extra_concat) > 1:
            raise NotSupported("CONTROL_NET.set_cond_hint(extra_concat=…)", "called with more than a mask")
        start, end = timestep_percent_range
        from interop.models import take_back

        mask = extra_concat[0] if extra_concat else None
        self._network = self._network.applied(
            cond_hint, strength, start, end, self._network.previous, take_back(vae), mask
        )
        return self

    def set_previous_controlnet(self, controlnet: Any) -> ControlHandle:
        """Sum with the additions of another, in place."""
        previous = getattr(controlnet, "heddle_object", controlnet)
        self._network = replace(self._network, previous=previous)
        return self

    def get_models(self) -> list[Any]:
        """Models that a run has to bring into place: it does so by itself."""
        return []

    def set_extra_arg(self, argument: str, value: Any = None) -> None:
        """Keep an argument for the network: of ours, only the kinds of its picture are known.

        Raises:
            NotSupported: for any other.
        """
        if argument != "control_type":
            raise NotSupported(f"CONTROL_NET.set_extra_arg({argument!r})", "called")
        self._network = self._network.typed(tuple(value or ()))

    @property
    def concat_mask(self) -> bool:  # type: ignore[override]
        """Whether a mask is joined to the latent of the picture."""
        return self._network.masked

    def pre_run(self, model: RunFacts, percent_to_timestep_function: Any) -> None:
        """Get the chain ready for the run of a pack's control network that sums with it."""
        self._run = (self._network.prepared(model.heddle_prediction, model.heddle_noise), model.heddle_prediction)

    def cleanup(self) -> None:
        """Forget what the run made."""
        self._run = None

    def get_control(self, x_noisy: Any, t: Any, cond: Any, batched_number: Any, transformer_options: Any = None) -> Any:
        """What the chain adds, for a pack's control network that sums with it.

        Raises:
            NotSupported: outside of a run.
        """
        if self._run is None:
            raise NotSupported("CONTROL_NET.get_control", "called outside of a run")
        active, prediction = self._run
        sigma = t.flatten()[0].cpu()
        scaled = prediction.scale_input(x_noisy, sigma)
        timestep = t.new_full((x_noisy.shape[0],), float(prediction.timestep(sigma)))
        roles = tuple((transformer_options or {}).get("cond_or_uncond", range(batched_number)))
        return as_lists(active.residuals(scaled, timestep, plain_inputs(cond), float(sigma), roles))
