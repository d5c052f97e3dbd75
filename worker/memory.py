"""Memory: telling that it ran out, and giving back what loaded models hold."""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
from typing import Any

from worker.memory_limits import tightest

__all__ = ["make_room", "recover", "release_models", "trim"]

_log = logging.getLogger(__name__)
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None


def recover(error: BaseException, *, release: bool = True) -> bool:
    """Make room after an error that says memory ran out.

    Args:
        release: unload models; not while another thread computes with them.
    Returns:
        Whether the call that failed is worth another try.
    """
    if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":
        return False
    first = (str(error).splitlines() or ["no details"])[0]
    if release:
        released = release_models()
        _log.warning("Memory ran out (%s). Models of %.2f GB were unloaded; trying once more.", first, released / 1e9)
    else:
        trim()
        _log.warning("Memory ran out (%s). Models are in use and stay; trying once more.", first)
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


def make_room(own: int = 0, share: float = 0.15) -> None:
    """Unload models when little memory is left, so that what comes next finds room for its own.

    Args:
        own: what this process alone may use; 0 for no such bound.
        share: of the device's or the tightest limit's memory that counts as little.
    """
    torch: Any = sys.modules.get("torch")
    limit = tightest(own)
    short = limit.left < share * limit.total
    if not short and _has_cuda(torch):
        free, total = torch.cuda.mem_get_info()
        unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        short = free + unused < share * total
    if short:
        released = release_models()
        _log.info("Little memory is left; models of %.2f GB were unloaded.", released / 1e9)


def trim() -> None:
    """Collect garbage, and return what allocators keep for later, that of the C library and that of the device."""
    gc.collect()
    if _malloc_trim is not None:
        _malloc_trim(0)
    torch: Any = sys.modules.get("torch")
    if _has_cuda(torch):
        torch.cuda.empty_cache()


def _has_cuda(torch: Any) -> bool:
    """Whether torch is there, whole (it may still be importing in another thread), and has a device."""
    cuda = getattr(torch, "cuda", None)
    return hasattr(cuda, "is_available") and bool(cuda.is_available())
