"""Everything else: the editor's files, `/user.css`, and routes that packs registered in a worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import hdrs, web

from graph_runtime.folders import UnsafePath, confine
from server.keys import PACKS, PUBLISHED, SETTINGS, USERS
from server.published import LISTING_SECONDS, PACKS_SECONDS
from server.routes.users import user_of
from server.settings import PROJECT
from server.user_files import UnknownUser

__all__ = ["EDITOR", "EDITOR_POLICY", "add_pages", "any_path"]

EDITOR = PROJECT / "web" / "dist"
"""The editor, once it is built."""
EDITOR_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
"""What the editor's pages may do: load from this server only, and be framed by it only."""
FOREIGN_POLICY = "object-src 'none'; frame-ancestors 'self'"
"""The same for another web client, whose needs are not known."""

_NOT_BUILT = """<!doctype html><meta charset="utf-8"><title>Heddle</title>
<h1>Heddle</h1><p>The editor is not built yet. Run <code>make serve</code>, which builds it.
The <a href="/api/v1">API</a> works without it.</p>
"""
_NO_SCRIPTS = (
    "This server's own editor does not have the modules /scripts/*.js that extensions of another web client import. "
    "Nodes of such packs work; their browser parts need that client: start the server with --front-end-root DIR."
)


async def get_user_css(request: web.Request) -> web.StreamResponse:
    """The user's own style sheet; 404 when there is none."""
    try:
        path = confine(request.app[USERS].folder(user_of(request)), "user.css")
    except (UnknownUser, UnsafePath):
        raise web.HTTPNotFound from None
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path)


async def any_path(request: web.Request) -> web.StreamResponse:
    """A file of the editor, else a route of a pack, else 405 for a path with other methods, else 404."""
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
        found = await asyncio.to_thread(_page, request.app[SETTINGS].front_end_root, request.path)
        if found is not None:
            return found
    if request.path == "/" and request.method == hdrs.METH_GET:
        return web.Response(
            text=_NOT_BUILT, content_type="text/html", headers={"Content-Security-Policy": EDITOR_POLICY}
        )
    allowed = await _other_methods(request)
    within = 0.0 if allowed else _patience(request.path)
    proxied = await request.app[PACKS].answer(request, await request.app[PUBLISHED].loaded_packs(within))
    if proxied is not None:
        return proxied
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    if request.path.startswith("/scripts/"):
        raise web.HTTPNotFound(text=_NO_SCRIPTS)
    raise web.HTTPNotFound


def _patience(path: str) -> float:
    """Seconds to wait for packs that may have this route: few for a file, which may well be missing."""
    return LISTING_SECONDS if "." in path.rpartition("/")[2] else PACKS_SECONDS


async def _other_methods(request: web.Request) -> set[str]:
    """Methods that the other routes of this path have."""
    found: set[str] = set()
    for resource in request.app.router.resources():
        _, methods = await resource.resolve(request)
        found |= methods
    return found - {hdrs.METH_ANY}


def _page(foreign: Path | None, path: str) -> web.FileResponse | None:
    root = EDITOR if foreign is None else foreign
    try:
        file = confine(root, path.lstrip("/") or "index.html")
    except UnsafePath:
        return None
    if file.is_dir() and path != "/":
        raise web.HTTPForbidden
    if not file.is_file():
        return None
    policy = EDITOR_POLICY if foreign is None else FOREIGN_POLICY
    headers = {"Content-Security-Policy": policy}
    if foreign is None and "/assets/" in path:
        headers[hdrs.CACHE_CONTROL] = "public, max-age=31536000, immutable"
    return web.FileResponse(file, headers=headers)


def add_pages(app: web.Application) -> None:
    """Register what is asked last."""
    app.router.add_get("/user.css", get_user_css)
    app.router.add_get("/api/user.css", get_user_css)
    app.router.add_route("*", "/{path:.*}", any_path)
