"""Events of our own API: over a websocket, or as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json

from aiohttp import hdrs, web

from server.api import schema
from server.api.operation import Call, Operation
from server.keys import FEED

__all__ = ["OPERATIONS"]

QUIET_SECONDS = 15.0
"""After this long without an event a comment keeps the connection alive."""
MAX_MESSAGE_BYTES = 64 * 1024


async def get_events(call: Call) -> web.StreamResponse:
    """Send events until the client is gone: over a websocket if it asks for one, else as server-sent events."""
    query: schema.EventsQuery = call.query
    headers: schema.EventsHeaders = call.headers
    since = query.since if headers.last_event_id is None else headers.last_event_id
    if call.request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
        return await _over_websocket(call.request, since, query.job)
    return await _as_stream(call.request, since, query.job)


async def _as_stream(request: web.Request, since: int | None, job: str | None) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-cache", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    items = request.app[FEED].listen(since, job)
    waiting: asyncio.Task[dict[str, object]] | None = None
    try:
        await response.write(b": hello\n\n")
        while True:
            waiting = waiting or asyncio.ensure_future(anext(items))
            done, _ = await asyncio.wait([waiting], timeout=QUIET_SECONDS)
            if not done:
                await response.write(b": still here\n\n")
                continue
            item, waiting = waiting.result(), None
            number = f"id: {item['seq']}\n" if item["seq"] is not None else ""
            await response.write(f"{number}event: {item['kind']}\ndata: {json.dumps(item)}\n\n".encode())
    except (StopAsyncIteration, ConnectionError):
        pass
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await waiting
        await items.aclose()
    return response


async def _over_websocket(request: web.Request, since: int | None, job: str | None) -> web.StreamResponse:
    socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, heartbeat=30.0, compress=False)
    await socket.prepare(request)

    async def send() -> None:
        async for item in request.app[FEED].listen(since, job):
            await socket.send_str(json.dumps(item))
        await socket.close(code=1013, message=b"too slow")

    sending = asyncio.create_task(send(), name="send events")
    try:
        async for _ in socket:
            pass  # nothing is asked over this socket
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await sending
    return socket


OPERATIONS = (
    Operation(
        "get_events",
        "GET",
        "/events",
        get_events,
        "Follow what happens, from a number on: a websocket, or server-sent events.",
        "events",
        {200: None},
        schema.EventsQuery,
        headers=schema.EventsHeaders,
        gives="text/event-stream",
        items=schema.EventItem,
    ),
)
