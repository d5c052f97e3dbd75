"""Control networks that packs write themselves (`comfy.controlnet.ControlBase`), and how runs call them.

A pack's `get_control` is given the noisy latent, the noise levels and the conditioning of a batch, and says what is
added to the U-Net (see `interop.models.residuals`).
Source: protocol §5.7, §6.10; pack_surface, tier 2.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion.control import Residuals
from diffusion.sampling.prediction import Prediction
from graph_runtime.context import current as current_context
from interop.errors import ClosedAttribute
from interop.models.inner import named_inputs, told_roles
from interop.models.predicting import levels_of
from interop.models.residuals import as_residuals

__all__ = ["ControlBase", "PackControl", "RunFacts", "StrengthType"]


class StrengthType(enum.Enum):
    """How the strength of a control network counts from block to block."""

    CONSTANT = 1
    LINEAR_UP = 2


class RunFacts:
    """What `pre_run` is told as its model: noise levels; the rest of a model is closed to control networks.

    Args:
        prediction: of the model that runs.
        noise: like the latent that is denoised.
    """

    def __init__(self, prediction: Prediction, noise: Tensor) -> None:
        self.heddle_prediction, self.heddle_noise = prediction, noise
        self.model_sampling = levels_of(prediction)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ClosedAttribute(f"{name} of the model in a control network's pre_run")


class ControlBase:
    """A control network; packs override `get_control` and `copy`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.cond_hint_original: Any = None
        self.cond_hint: Any = None
        self.strength: float = 1.0
        self.timestep_percent_range: tuple[float, float] = (0.0, 1.0)
        self.timestep_range: tuple[float, float] | None = None
        self.global_average_pooling = False
        self.compression_ratio = 8
        self.upscale_algorithm = "nearest-exact"
        self.latent_format: Any = None
        self.vae: Any = None
        self.extra_args: dict[str, Any] = {}
        self.extra_conds: list[str] = []
        self.extra_concat_orig: list[Any] = []
        self.extra_concat: Any = None
        self.extra_hooks: Any = None
        self.concat_mask = False
        self.strength_type = StrengthType.CONSTANT
        self.preprocess_image: Any = lambda picture: picture
        self.previous_controlnet: Any = None

    @property
    def heddle_object(self) -> Any:
        """The same for `diffusion`: one object each time, so that conditionings that share it are batched."""
        known = self.__dict__.get("_heddle_control")
        if known is None or known.heddle_handle is not self:
            known = self.__dict__["_heddle_control"] = PackControl(self)
        return known

    def set_cond_hint(
        self,
        cond_hint: Any,
        strength: float = 1.0,
        timestep_percent_range: tuple[float, float] = (0.0, 1.0),
        vae: Any = None,
        extra_concat: Sequence[Any] = (),
    ) -> Any:
        """Steer by a picture [batch, 3, height, width] in 0..1, in place."""
        self.cond_hint_original, self.strength = cond_hint, strength
        self.timestep_percent_range = timestep_percent_range
        self.vae = vae
        self.extra_concat_orig = list(extra_concat)
        return self

    def set_previous_controlnet(self, controlnet: Any) -> Any:
        """Sum with the additions of another, in place."""
        self.previous_controlnet = controlnet
        return self

    def set_extra_arg(self, argument: str, value: Any = None) -> None:
        """Keep an argument for `get_control`."""
        self.extra_args[argument] = value

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        """Learn the noise levels between which it is active."""
        first, last = self.timestep_percent_range
        self.timestep_range = (percent_to_timestep_function(first), percent_to_timestep_function(last))
        if self.previous_controlnet is not None:
            self.previous_controlnet.pre_run(model, percent_to_timestep_function)

    def cleanup(self) -> None:
        """Forget what the run made."""
        self.cond_hint = self.extra_concat = self.timestep_range = None
        if self.previous_controlnet is not None:
            self.previous_controlnet.cleanup()

    def get_models(self) -> list[Any]:
        """Models that it needs, those of the chain included."""
        return [] if self.previous_controlnet is None else list(self.previous_controlnet.get_models())

    def get_extra_hooks(self) -> list[Any]:
        """Hooks that it brings, those of the chain included."""
        own = [] if self.extra_hooks is None else [self.extra_hooks]
        before = getattr(self.previous_controlnet, "get_extra_hooks", list)
        return own + list(before())

    def inference_memory_requirements(self, dtype: Any) -> float:
        """Bytes that the chain needs besides the model: none that are known here."""
        return 0.0

    def copy_to(self, other: Any) -> None:
        """Give another the settings of this one, the chain not included."""
        for name in (
            "cond_hint_original", "strength", "timestep_percent_range", "global_average_pooling", "compression_ratio",
            "upscale_algorithm", "latent_format", "vae", "strength_type", "concat_mask", "preprocess_image",
        ):  # fmt: skip
            setattr(other, name, getattr(self, name))
        other.extra_args = dict(self.extra_args)
        other.extra_conds = list(self.extra_conds)
        other.extra_concat_orig = list(self.extra_concat_orig)

    def copy(self) -> Any:
        """A copy; subclasses must say how."""
        raise NotImplementedError(f"{type(self).__name__} must have a method copy(self).")

    def get_control(self, x_noisy: Any, t: Any, cond: Any, batched_number: Any, *rest: Any) -> Any:
        """What is added; subclasses must say it."""
        raise NotImplementedError(f"{type(self).__name__} must have a method get_control(self, x_noisy, t, cond, …).")

    def control_merge(self, control: Any, control_prev: Any, output_dtype: Any) -> dict[str, list[Any]]:
        """Multiply additions by the strength, and sum them with those of the chain before."""
        scaled: dict[int, Tensor] = {}

        def own(value: Any, power: int) -> Any:
            if value is None:
                return None
            if id(value) not in scaled:  # one tensor may stand at several places
                pooled = value.mean(dim=(2, 3), keepdim=True).expand_as(value) if self.global_average_pooling else value
                linear = self.strength_type == StrengthType.LINEAR_UP
                scaled[id(value)] = pooled * (self.strength ** float(power) if linear else self.strength)
            result = scaled[id(value)]
            return result if output_dtype is None or result.dtype == output_dtype else result.to(output_dtype)

        merged: dict[str, list[Any]] = {name: [] for name in ("input", "middle", "output")}
        for name, values in control.items():
            merged[name] = [own(value, len(values) - index) for index, value in enumerate(values)]
        for name, values in (control_prev or {}).items():
            merged[name] = _summed(merged.get(name, []), values)
        return merged


