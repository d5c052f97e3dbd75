"""Memory: telling that it ran out, and giving back what loaded models hold."""

from __future__ import annotations

import gc
import logging
import sys
from typing import Any

import psutil

__all__ = ["make_room", "recover", "release_models", "trim"]

_log = logging.getLogger(__name__)


def recover(error: BaseException) -> bool:
    """Make room after an error that says memory ran out.

    Returns:
        Whether the call that failed is worth another try.
    """
    if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":
        return False
    released = release_models()
    first = (str(error).splitlines() or ["no details"])[0]
    _log.warning("Memory ran out (%s). Models of %.2f GB were unloaded; trying once more.", first, released / 1e9)
    return True


def release_models() -> int:
    """Let every loaded network give its memory back; it is brought in again when it is next used.

    Returns:
        Bytes that the networks took.
    """
    network = getattr(sys.modules.get("diffusion.network"), "Network", None)
    released = 0
    if network is not None:
        for item in gc.get_objects():
            if type(item) is network:
                released += item.size()
                item.release()
    trim()
    return released


def make_room(share: float = 0.15) -> None:
    """Unload models when little memory is left, so that what comes next finds room for its own.

    Args:
        share: of the device's or the machine's memory that counts as little.
    """
    torch: Any = sys.modules.get("torch")
    memory = psutil.virtual_memory()
    short = memory.available < share * memory.total
    if not short and _has_cuda(torch):
        free, total = torch.cuda.mem_get_info()
        unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        short = free + unused < share * total
    if short:
        released = release_models()
        _log.info("Little memory is left; models of %.2f GB were unloaded.", released / 1e9)


def trim() -> None:
    """Collect garbage, and return what the allocator of the device keeps for later."""
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if _has_cuda(torch):
        torch.cuda.empty_cache()


def _has_cuda(torch: Any) -> bool:
    """Whether torch is there, whole (it may still be importing in another thread), and has a device."""
    cuda = getattr(torch, "cuda", None)
    return hasattr(cuda, "is_available") and bool(cuda.is_available())
