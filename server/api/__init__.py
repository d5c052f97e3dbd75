"""Our own API, under /api/v1: every operation is declared once, and that declaration validates and documents it.

The declarations are imported when the first request comes, or by `load` when there is time for it, so that a server
that has just been started can answer others sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

__all__ = ["PREFIX", "add_api", "load"]

PREFIX = "/api/v1"


def load() -> web.UrlDispatcher:
    """Import the operations; takes a while the first time. Any thread may call it."""
    from server.api.operations import router

    return router()


def add_api(app: web.Application, otherwise: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
    """Register everything below the prefix.

    Args:
        otherwise: answers what no operation answers.
    """
    table: web.UrlDispatcher | None = None

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal table
        if table is None:
            table = await asyncio.to_thread(load)
        match = await table.resolve(request)
        if match.http_exception is not None:
            return await otherwise(request)
        request.match_info.clear()
        request.match_info.update(match)
        return await match.handler(request)

    app.router.add_route("*", PREFIX, answer)
    app.router.add_route("*", PREFIX + "/{path:.*}", answer)
