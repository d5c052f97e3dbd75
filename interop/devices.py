"""Which device computes, and how much memory it has."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["device", "memory"]


def device(cpu_only: bool) -> str:
    """The name of the device that computes: "cpu", "cuda" or "mps"."""
    import torch

    if cpu_only:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def memory(where: Any) -> tuple[int, int]:
    """Total and free bytes of a device; of the machine for everything that is no CUDA device."""
    import torch

    if getattr(where, "type", str(where).partition(":")[0]) == "cuda":
        free, total = torch.cuda.mem_get_info(where)
        return total, free
    page = os.sysconf("SC_PAGE_SIZE")
    return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
