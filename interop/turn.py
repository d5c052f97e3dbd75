"""Which pack is being imported, as the code that it runs can ask."""

from __future__ import annotations

import threading

__all__ = ["loading"]


class _Loading(threading.local):
    """The pack that this thread imports; "" while it imports none."""

    pack: str = ""


loading = _Loading()
