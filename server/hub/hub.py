"""The hub: who is connected, under which id, and what reaches whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from server.hub.messages import Message, text
from server.hub.socket import Socket

__all__ = ["STATUS_SECONDS", "Hub"]

STATUS_SECONDS = 0.05
"""How often clients that have nothing to do with a change are told the length of the queue, at most."""


class Hub:
    """Sockets by client id. A client that connects again takes over its id; the old socket is left alone."""

    def __init__(self) -> None:
        self._sockets: dict[str, Socket] = {}
        self._all: set[Socket] = set()
        self._remaining = 0
        self._late: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """How many sockets are open."""
        return len(self._all)

    @staticmethod
    def status_of(remaining: int) -> dict[str, Any]:
        """The established `status` object."""
        return {"exec_info": {"queue_remaining": remaining}}

    def add(self, socket: Socket) -> None:
        """Register a socket under its client id."""
        self._all.add(socket)
        self._sockets[socket.client_id] = socket

    def remove(self, socket: Socket) -> None:
        """Forget a socket; its id stays with a newer one."""
        self._all.discard(socket)
        if self._sockets.get(socket.client_id) is socket:
            del self._sockets[socket.client_id]

    def listens(self, client_id: str | None) -> bool:
        """Whether a message to this client would reach anybody; None asks for all clients."""
        return bool(self._sockets) if client_id is None else client_id in self._sockets

    def send(self, client_id: str | None, message: Message) -> None:
        """Send to one client if it is connected, or to all for None."""
        if client_id is None:
            for socket in self._sockets.values():
                socket.put(message)
        elif (found := self._sockets.get(client_id)) is not None:
            found.put(message)

    def send_logs(self, entries: list[Mapping[str, Any]]) -> None:
        """Send log lines to those who asked for them."""
        message = None
        for socket in self._sockets.values():
            if socket.wants_logs:
                message = message or text("logs", {"entries": entries, "size": None})
                socket.put(message)

    def subscribe_logs(self, client_id: str, enabled: bool) -> None:
        """Begin or end sending log lines to a client."""
        if (found := self._sockets.get(client_id)) is not None:
            found.wants_logs = enabled

    def say_status(self, remaining: int, owner: str | None = None) -> None:
        """Tell everybody how many jobs remain: the owner of the job at once, others soon and thinned out."""
        self._remaining = remaining
        if not self._sockets:
            return
        if owner is not None and owner in self._sockets:
            self._sockets[owner].put(text("status", {"status": self.status_of(self._remaining)}))
            self._late.discard(owner)
            if len(self._sockets) == 1:
                return
        self._late.update(client for client in self._sockets if client != owner)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(STATUS_SECONDS, self._say_late)

    def _say_late(self) -> None:
        self._timer = None
        message = text("status", {"status": self.status_of(self._remaining)}, key="status")
        for client in self._late:
            if client in self._sockets:
                self._sockets[client].put(message)
        self._late.clear()

    async def say_goodbye(self) -> None:
        """Close every socket; the server is going away."""
        await asyncio.gather(*(socket.say_goodbye() for socket in self._all), return_exceptions=True)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
