"""Our own API, under /api/v1: every operation is declared once, and that declaration validates and documents it."""

from __future__ import annotations

import functools
from typing import Any

from aiohttp import web

from server.api import documents, events, jobs, openapi, resources
from server.api.operation import handle

__all__ = ["OPERATIONS", "PREFIX", "add_api"]

PREFIX = "/api/v1"
OPERATIONS = (*jobs.OPERATIONS, *events.OPERATIONS, *documents.OPERATIONS, *resources.OPERATIONS)

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'"


def add_api(app: web.Application) -> None:
    """Register every operation, their description, and a page that shows it."""
    for operation in OPERATIONS:
        path = PREFIX + operation.path
        if operation.method == "GET":
            app.router.add_get(path, handle(operation))
        else:
            app.router.add_route(operation.method, path, handle(operation))
    app.router.add_get(f"{PREFIX}/openapi.json", get_description)
    app.router.add_get(PREFIX, get_page)
    app.router.add_get(f"{PREFIX}/", get_page)


async def get_description(request: web.Request) -> web.Response:
    """The OpenAPI document."""
    return web.json_response(described())


async def get_page(request: web.Request) -> web.Response:
    """The same to read."""
    page = openapi.page(described())
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": _PAGE_POLICY})


@functools.cache
def described() -> dict[str, Any]:
    """The OpenAPI document, made when it is first asked for."""
    return openapi.document(OPERATIONS, PREFIX)
