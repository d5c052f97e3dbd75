"""Guidance: how estimates for several conditionings become one.

A guidance names the conditioning lists it needs and combines their estimates; `GuidedDenoiser` is the denoiser that
samplers see.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from torch import Tensor

from diffusion.model import EstimateStep, GuidanceStep, Model
from diffusion.sampling.conditioning import Entry
from diffusion.sampling.contract import Guided
from diffusion.sampling.evaluate import Evaluator

Lists = Mapping[str, tuple[Entry, ...]]


class Guidance(Protocol):
    """A way to combine estimates."""

    def estimate(self, evaluator: Evaluator, x: Tensor, sigma: Tensor, lists: Lists, *, both: bool) -> Guided:
        """The guided estimate and the unconditional one.

        Args:
            both: the unconditional estimate is needed even where the scale makes it irrelevant.
        """
        ...


@dataclass(frozen=True, slots=True)
class PositiveOnly:
    """No guidance: the positive conditioning as it is."""

    def estimate(self, evaluator: Evaluator, x: Tensor, sigma: Tensor, lists: Lists, *, both: bool) -> Guided:
        return ClassifierFree(1.0).estimate(evaluator, x, sigma, {**lists, "negative": ()}, both=False)


@dataclass(frozen=True, slots=True)
class ClassifierFree:
    """U + (C − U)·scale. Source: Ho & Salimans 2022, arXiv:2207.12598."""

    scale: float

    def estimate(self, evaluator: Evaluator, x: Tensor, sigma: Tensor, lists: Lists, *, both: bool) -> Guided:
        hooks = evaluator.model.hooks
        needed = both or hooks.always_evaluate_negative or not math.isclose(self.scale, 1.0)
        sides = (lists["positive"], lists["negative"] if needed else None)
        step = _step(evaluator, x, sigma, sides, self.scale)
        found = evaluator(sides, x, sigma) if hooks.batch is None else hooks.batch(step)
        return combine(replace(step, estimates=tuple(found)))


def _step(
    evaluator: Evaluator, x: Tensor, sigma: Tensor, sides: Sequence[tuple[Entry, ...] | None], scale: float
) -> GuidanceStep:
    def evaluate(
        lists: Sequence[Sequence[Entry] | None], model: Model | None = None, at: Tensor | None = None
    ) -> list[Tensor]:
        other = evaluator if model is None else evaluator.with_model(model)
        return other(lists, x if at is None else at, sigma)

    return GuidanceStep(x, sigma, (), tuple(sides), scale, evaluator.model, evaluate)


def combine(step: GuidanceStep) -> Guided:
    """Run the hooks around classifier-free guidance on estimates that are already there."""
    for hook in step.model.hooks.pre_cfg:
        step = replace(step, estimates=hook(step))
    return _guided(step)


def _guided(step: GuidanceStep) -> Guided:
    """Guidance, or what replaces it, and the hooks after it; those before it belong to a single pair of sides."""
    hooks, positive, negative = step.model.hooks, step.positive, step.negative
    if hooks.cfg is not None:
        denoised = hooks.cfg(step)
    else:
        denoised = negative + (positive - negative) * step.scale
    for after in hooks.post_cfg:
        denoised = after(replace(step, denoised=denoised))
    return Guided(denoised, negative)


@dataclass(frozen=True, slots=True)
class DualClassifierFree:
    """Two positive conditionings, `positive` and `middle`, each with a scale of its own.

    Source: Brooks et al. 2023, arXiv:2211.09800 (the regular form).
    """

    scale_positive: float
    scale_middle: float
    nested: bool = False

    def estimate(self, evaluator: Evaluator, x: Tensor, sigma: Tensor, lists: Lists, *, both: bool) -> Guided:
        always = both or evaluator.model.hooks.always_evaluate_negative
        needs_negative = always or not math.isclose(self.scale_middle, 1.0)
        sides = (lists["positive"], lists["middle"], lists["negative"] if needs_negative or self.nested else None)
        positive, middle, negative = evaluator(sides, x, sigma)
        if not self.nested:
            step = _step(evaluator, x, sigma, sides[1:], self.scale_middle)
            base = _guided(replace(step, estimates=(middle, negative)))
            return Guided(base.denoised + (positive - middle) * self.scale_positive, base.unconditional)
        step = _step(evaluator, x, sigma, (lists["positive"], lists["middle"]), self.scale_positive)
        inner = _guided(replace(step, estimates=(positive, middle))).denoised
        return Guided(negative + (inner - negative) * self.scale_middle, middle)


def perpendicular(positive: Tensor, negative: Tensor, empty: Tensor, scale: float, negative_scale: float) -> Tensor:
    """Guidance from the empty prompt, in which the negative counts only across the positive.

    Source: Armandpour et al. 2023, arXiv:2304.04968.
    """
    toward, away = positive - empty, negative - empty
    across = away - ((away * toward).sum() / toward.norm() ** 2) * toward
    return empty + scale * (toward - across * negative_scale)


@dataclass(frozen=True, slots=True)
class PerpendicularNegative:
    """Only the part of the negative that is perpendicular to the positive pushes away; see `perpendicular`."""

    scale: float
    negative_scale: float

    def estimate(self, evaluator: Evaluator, x: Tensor, sigma: Tensor, lists: Lists, *, both: bool) -> Guided:
        hooks, sides = evaluator.model.hooks, (lists["positive"], lists["negative"], lists["empty"])
        step = replace(_step(evaluator, x, sigma, sides, self.scale), estimates=tuple(evaluator(sides, x, sigma)))
        for before in hooks.pre_cfg:
            step = replace(step, estimates=before(step))
        positive, negative, empty = step.estimates
        denoised = perpendicular(positive, negative, empty, self.scale, self.negative_scale)
        for after in hooks.post_cfg:
            denoised = after(replace(step, denoised=denoised))
        return Guided(denoised, negative)


@dataclass(frozen=True, slots=True)
class GuidedDenoiser:
    """The denoiser samplers see: guidance over a model; conditioning is the prepared lists."""

    evaluator: Evaluator
    guidance: Guidance

    @property
    def prediction(self):  # type: ignore[no-untyped-def]
        """The model's prediction."""
        return self.evaluator.model.prediction

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: Lists) -> Tensor:
        return self._estimate(x, sigma, conditioning, both=False).denoised

    def guided(self, x: Tensor, sigma: Tensor, conditioning: Lists) -> Guided:
        return self._estimate(x, sigma, conditioning, both=True)

    def _estimate(self, x: Tensor, sigma: Tensor, lists: Lists, *, both: bool) -> Guided:
        estimate = partial(self.guidance.estimate, self.evaluator, x, sigma, lists, both=both)
        step = EstimateStep(x, sigma, both, self.evaluator.memory)
        for hook in self.evaluator.model.hooks.estimate:
            estimate = partial(hook, estimate, step)
        return estimate()


__all__ = [
    "ClassifierFree", "DualClassifierFree", "Guidance", "GuidedDenoiser", "Lists", "PerpendicularNegative",
    "PositiveOnly", "combine", "perpendicular",
]  # fmt: skip
