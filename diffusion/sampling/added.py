"""Samplers and schedules that were added by name while the process runs, beside those of `names`; another way to run.

Nothing is added by importing a module: whoever extends the engine calls the functions below, and `forget` when it goes.
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
AskForRun = Callable[[], "Callable[[Any], Tensor] | None"]  # → what takes over (diffusion.sampling.run.Run), or None

_samplers: dict[str, MakeSampler] = {}
_schedules: dict[str, Rule] = {}
_run: AskForRun | None = None


def add_sampler(name: str, make: MakeSampler) -> None:
    """Let `sampler_by_name` find a sampler; the names of `SAMPLERS` keep their meaning."""
    if name not in SAMPLERS:
        _samplers[name] = make


def add_schedule(name: str, rule: Rule) -> None:
    """Let `schedule` find a rule; the names of `SCHEDULES` keep their meaning."""
    if name not in SCHEDULES:
        _schedules[name] = rule


def add_run(ask: AskForRun) -> None:
    """Let something else do the runs; it is asked before each whether it wants to."""
    global _run
    _run = ask


def added_run() -> Callable[[Any], Tensor] | None:
    """What does the runs now; None for the usual way."""
    return None if _run is None else _run()


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
    global _run
    _run = None
    _samplers.clear()
    _schedules.clear()


__all__ = [
    "add_run", "add_sampler", "add_schedule", "added_names", "added_run", "added_sampler", "added_schedule", "forget",
]  # fmt: skip
