"""A worker that has been started, whatever it is, as a pool sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from server.pools.connection import Connection

__all__ = ["Launched", "Launcher", "ending_of"]

LINGER_SECONDS = 2.0
"""How long a worker may live after it has closed its socket."""


class Launched(Protocol):
    """A worker that has just been started."""

    pid: int

    async def connect(self) -> Connection:
        """Open the frames to it."""

    def kill(self) -> None:
        """End it at once; harmless when it is gone."""

    async def wait(self) -> str:
        """Wait until it is gone and say how it ended, for people."""


Launcher = Callable[[int], Launched]
"""Starts the worker of a slot, numbered from 0; a replacement takes the slot of the one it replaces."""


async def ending_of(launched: Launched) -> str:
    """How a worker ended that has closed its socket; one that lingers is killed."""
    ending = asyncio.ensure_future(launched.wait())
    try:
        await asyncio.wait([ending], timeout=LINGER_SECONDS)
    finally:
        launched.kill()
    return await ending
