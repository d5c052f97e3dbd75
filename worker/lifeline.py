"""What ties a worker's life to its server's: no worker is left behind by a server that was killed."""

from __future__ import annotations

import ctypes
import signal
import sys
from pathlib import Path

__all__ = ["die_before_the_server", "die_with_parent"]

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, however the parent dies (Linux only).

    Elsewhere, and for a parent that died before this call, the end of the socket does the same.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed; start the worker from its server")


def die_before_the_server(score: int = 500) -> None:
    """Tell the kernel to end this process rather than its server when memory runs out (Linux only).

    Args:
        score: added to what the kernel reckons, up to 1000.
    """
    path = Path("/proc/self/oom_score_adj")
    try:
        if path.exists() and int(path.read_text()) < score:
            path.write_text(str(score))
    except OSError:  # a sandbox that allows no change: the kernel chooses by size, and workers are larger
        return
