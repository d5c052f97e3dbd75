"""`/queue`, `/interrupt` and `/free` (protocol §1.3)."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from server.bodies import object_body, read_json
from server.errors import Refused
from server.keys import DISPATCHER, POOL, READS, TABLE
from server.routes.route import Route

__all__ = ["ROUTES", "ids_of"]


async def get_queue(request: web.Request) -> web.Response:
    """Running and queued jobs as five-element arrays."""
    claimed, pending = await request.app[READS].queue()
    ahead = [job for job in claimed if request.app[DISPATCHER].waits_at_worker(job.id)]
    running = [job for job in claimed if job not in ahead]
    return web.json_response(
        {
            "queue_running": [job.queue_item for job in running],
            "queue_pending": [job.queue_item for job in (*ahead, *pending)],
        }
    )


async def post_queue(request: web.Request) -> web.Response:
    """Drop queued jobs: all with `clear`, some with `delete`."""
    body = await object_body(request)
    if body.get("clear"):
        await request.app[TABLE].cancel_queued()
    if (ids := ids_of(body)) is not None:
        await request.app[TABLE].cancel_queued(ids)
    return web.Response()


async def post_interrupt(request: web.Request) -> web.Response:
    """End the running job, or only the one that is named."""
    try:
        body = await read_json(request)
    except Refused:
        body = {}
    wanted = body.get("prompt_id") if isinstance(body, dict) else None
    dispatcher = request.app[DISPATCHER]
    for job, _ in await request.app[READS].running():
        if job == str(wanted) or not (wanted or dispatcher.waits_at_worker(job)):
            await dispatcher.cancel(job)
    return web.Response()


async def post_free(request: web.Request) -> web.Response:
    """Free memory of the workers after their current job."""
    body = await object_body(request)
    free_memory = bool(body.get("free_memory"))
    unload = bool(body.get("unload_models")) or free_memory
    if unload:
        await request.app[POOL].tell("free", {"unload_models": unload, "free_memory": free_memory})
    return web.Response()


def ids_of(body: dict[str, Any]) -> list[str] | None:
    """The ids under `delete`; None when there is no such key.

    Raises:
        Refused: 400, when it is not a list.
    """
    if "delete" not in body:
        return None
    if not isinstance(body["delete"], list):
        raise Refused(400, "invalid_body", f"delete must be a list of ids; it is {json.dumps(body['delete'])[:80]}.")
    return [str(item) for item in body["delete"]]


ROUTES = (
    Route("GET", "/queue", get_queue),
    Route("POST", "/queue", post_queue),
    Route("POST", "/interrupt", post_interrupt),
    Route("POST", "/free", post_free),
)
