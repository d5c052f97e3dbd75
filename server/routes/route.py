"""A route: a handler under one or both of the prefixes that clients use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

__all__ = ["Route", "add_routes"]


@dataclass(frozen=True, slots=True)
class Route:
    """One handler.

    Attributes:
        under: `both` serves the path bare and under /api; `bare` only as it is.
    """

    method: Literal["GET", "POST", "DELETE", "PATCH", "PUT"]
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    under: Literal["both", "bare"] = "both"


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Register routes."""
    for route in routes:
        paths = [route.path] if route.under == "bare" else [route.path, f"/api{route.path}"]
        for path in paths:
            if route.method == "GET":
                app.router.add_get(path, route.handler)
            else:
                app.router.add_route(route.method, path, route.handler)
