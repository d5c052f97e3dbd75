"""Weight changes that belong to a conditioning instead of to a model, with strengths that follow the schedule.

A hook is a LoRA, or another model taken as one. A group of hooks travels in a conditioning under `hooks`; while that
conditioning is evaluated, and only then, the network has the changed weights. Nothing is kept of it afterwards:
originals are at hand, so weights come back to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

from torch import Tensor

from diffusion.economy import is_economical
from diffusion.lora import LoraFile, with_lora
from diffusion.model import Model
from diffusion.network import Network, Patches
from diffusion.sampling.prediction import Prediction
from diffusion.text.encoder import TextEncoder, Version


@dataclass(frozen=True, slots=True)
class Keyframe:
    """From a share of the schedule on, a hook's strengths are multiplied by this."""

    strength: float
    start: float


@dataclass(frozen=True, slots=True)
class Keyframes:
    """A hook's course over the schedule; the first counts from the beginning, wherever it starts."""

    frames: tuple[Keyframe, ...] = ()

    def with_frames(self, added: Sequence[Keyframe]) -> Keyframes:
        """These and others, in the order of their starts."""
        return Keyframes(tuple(sorted((*self.frames, *added), key=lambda frame: frame.start)))

    def at_share(self, share: float) -> float:
        """The factor at a share of the schedule."""
        passed = [frame.strength for frame in self.frames if frame.start <= share]
        return passed[-1] if passed else self.frames[0].strength if self.frames else 1.0


class Course:
    """How far one run has come along keyframes.

    No keyframe that begins within the run is passed over: each counts for one noise level at least, so that many of
    them in a long step come one by one.

    Args:
        prediction: says at which noise levels they begin.
        highest: noise level at which the run begins.
    """

    def __init__(self, keyframes: Keyframes, prediction: Prediction, highest: float) -> None:
        self._strengths = [frame.strength for frame in keyframes.frames]
        self._starts = [prediction.percent_to_sigma(frame.start) for frame in keyframes.frames]
        self._highest = highest
        self._index, self._used = 0, False
        self._sigma: float | None = None

    def strength(self, sigma: float) -> float:
        """The factor at a noise level; levels have to be asked for in the order of the run."""
        if not self._strengths:
            return 1.0
        if sigma != self._sigma:
            self._sigma = sigma
            self._advance(sigma)
            self._used = True
        return self._strengths[self._index]

    def _advance(self, sigma: float) -> None:
        if not self._used and self._starts[self._index] <= self._highest:
            return
        for index in range(self._index + 1, len(self._starts)):
            if self._starts[index] < sigma:
                return
            self._index, self._used = index, False
            if self._starts[index] <= self._highest:
                return


