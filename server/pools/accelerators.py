"""Which accelerators this machine has, found out without torch, so that each worker gets one of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from server.settings import Settings

__all__ = ["accelerators", "device_of"]

_DRIVER = Path("/proc/driver/nvidia/gpus")


def accelerators(environment: Mapping[str, str] = os.environ, driver: Path = _DRIVER) -> int:
    """How many accelerators processes may use: those that `CUDA_VISIBLE_DEVICES` names, else those of the driver."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    try:
        return sum(1 for _ in driver.iterdir())
    except OSError:
        return 0


def device_of(slot: int, settings: Settings, count: int) -> str | None:
    """The device of the worker in a slot: one each, in turn; None where there is no choice.

    Args:
        slot: number of the worker, from 0; its replacement has the same.
        count: of accelerators.
    """
    if settings.cpu or settings.workers == 1 or count < 2:
        return None
    return f"cuda:{slot % count}"
