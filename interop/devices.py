"""Which device computes, and how much memory it has."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["device", "memory"]


def device(cpu_only: bool) -> Any:
    """The device that computes."""
    import torch

    from diffusion.placement import default_device

    return torch.device("cpu") if cpu_only else default_device()


def memory(where: Any) -> tuple[int, int]:
    """Total and free bytes of a device; of the machine for everything that is no CUDA device."""
    import torch

    if getattr(where, "type", str(where).partition(":")[0]) == "cuda":
        free, total = torch.cuda.mem_get_info(where)
        return total, free
    page = os.sysconf("SC_PAGE_SIZE")
    return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
