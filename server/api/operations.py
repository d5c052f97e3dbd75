"""Every operation of our API, and the way from a request to one of them.

Importing this brings in the libraries that validate requests and read documents, which takes as long as all the rest
of the server; see `server.api` for when that happens.
"""

from __future__ import annotations

import functools
from typing import Any

from aiohttp import web

from server.api import PREFIX, documents, events, jobs, openapi, queue, resources
from server.api.operation import handle

__all__ = ["OPERATIONS", "described", "router"]

OPERATIONS = (*jobs.OPERATIONS, *queue.OPERATIONS, *events.OPERATIONS, *documents.OPERATIONS, *resources.OPERATIONS)

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'"


@functools.cache
def router() -> web.UrlDispatcher:
    """Every operation, their description, and a page that shows it, under their paths."""
    table = web.UrlDispatcher()
    for operation in OPERATIONS:
        path = PREFIX + operation.path
        if operation.method == "GET":
            table.add_get(path, handle(operation))
        else:
            table.add_route(operation.method, path, handle(operation))
    table.add_get(f"{PREFIX}/openapi.json", get_description)
    table.add_get(PREFIX, get_page)
    table.add_get(f"{PREFIX}/", get_page)
    return table


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
