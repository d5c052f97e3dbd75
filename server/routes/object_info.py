"""`/object_info`: every node as established clients know it (protocol §1.6)."""

from __future__ import annotations

from aiohttp import hdrs, web

from server.keys import PUBLISHED
from server.published import Body
from server.routes.route import Route

__all__ = ["ROUTES", "send_body"]


async def get_object_info(request: web.Request) -> web.Response:
    """All nodes, with file lists as they are now."""
    return send_body(request, await request.app[PUBLISHED].object_info())


async def get_one(request: web.Request) -> web.Response:
    """One node under its name, or an empty object."""
    return web.json_response(await request.app[PUBLISHED].one_object_info(request.match_info["name"]))


def send_body(request: web.Request, body: Body) -> web.Response:
    """Answer with a prepared document: 304 when the client has it, compressed when it can take that."""
    headers = {hdrs.ETAG: body.etag, hdrs.CACHE_CONTROL: "no-cache", hdrs.VARY: hdrs.ACCEPT_ENCODING}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]
    if body.etag in known or "*" in known:
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=body.compressed, headers=headers, content_type="application/json", charset="utf-8")
    return web.Response(body=body.plain, headers=headers, content_type="application/json", charset="utf-8")


ROUTES = (Route("GET", "/object_info", get_object_info), Route("GET", "/object_info/{name:.+}", get_one))
