"""From noise to latent: predictions, schedules, samplers, guidance, conditioning.

`names` needs no torch; everything else arrives when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from diffusion.sampling.names import SAMPLERS, SCHEDULES

if TYPE_CHECKING:
    from diffusion.sampling.noise import prepare_noise
    from diffusion.sampling.run import integrate, sample
    from diffusion.sampling.schedules import schedule

_HOMES = {"sample": "run", "integrate": "run", "schedule": "schedules", "prepare_noise": "noise"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"diffusion.sampling.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'diffusion.sampling' has no attribute '{name}'")


__all__ = ["SAMPLERS", "SCHEDULES", "integrate", "prepare_noise", "sample", "schedule"]
