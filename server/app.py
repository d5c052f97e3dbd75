"""The server as a program: settings in, exit status out.

Workers are started before the server's own libraries are imported, because they take longest to come up.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

from server.errors import SettingsError
from server.lock import lock_data_folder
from server.pools.local import LocalWorker, local_launcher
from server.settings import Settings

__all__ = ["run"]


def run(settings: Settings) -> int:
    """Serve until a signal ends it; returns the exit status.

    Raises:
        ServerError: if it cannot start: a folder, the database or the address is not usable.
    """
    with lock_data_folder(settings.data_dir):
        launcher = local_launcher(settings)
        workers = [_launch(launcher, slot) for slot in range(settings.workers)]
        try:
            serve = _import_server()
            return asyncio.run(serve(settings, launcher, workers))
        finally:
            for worker in workers:
                worker.kill()


def _import_server() -> Callable[..., Coroutine[Any, Any, int]]:
    """Import the rest while the workers come up.

    Nothing that is imported is ever freed, so looking for garbage meanwhile and later would be wasted.
    """
    gc.disable()
    try:
        from server.running import serve

        return serve
    finally:
        gc.freeze()
        gc.enable()


def _launch(launcher: Callable[[int], LocalWorker], slot: int) -> LocalWorker:
    try:
        return launcher(slot)
    except OSError as error:
        raise SettingsError(
            f"A worker cannot be started: {error}. Check the limits of memory and processes."
        ) from error
