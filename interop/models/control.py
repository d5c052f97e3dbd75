"""The handle of a control network: what packs call CONTROL_NET.

Source: protocol §5.7, §6.10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diffusion.control import ControlNet
from interop.errors import NotSupported
from interop.models.closed import ClosedPart

__all__ = ["ControlHandle"]


class ControlHandle:
    """A control network for packs. Copy it before changing it."""

    def __init__(self, network: ControlNet) -> None:
        self._network = network

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
    def timestep_percent_range(self) -> tuple[float, float]:
        """The share of the schedule in which it is active."""
        return self._network.start, self._network.end

    @property
    def cond_hint_original(self) -> Any:
        """The picture that steers it, [batch, 3, height, width]."""
        return self._network.hint

    @property
    def previous_controlnet(self) -> ControlHandle | None:
        """The one whose additions are summed with its own."""
        return None if self._network.previous is None else ControlHandle(self._network.previous)

    def copy(self) -> ControlHandle:
        """The network without a hint."""
        return ControlHandle(self._network.copy())

    def set_cond_hint(
        self,
        cond_hint: Any,
        strength: float = 1.0,
        timestep_percent_range: tuple[float, float] = (0.0, 1.0),
        vae: Any = None,
        extra_concat: Any = None,
    ) -> ControlHandle:
        """Steer by a picture, in place.

        Args:
            cond_hint: [batch, 3, height, width] in 0..1.
            timestep_percent_range: share of the schedule in which it is active.
        Raises:
            NotSupported: if further channels are to be joined to the picture.
        """
        if extra_concat:
            raise NotSupported("CONTROL_NET.set_cond_hint(extra_concat=…)", "called")
        start, end = timestep_percent_range
        self._network = self._network.applied(cond_hint, strength, start, end, self._network.previous)
        return self

    def set_previous_controlnet(self, controlnet: Any) -> ControlHandle:
        """Sum with the additions of another, in place."""
        previous = getattr(controlnet, "heddle_object", controlnet)
        self._network = replace(self._network, previous=previous)
        return self

    def cleanup(self) -> None:
        """Nothing: what a run prepares ends with it."""

    def get_models(self) -> list[Any]:
        """Models that a run has to bring into place: it does so by itself."""
        return []

    def get_control(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: the network is called by the sampler alone."""
        raise NotSupported("CONTROL_NET.get_control", "called")
