"""Events of our own API: over a websocket, or as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import hdrs, web

from server.api import schema
from server.api.operation import Call, Operation
from server.feed import Item
from server.keys import FEED

__all__ = ["OPERATIONS"]

QUIET_SECONDS = 15.0
"""After this long without an event a comment keeps the connection alive."""
STALLED_SECONDS = 60.0
"""How long one event may take to be accepted by the network."""
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
    waiting: asyncio.Task[Item] | None = None
    try:
        await response.write(b": hello\n\n")
        while True:
            waiting = waiting or asyncio.ensure_future(anext(items))
            done, _ = await asyncio.wait([waiting], timeout=QUIET_SECONDS)
            if not done:
                await response.write(b": still here\n\n")
                continue
            item, waiting = waiting.result(), None
            number = "" if item.seq is None else f"id: {item.seq}\n"
            async with asyncio.timeout(STALLED_SECONDS):
                await response.write(f"{number}event: {item.kind}\ndata: {item.text}\n\n".encode())
    except (StopAsyncIteration, ConnectionError):
        pass
    except TimeoutError:
        _cut(request)
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await waiting
        await items.aclose()
    return response


async def _over_websocket(request: web.Request, since: int | None, job: str | None) -> web.StreamResponse:
    socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, heartbeat=30.0, compress=False, timeout=2.0)
    await socket.prepare(request)

    async def send() -> None:
        try:
            async for item in request.app[FEED].listen(since, job):
                async with asyncio.timeout(STALLED_SECONDS):
                    await socket.send_str(item.text)
            await socket.close(code=1013, message=b"too slow")
        except TimeoutError:
            _cut(request)

    sending = asyncio.create_task(send(), name="send events")
    try:
        async for _ in socket:
            pass  # nothing is asked over this socket
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await sending
    return socket


def _cut(request: web.Request) -> None:
    """End the connection of a listener that takes nothing any more; it would not take a goodbye either."""
    if request.transport is not None:
        request.transport.abort()


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
