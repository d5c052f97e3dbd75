"""`/ws`: the socket of an editor (protocol §2.1, §2.2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid

from aiohttp import WSMsgType, web

from server.hub.messages import text
from server.hub.socket import Socket
from server.keys import DISPATCHER, HUB, SETTINGS
from server.routes.route import Route
from server.routes.system import features

__all__ = ["ROUTES"]

log = logging.getLogger("heddle.hub")

MAX_MESSAGE_BYTES = 1024 * 1024
"""Longest message accepted from a client; established clients send a few hundred bytes."""


async def get_ws(request: web.Request) -> web.StreamResponse:
    """Serve one client until it is gone."""
    response = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False)
    if not response.can_prepare(request).ok:
        return web.Response(status=400, text="This address is for websockets.")
    await response.prepare(request)
    client_id = request.query.get("clientId") or uuid.uuid4().hex
    socket = Socket(response, client_id, request.transport)
    hub = request.app[HUB]
    socket.put(text("status", {"status": hub.status_of(request.app[DISPATCHER].remaining), "sid": client_id}))
    hub.add(socket)
    node = request.app[DISPATCHER].greet(client_id)
    if node is not None:
        socket.put(text("executing", {"node": node}))
    writer = asyncio.create_task(socket.write(), name=f"write to {client_id}")
    try:
        await _listen(response, socket, request)
    finally:
        hub.remove(socket)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
    return response


async def _listen(response: web.WebSocketResponse, socket: Socket, request: web.Request) -> None:
    """Read until the client closes; only the first JSON message matters, the offer of features."""
    negotiating = True
    async for message in response:
        if message.type is WSMsgType.ERROR:
            log.debug("socket of %s failed: %s", socket.client_id, response.exception())
            return
        if not negotiating or message.type is not WSMsgType.TEXT:
            continue
        try:
            offer = json.loads(message.data)
        except (ValueError, RecursionError):
            continue
        negotiating = False
        if isinstance(offer, dict) and offer.get("type") == "feature_flags":
            flags = offer.get("data")
            socket.wants_metadata = isinstance(flags, dict) and flags.get("supports_preview_metadata") is True
            socket.put(text("feature_flags", features(request.app[SETTINGS])))


ROUTES = (Route("GET", "/ws", get_ws),)
