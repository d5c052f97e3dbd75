"""Our own API, under /api/v1: every operation is declared once, and that declaration validates and documents it.

The declarations are imported when the first request comes, or by `load` when there is time for it, so that a server
that has just been started can answer others sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from server.errors import Refused

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
        if isinstance(match.http_exception, web.HTTPMethodNotAllowed):
            raise _wrong_method(request, match.http_exception)
        if match.http_exception is not None:
            return await _not_ours(request, otherwise)
        request.match_info.clear()
        request.match_info.update(match)
        return await match.handler(request)

    app.router.add_route("*", PREFIX, answer)
    app.router.add_route("*", PREFIX + r"/{path:[\s\S]*}", answer)


def _wrong_method(request: web.Request, error: web.HTTPMethodNotAllowed) -> Refused:
    """405, naming the methods that there are."""
    allowed = ", ".join(sorted(error.allowed_methods))
    what = f"{request.path} has no method {request.method}."
    return Refused(405, "no_such_method", what, f"Use {allowed}.", headers={hdrs.ALLOW: allowed})


async def _not_ours(
    request: web.Request, otherwise: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What another part answers, else 404 in the API's shape."""
    try:
        return await otherwise(request)
    except web.HTTPNotFound:
        raise Refused(404, "no_such_path", f"There is no {request.path}.", f"See {PREFIX}.") from None
