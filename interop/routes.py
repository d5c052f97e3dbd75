"""HTTP routes that packs register, answered by a small server inside the worker.

The main server never imports a pack: it forwards what packs registered to the loopback port named in their reports.
The loop that answers runs in a thread of its own, so that a slow handler of a pack holds up neither runs nor frames.
Source: protocol §5.4.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web

from interop.host import current

__all__ = ["Routes", "claim", "loading", "pack_routes", "port", "stop"]

_log = logging.getLogger(__name__)

LARGEST_BODY = 1024**3
"""Bytes; the main server has its own limit, which is lower."""


class _Loading(threading.local):
    """The pack that this thread imports."""

    pack: str = ""


loading = _Loading()


class _Table(web.RouteTableDef):
    """A route table that notes which pack each route belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.owners: list[tuple[str, str]] = []
        self.closed = False

    def route(self, method: str, path: str, **kwargs: Any) -> Callable[[Any], Any]:
        """Register a handler for a method and path.

        Raises:
            RuntimeError: once requests are answered.
        """
        if self.closed:
            raise RuntimeError(f"The route {method} {path} comes too late: register routes while the pack is imported.")
        self.owners.append((loading.pack, f"{method} {path}"))
        return super().route(method, path, **kwargs)

    def static(self, prefix: str, path: Any, **kwargs: Any) -> None:
        """Serve a folder."""
        self.owners.append((loading.pack, f"GET {prefix}/{{file:.*}}"))
        super().static(prefix, path, **kwargs)


class Routes:
    """The routes of all packs, and the server that answers them.

    Attributes:
        table: what packs decorate handlers with.
        app: for packs that add routes to the application itself; frozen once the server runs.
    """

    def __init__(self) -> None:
        self.table = _Table()
        self.app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_only_from_here])
        self._claimed: set[str] = set()
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None
        self.problems: list[str] = []

    def claim(self, pack: str) -> list[str]:
        """The routes of a pack, as "GET /path"; those added to `app` go to whoever claims first."""
        mine = [route for owner, route in self.table.owners if owner == pack]
        for route in self.app.router.routes():
            info = route.resource.get_info() if route.resource is not None else {}
            name = f"{route.method} {info.get('path') or info.get('formatter') or info.get('prefix')}"
            if name not in self._claimed:
                self._claimed.add(name)
                mine.append(name)
        return list(dict.fromkeys(mine))

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop on which handlers are called."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="pack routes", daemon=True)
            self._thread.start()
        return self._loop

    def port(self) -> int:
        """The loopback port, bound already; requests wait until `start`."""
        if self._socket is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Answer requests from now on; routes cannot be added any more."""
        if self._socket is not None and self._runner is None:
            asyncio.run_coroutine_threadsafe(self._serve(self._socket), self.loop).result()
            for problem in self.problems:
                _log.warning("A pack's route is not served: %s", problem)
        self.table.closed = True

    def stop(self) -> None:
        """End the server and its thread."""
        if self._loop is not None and self._thread is not None:
            if self._runner is not None:
                asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        if self._socket is not None:
            self._socket.close()

    async def _serve(self, listening: socket.socket) -> None:
        self.app.router.add_post("/heddle/on_prompt", _on_prompt)
        for route in self.table:
            self._add(route)
        self._runner = web.AppRunner(self.app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    def _add(self, route: web.AbstractRouteDef) -> None:
        """Register a route as it is and below /api."""
        try:
            route.register(self.app.router)
            if isinstance(route, web.RouteDef):
                api = web.RouteDef(route.method, "/api" + route.path, route.handler, route.kwargs)
                api.register(self.app.router)
        except (RuntimeError, ValueError) as error:
            self.problems.append(f"{route}: {error}")


@web.middleware
async def _only_from_here(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Refuse whatever a browser sends: only the server asks here, after it has checked host, origin and token.

    A page whose name was rebound to this machine is known by its host, any other page by what browsers add.
    """
    from_browser = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    if from_browser or request.host.rpartition(":")[0] not in ("127.0.0.1", "localhost"):
        raise web.HTTPForbidden(text="Ask the server, not its worker.")
    answer: web.StreamResponse = await handler(request)
    return answer


async def _on_prompt(request: web.Request) -> web.Response:
    """Let packs change a submitted prompt, in the order in which they asked to."""
    data = await request.json()
    for handler in list(current().on_prompt):
        data = handler(data)
    return web.json_response(data)


_routes: Routes | None = None


def pack_routes() -> Routes:
    """The routes of this worker."""
    global _routes
    if _routes is None:
        _routes = Routes()
    return _routes


def claim(pack: str) -> list[str]:
    """The routes that a pack registered; none if no pack ever asked for routes."""
    return [] if _routes is None else _routes.claim(pack)


def port() -> int:
    """The loopback port of the packs' routes."""
    return pack_routes().port()


def stop() -> None:
    """End the server of the packs' routes, if there is one."""
    global _routes
    if _routes is not None:
        _routes.stop()
        _routes = None
