"""`/history`: jobs that ran and ended (protocol §1.4)."""

from __future__ import annotations

from aiohttp import web

from server.bodies import object_body
from server.keys import READS, TABLE
from server.outcome import history_entry
from server.routes.query import whole_number
from server.routes.queue import ids_of
from server.routes.route import Route

__all__ = ["ROUTES"]


async def get_history(request: web.Request) -> web.Response:
    """Entries by id, oldest first."""
    newest = whole_number(request, "max_items")
    offset = whole_number(request, "offset")
    jobs = await request.app[READS].history(newest, -1 if offset is None else offset)
    return web.json_response({job.id: history_entry(job) for job in jobs})


async def get_history_entry(request: web.Request) -> web.Response:
    """One entry under its id, or an empty object."""
    job = await request.app[READS].history_entry(request.match_info["job"])
    return web.json_response({} if job is None else {job.id: history_entry(job)})


async def post_history(request: web.Request) -> web.Response:
    """Remove entries: all with `clear`, some with `delete`."""
    body = await object_body(request)
    if body.get("clear"):
        await request.app[TABLE].forget()
    if (ids := ids_of(body)) is not None:
        await request.app[TABLE].forget(ids)
    return web.Response()


ROUTES = (
    Route("GET", "/history", get_history),
    Route("GET", "/history/{job:.+}", get_history_entry),
    Route("POST", "/history", post_history),
)
