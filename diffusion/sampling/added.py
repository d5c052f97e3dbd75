"""Samplers and schedules that were added by name while the process runs, beside those of `names`.

Nothing is added by importing a module: whoever extends the engine calls `add_sampler` and `add_schedule`, and `forget`
when it goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diffusion.sampling.names import SAMPLERS, SCHEDULES

if TYPE_CHECKING:
    from torch import Tensor

    from diffusion.sampling.prediction import Prediction

MakeSampler = Callable[..., Callable[..., "Tensor"]]  # options → sampler
Rule = Callable[["Prediction", int], "Tensor"]  # (prediction, steps) → float32 [steps + 1]

_samplers: dict[str, MakeSampler] = {}
_schedules: dict[str, Rule] = {}


def add_sampler(name: str, make: MakeSampler) -> None:
    """Let `sampler_by_name` find a sampler; the names of `SAMPLERS` keep their meaning."""
    if name not in SAMPLERS:
        _samplers[name] = make


def add_schedule(name: str, rule: Rule) -> None:
    """Let `schedule` find a rule; the names of `SCHEDULES` keep their meaning."""
    if name not in SCHEDULES:
        _schedules[name] = rule


def added_sampler(name: str, **options: Any) -> Callable[..., Tensor] | None:
    """The added sampler of that name with its options, or None."""
    make = _samplers.get(name)
    return None if make is None else make(**options)


def added_schedule(name: str) -> Rule | None:
    """The added rule of that name, or None."""
    return _schedules.get(name)


def added_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The added samplers and schedules, in the order in which they came."""
    return tuple(_samplers), tuple(_schedules)


def forget() -> None:
    """Drop everything that was added."""
    _samplers.clear()
    _schedules.clear()


__all__ = ["add_sampler", "add_schedule", "added_names", "added_sampler", "added_schedule", "forget"]
