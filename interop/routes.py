"""HTTP routes that packs register, answered by small servers inside the worker.

The main server never imports a pack: it forwards what packs registered to the loopback port named in their reports.
Each pack has a server of its own, which answers as soon as that pack is imported; all of them run on one loop in a
thread of their own, so that a slow handler holds up neither runs nor frames. Requests must carry the key that the
worker has told the main server: nobody else on this machine, and no page in a browser, can ask packs directly.
Source: protocol §5.4.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from graph_runtime.failure import RAISED
from interop.host import current
from interop.turn import loading

__all__ = ["KEY_HEADER", "Claim", "Routes", "claim", "pack_routes", "stop"]

_log = logging.getLogger(__name__)

KEY_HEADER = "X-Heddle-Pack-Key"
"""Carries the key of a worker's pack routes."""
CLOSING = 0.5
"""Seconds that open requests have when the worker ends."""
LARGEST_BODY = 1024**3
"""Bytes; the main server has its own limit, which is lower."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a pack answers.

    Attributes:
        routes: as "GET /path".
        on_prompt: whether it wants to see submitted prompts.
        port: where it answers; None if it answers nothing.
        key: what requests must carry.
    """

    routes: tuple[str, ...] = ()
    on_prompt: bool = False
    port: int | None = None
    key: str | None = None


class _Table(web.RouteTableDef):
    """A route table that notes which pack each route belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.owners: list[tuple[str, web.AbstractRouteDef]] = []

    def route(self, method: str, path: str, **kwargs: Any) -> Callable[[Any], Any]:
        """Register a handler for a method and path.

        Raises:
            RuntimeError: outside of a pack's import.
        """
        _check_in_time(f"{method} {path}")
        register = super().route(method, path, **kwargs)

        def decorate(handler: Any) -> Any:
            found = register(handler)
            self.owners.append((loading.pack, self[-1]))
            return found

        return decorate

    def static(self, prefix: str, path: Any, **kwargs: Any) -> None:
        """Serve a folder."""
        _check_in_time(f"GET {prefix}")
        super().static(prefix, path, **kwargs)
        self.owners.append((loading.pack, self[-1]))


def _check_in_time(route: str) -> None:
    if not loading.pack:
        raise RuntimeError(f"The route {route} comes too late: register routes while the pack is imported.")


class Routes:
    """The routes of all packs, and the servers that answer them.

    Attributes:
        table: what packs decorate handlers with.
        app: for packs that add routes to the application itself. It never runs: what a pack adds to it is served by
            that pack's server.
    """

    def __init__(self) -> None:
        self.table = _Table()
        self.app = web.Application()
        self.key = secrets.token_urlsafe(32)
        self._added: list[tuple[str, web.AbstractResource]] = []
        self._register = self.app.router.register_resource
        self.app.router.register_resource = self._note  # type: ignore[method-assign]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runners: list[web.AppRunner] = []

    def _note(self, resource: web.AbstractResource) -> None:
        """Add a resource to the application, and note which pack it belongs to."""
        self._register(resource)
        self._added.append((loading.pack, resource))

    def claim(self, pack: str) -> Claim:
        """Answer the routes of a pack from now on."""
        defined = [route for owner, route in self.table.owners if owner == pack]
        added = [resource for owner, resource in self._added if owner == pack]
        on_prompt = any(owner == pack for owner, _ in current().on_prompt)
        if not defined and not added and not on_prompt:
            return Claim()
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._only_the_server])
        app.router.add_post("/heddle/on_prompt", _asker(pack))
        for resource in added:
            app.router.register_resource(resource)
        for route in defined:
            _register(app, route)
        listening = socket.create_server(("127.0.0.1", 0))
        asyncio.run_coroutine_threadsafe(self._serve(app, listening), self.loop).result()
        names = [_described(route) for route in defined]
        names += [_named(route) for resource in added for route in resource]
        return Claim(tuple(dict.fromkeys(names)), on_prompt, int(listening.getsockname()[1]), self.key)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop on which handlers are called."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="pack routes", daemon=True)
            self._thread.start()
        return self._loop

    def stop(self) -> None:
        """End the servers and their thread."""
        if self._loop is not None and self._thread is not None:
            for runner in self._runners:
                asyncio.run_coroutine_threadsafe(runner.cleanup(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _serve(self, app: web.Application, listening: socket.socket) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        self._runners.append(runner)

    @web.middleware
    async def _only_the_server(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        """Refuse whoever does not have the key, and names that are not this machine's."""
        given = request.headers.get(KEY_HEADER, "")
        local = request.host.rpartition(":")[0] in ("127.0.0.1", "localhost")
        if not local or not hmac.compare_digest(given.encode(), self.key.encode()):
            raise web.HTTPForbidden(text="Ask the server, not its worker.")
        answer: web.StreamResponse = await handler(request)
        return answer


def _register(app: web.Application, route: web.AbstractRouteDef) -> None:
    """Register a route as it is and below /api."""
    try:
        route.register(app.router)
        if isinstance(route, web.RouteDef):
            web.RouteDef(route.method, "/api" + route.path, route.handler, route.kwargs).register(app.router)
    except (RuntimeError, ValueError) as error:
        _log.warning("A pack's route is not served: %s: %s", route, error)


def _described(route: web.AbstractRouteDef) -> str:
    if isinstance(route, web.RouteDef):
        return f"{route.method} {route.path}"
    return f"GET {getattr(route, 'prefix', '')}/{{file:.*}}"


def _named(route: web.AbstractRoute) -> str:
    info = route.resource.get_info() if route.resource is not None else {}
    path = info.get("path") or info.get("formatter")
    return f"{route.method} {path}" if path else f"{route.method} {info.get('prefix', '')}/{{file:.*}}"


def _asker(pack: str) -> Callable[[web.Request], Any]:
    async def ask(request: web.Request) -> web.Response:
        """Let a pack change a submitted prompt, with its functions in the order in which they were added.

        One that fails is passed over.
        """
        data = await request.json()
        for owner, handler in list(current().on_prompt):
            if owner == pack:
                try:
                    data = handler(data)
                except RAISED:
                    _log.exception("Pack '%s' could not look at a submission, which is taken without its help.", pack)
        return web.json_response(data)

    return ask


_routes: Routes | None = None


def pack_routes() -> Routes:
    """The routes of this worker."""
    global _routes
    if _routes is None:
        _routes = Routes()
    return _routes


def claim(pack: str) -> Claim:
    """What a pack answers, from now on; nothing if no pack ever asked for routes."""
    if _routes is None and not current().on_prompt:
        return Claim()
    return pack_routes().claim(pack)


def stop() -> None:
    """End the servers of the packs' routes, if there are any."""
    global _routes
    if _routes is not None:
        _routes.stop()
        _routes = None
