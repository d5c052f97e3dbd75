"""Stopping inside the code of a pack."""

from __future__ import annotations

from graph_runtime.errors import Cancelled
from interop.host import current
from interop.running import Call

__all__ = ["InterruptProcessingException", "check"]


class InterruptProcessingException(Cancelled):
    """Raised in a pack's node when its run was cancelled; packs raise it themselves to stop the run."""


def check(call: Call | None) -> None:
    """Stop here if the run of `call` was cancelled, or if a pack asked to interrupt it.

    Raises:
        InterruptProcessingException: then; a request of a pack is used up by this.
    """
    host = current()
    if host.interrupted:
        host.interrupted = False
        raise InterruptProcessingException("A pack interrupted the run.")
    if call is None or call.context is None:
        return
    try:
        call.context.check_cancelled()
    except InterruptProcessingException:
        raise
    except Cancelled as error:
        raise InterruptProcessingException(error.what) from error