class WeightChange(Protocol):
    """What a hook does to weights."""

    def for_model(self, model: Model, strength: float) -> Patches:
        """Patches by parameter name."""
        ...

    def for_clip(self, clip: TextEncoder, strength: float) -> Mapping[str, Patches]:
        """Patches by the name of a text encoder."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LoraChange:
    """A LoRA file."""

    lora: LoraFile

    def for_model(self, model: Model, strength: float) -> Patches:
        changed = with_lora(self.lora, replace(model, patches=Patches()), None, strength, 0.0).model
        assert changed is not None
        return changed.patches

    def for_clip(self, clip: TextEncoder, strength: float) -> Mapping[str, Patches]:
        changed = with_lora(self.lora, None, replace(clip, patches={}), 0.0, strength).clip
        assert changed is not None
        return changed.patches


@dataclass(frozen=True, slots=True, eq=False)
class ModelChange:
    """Another model of the same architecture: its difference to the one it is used with.

    Attributes:
        model, clip: None leaves that part as it is.
    """

    model: Model | None
    clip: TextEncoder | None

    def for_model(self, model: Model, strength: float) -> Patches:
        if self.model is None:
            return Patches()
        return _differences(model.network, self.model.network, self.model.patches, strength)

    def for_clip(self, clip: TextEncoder, strength: float) -> Mapping[str, Patches]:
        others, own = ({}, {}) if self.clip is None else ({t.name: t for t in self.clip.towers}, self.clip.patches)
        return {
            tower.name: _differences(
                tower.network, others[tower.name].network, own.get(tower.name, Patches()), strength
            )
            for tower in clip.towers
            if tower.name in others
        }


def _differences(own: Network, other: Network, patches: Patches, strength: float) -> Patches:
    from diffusion.merging import check_same

    check_same(own, other)
    names = own.parameter_names()
    return Patches({name: (_Towards(other, patches, own.weights[name], name, strength),) for name in names})


@dataclass(frozen=True, slots=True, eq=False)
class _Towards:
    """weight + strength · (the other network's weight − this network's original)."""

    other: Network
    patches: Patches
    original: Tensor
    name: str
    strength: float

    def __call__(self, weight: Tensor) -> Tensor:
        there = self.other.exact_weight(self.name, self.patches).to(weight)
        return weight + self.strength * (there - self.original.to(weight))


@dataclass(frozen=True, slots=True, eq=False)
class WeightHook:
    """One change with its strengths.

    Attributes:
        change: of the weights at strength 1.
        strength_model, strength_clip: of the change to each.
        keyframes: factors of both strengths over the schedule.
    """

    change: WeightChange
    strength_model: float
    strength_clip: float
    keyframes: Keyframes = Keyframes()


@dataclass(frozen=True, slots=True)
class WeightHooks:
    """What travels on a HOOKS wire: hooks in the order in which they take effect."""

    hooks: tuple[WeightHook, ...] = ()

    def joined(self, other: WeightHooks) -> WeightHooks:
        """These hooks, then those of another group that are not among them."""
        return WeightHooks((*self.hooks, *(hook for hook in other.hooks if hook not in self.hooks)))

    def with_keyframes(self, keyframes: Keyframes) -> WeightHooks:
        """The same hooks on another course."""
        return WeightHooks(tuple(replace(hook, keyframes=keyframes) for hook in self.hooks))

    def patches(self, model: Model, strengths: Sequence[float]) -> Patches:
        """All weight changes of a model while these hooks are in force: its own, then theirs."""
        merged = model.patches
        for hook, strength in zip(self.hooks, strengths, strict=True):
            if strength != 0.0:
                merged = merged.then(hook.change.for_model(model, strength))
        return merged


@dataclass(slots=True)
class _Turn:
    """What one group of hooks has made of the weights: at which strengths, by which patches, and which weights."""

    strengths: tuple[float, ...]
    patches: Patches
    kept: dict[str, Tensor] = field(default_factory=dict)


class HookedWeights:
    """The weights of one run's network, which conditionings with different hooks use in turn.

    Weights that were made for a group are kept until its strengths change, unless memory is to be saved.

    Args:
        model: whose own patches are in force where there are no hooks, as they are at the beginning.
        highest: noise level at which the run begins.
    """

    def __init__(self, model: Model, highest: float) -> None:
        self._model, self._highest = model, highest
        self._courses: dict[WeightHook, Course] = {}
        self._turns: dict[WeightHooks | None, _Turn] = {None: _Turn((), model.patches)}
        self._now = self._turns[None]

    def use(self, hooks: WeightHooks | None, sigma: float) -> None:
        """Give the network the weights that a conditioning asks for at a noise level."""
        turn = self._turn(hooks, sigma)
        if turn is self._now:
            return
        self._model.network.exchange(turn.patches, turn.kept, {} if is_economical() else self._now.kept)
        self._now = turn

    def _turn(self, hooks: WeightHooks | None, sigma: float) -> _Turn:
        strengths = () if hooks is None else tuple(self._strength(hook, sigma) for hook in hooks.hooks)
        turn = self._turns.get(hooks)
        if turn is None or turn.strengths != strengths:
            assert hooks is not None, "a run without hooks has one state"
            turn = self._turns[hooks] = _Turn(strengths, hooks.patches(self._model, strengths))
        return turn

    def _strength(self, hook: WeightHook, sigma: float) -> float:
        """How strongly a hook changes the model at a noise level."""
        if hook not in self._courses:
            self._courses[hook] = Course(hook.keyframes, self._model.prediction, self._highest)
        return hook.strength_model * self._courses[hook].strength(sigma)


def with_clip_hooks(clip: TextEncoder, hooks: WeightHooks, *, attach: bool, scheduled: bool) -> TextEncoder:
    """Text encoders that read prompts under hooks.

    Args:
        attach: put the hooks into what they encode, so that the model is changed as well.
        scheduled: follow the keyframes: a prompt is encoded once for each part of the schedule between two of them;
            otherwise keyframes count for the model only.
    """
    extra = {"hooks": hooks} if attach else {}
    starts = {frame.start for hook in hooks.hooks for frame in hook.keyframes.frames} if scheduled else set()
    edges = [0.0, *sorted(starts - {0.0}), 1.0]
    versions = []
    for start, end in pairwise(edges):
        patches: dict[str, Patches] = {}
        for hook in hooks.hooks:
            strength = hook.strength_clip * (hook.keyframes.at_share(start) if scheduled else 1.0)
            if strength != 0.0:
                for tower, added in hook.change.for_clip(clip, strength).items():
                    patches[tower] = patches.get(tower, Patches()).then(added)
        span = {"clip_start_percent": start, "clip_end_percent": end} if len(edges) > 2 else {}
        versions.append(Version(patches, {**extra, **span}))
    return replace(clip, versions=tuple(versions))


__all__ = [
    "Course", "HookedWeights", "Keyframe", "Keyframes", "LoraChange", "ModelChange", "WeightHook", "WeightHooks",
    "with_clip_hooks",
]  # fmt: skip
