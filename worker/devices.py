"""What this worker computes on: which device it may see, and how much memory is left."""

from __future__ import annotations

import os
import sys
from typing import Any

import psutil

from worker.settings import Settings

__all__ = ["describe_devices", "is_warm", "restrict", "versions"]


def restrict(settings: Settings) -> None:
    """Let torch see only the device chosen; must come before torch is imported.

    Raises:
        ValueError: if the name of the device is none, or torch is there already.
    """
    if not settings.cpu and settings.device is None:
        return
    kind, _, index = ("cpu" if settings.cpu else settings.device or "").partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()):
        raise ValueError(f"--device {settings.device!r} is no device. Use cpu, cuda or cuda:1.")
    if "torch" in sys.modules and kind == "cuda":
        raise ValueError("The device must be chosen before torch is imported.")
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if kind == "cpu" else _visible(index)


def _visible(index: str) -> str:
    """What `CUDA_VISIBLE_DEVICES` must be so that one device is seen; numbers count those that were visible before."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not index:
        return "0" if before is None else before
    names = [] if before is None else [name.strip() for name in before.split(",") if name.strip()]
    return names[int(index)] if int(index) < len(names) else index


def describe_devices() -> list[dict[str, Any]]:
    """Name and memory in bytes of each device, as `/system_stats` words it. Imports torch."""
    import torch

    if not torch.cuda.is_available():
        memory = psutil.virtual_memory()
        return [
            {
                "name": "cpu", "type": "cpu", "index": None, "vram_total": memory.total, "vram_free": memory.available,
                "torch_vram_total": memory.total, "torch_vram_free": memory.available,
            }
        ]  # fmt: skip
    devices = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        reserved = torch.cuda.memory_reserved(index)
        unused = reserved - torch.cuda.memory_allocated(index)
        devices.append(
            {
                "name": f"cuda:{index} {torch.cuda.get_device_name(index)} : native", "type": "cuda", "index": index,
                "vram_total": total, "vram_free": free + unused, "torch_vram_total": reserved,
                "torch_vram_free": unused,
            }
        )  # fmt: skip
    return devices


def is_warm() -> bool:
    """Whether torch has been brought in, so that asking for devices takes no time."""
    return hasattr(sys.modules.get("torch"), "cuda")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries a bug report needs. Imports torch."""
    import torch

    return {"python": sys.version, "torch": torch.__version__, "cuda": torch.version.cuda or ""}