def _summed(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Two lists added place by place."""
    most = max(len(first), len(second))
    pairs = zip([*first, *[None] * (most - len(first))], [*second, *[None] * (most - len(second))], strict=True)
    return [b if a is None else a if b is None else a + b for a, b in pairs]


class PackControl:
    """A pack's control network as `diffusion` and our nodes hand it around.

    Args:
        control: of the pack.
    """

    def __init__(self, control: ControlBase) -> None:
        self.heddle_handle = control

    def copy(self) -> PackControl:
        """A copy, as the pack makes it."""
        copied: PackControl = self.heddle_handle.copy().heddle_object
        return copied

    def applied(
        self, hint: Tensor, strength: float, start: float = 0.0, end: float = 1.0, previous: Any = None,
        vae: Any = None, mask: Tensor | None = None,
    ) -> PackControl:  # fmt: skip
        """The network steered by a picture."""
        from interop.models import lend_one

        extra = [] if mask is None else [mask]
        control = self.heddle_handle.copy().set_cond_hint(hint, strength, (start, end), lend_one(vae), extra)
        control.set_previous_controlnet(lend_one(previous))
        steered: PackControl = control.heddle_object
        return steered

    def on(self, base: Any) -> PackControl:
        """Itself: packs' networks are not made of the model's weights."""
        return self

    def typed(self, types: tuple[int, ...]) -> PackControl:
        """The network told what its picture shows, as numbers of kinds."""
        copied = self.copy()
        copied.heddle_handle.set_extra_arg("control_type", list(types))
        return copied

    @property
    def masked(self) -> bool:
        """Whether a mask is joined to the latent of the picture."""
        return bool(getattr(self.heddle_handle, "concat_mask", False))

    def prepared(self, prediction: Prediction, noise: Tensor) -> _ActivePackControl:
        """The chain, ready for a run; the pack is told when the node that runs it is done."""
        control = self.heddle_handle
        facts = RunFacts(prediction, noise)
        control.pre_run(facts, facts.model_sampling.percent_to_sigma)
        running = current_context()
        if running is not None:
            running.on_cleanup(control.cleanup)
        return _ActivePackControl(control, prediction)


@dataclass(frozen=True, slots=True, eq=False)
class _ActivePackControl:
    """A chain that ends in a pack's control network, during a run."""

    control: ControlBase
    prediction: Prediction

    def residuals(
        self, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], sigma: float, roles: tuple[int, ...]
    ) -> Residuals | None:
        """What the chain adds at a noise level; None if nothing is active."""
        levels = torch.full((x.shape[0],), sigma, device=x.device)
        scale = self.prediction.scale_input(torch.ones(1), torch.tensor(sigma)).to(x)
        cond = named_inputs(inputs)
        options = {"sigmas": levels[:1], **told_roles(roles)}
        cond["transformer_options"] = options
        given = self.control.get_control(x / scale, levels, cond, len(roles), options)
        return None if given is None else as_residuals(given, type(self.control).__name__)
