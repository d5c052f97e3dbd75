"""Dropping old history while the server runs, so that the database does not grow for ever."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from server.errors import StoreError
from server.settings import Settings
from server.store.jobs import JobTable
from server.store.writer import now_ms

__all__ = ["KEPT_EVENTS", "retain"]

log = logging.getLogger("heddle.store")

KEPT_EVENTS = 100_000
"""Events that a client may still ask for."""
EVERY_SECONDS = 300.0
_DAY_MS = 86_400_000


async def retain(table: JobTable, settings: Settings) -> None:
    """Drop what is older than the settings keep, now and every few minutes, until cancelled."""
    while True:
        before = None if settings.keep_days is None else now_ms() - int(settings.keep_days * _DAY_MS)
        try:
            await table.trim(settings.keep_jobs, KEPT_EVENTS, before)
        except (SQLAlchemyError, StoreError) as error:
            log.error("old history cannot be dropped: %s", error)
        await asyncio.sleep(EVERY_SECONDS)
