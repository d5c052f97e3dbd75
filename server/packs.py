"""Packs as the server sees them: folders on disk, and routes that a worker answers on a loopback port."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    WSCloseCode,
    WSMsgType,
    hdrs,
    web,
)
from multidict import CIMultiDict

from server.errors import Refused

__all__ = ["Pack", "Packs"]

log = logging.getLogger("heddle.packs")

_Socket = web.WebSocketResponse | ClientWebSocketResponse
_CLOSE_CODES = frozenset({1000, 1001, 1003, *range(1007, 1015), *range(3000, 5000)})
"""Codes that may be sent when a websocket is closed (RFC 6455, section 7.4)."""
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding"}
    | {"upgrade", "host", "content-length", "content-encoding"}
)
_NOT_FOR_PACKS = frozenset({"authorization", "cookie", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"})
"""Headers that are settled here: a worker refuses what a browser would send it directly."""
KEY_HEADER = "X-Heddle-Pack-Key"
"""Shows the worker that the server asks: no other process, and no page in a browser, can call packs' routes."""
ON_PROMPT_SECONDS = 10.0
"""How long packs may take to look at a submission."""


class Pack:
    """One pack.

    Args:
        data: what the worker published about it.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.name = str(data["name"])
        self.web = {str(name): Path(folder) for name, folder in (data.get("web") or {}).items()}
        self.folder = Path(data["path"]) if data.get("path") else None
        self.port: int | None = data.get("routes_port")
        self.key = str(data.get("routes_key") or "")
        self.changes_prompts = bool(data.get("on_prompt"))
        self.routes = [_compile(route) for route in data.get("routes") or ()]

    def answers(self, method: str, path: str) -> bool:
        """Whether the pack registered a route for this request."""
        return any(own in (method, "*") and pattern.fullmatch(path) for own, pattern in self.routes)


class Packs:
    """All packs, and the way to their routes.

    Args:
        session: makes the requests to workers.
    """

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._data: Sequence[Mapping[str, Any]] | None = None
        self._packs: list[Pack] = []

    def use(self, data: Sequence[Mapping[str, Any]]) -> list[Pack]:
        """The packs that these published facts describe."""
        if data is not self._data:
            self._data, self._packs = data, [Pack(item) for item in data]
        return self._packs

    async def answer(self, request: web.Request, data: Sequence[Mapping[str, Any]]) -> web.StreamResponse | None:
        """Pass a request on to the pack that registered its route; None when none did.

        Raises:
            Refused: 502, when the worker does not answer.
        """
        path = request.path
        methods = {request.method, hdrs.METH_GET} if request.method == hdrs.METH_HEAD else {request.method}
        bare = path.removeprefix("/api") if path.startswith("/api/") else path
        for pack in self.use(data):
            if pack.port is not None and any(pack.answers(m, p) for m in methods for p in (path, bare)):
                talks = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
                return await (self._join(request, pack) if talks else self._pass_on(request, pack))
        return None

    async def on_prompt(self, body: dict[str, Any], data: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Let packs change a submission before it is checked; a failing pack changes nothing."""
        limit = ClientTimeout(total=ON_PROMPT_SECONDS)
        for pack in self.use(data):
            if pack.port is None or not pack.changes_prompts:
                continue
            url = f"http://127.0.0.1:{pack.port}/heddle/on_prompt"
            headers = {KEY_HEADER: pack.key}
            try:
                async with self._session.post(url, json=body, timeout=limit, headers=headers) as answer:
                    if answer.status != 200:
                        raise ValueError(f"status {answer.status}")
                    changed = await answer.json()
            except (ClientError, OSError, ValueError, TimeoutError) as error:
                why = "it took too long" if isinstance(error, TimeoutError) else error
                log.warning("pack %s could not look at a submission and it is taken as it is: %s", pack.name, why)
                continue
            if isinstance(changed, dict):
                body = changed
        return body

    async def _pass_on(self, request: web.Request, pack: Pack) -> web.StreamResponse:
        url, headers = _forwarded(request, pack)
        body = await request.read() if request.can_read_body else None
        limit = ClientTimeout(total=600)
        try:
            answer = await self._session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False, timeout=limit
            )
        except (ClientError, OSError) as error:
            log.warning("the worker did not answer %s %s of a pack: %s", request.method, request.path, error)
            raise Refused(502, "pack_unreachable", "The worker of this pack is not there.", "Try again.") from error
        async with answer:
            response = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    response.headers.add(name, value)
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            if hdrs.CONTENT_ENCODING not in answer.headers:
                response.content_length = answer.content_length
            await response.prepare(request)
            async for chunk in answer.content.iter_chunked(64 * 1024):
                await response.write(chunk)
            await response.write_eof()
            return response

    async def _join(self, request: web.Request, pack: Pack) -> web.StreamResponse:
        """Connect a client's websocket with the one that a pack serves, until either is closed."""
        url, headers = _forwarded(request, pack)
        protocols = [one.strip() for one in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",") if one]
        try:
            there = await self._session.ws_connect(url, headers=headers, protocols=protocols, max_msg_size=0)
        except (ClientError, OSError) as error:
            log.warning("a pack did not take the websocket %s: %s", request.path, error)
            raise Refused(502, "pack_unreachable", f"The pack took no websocket: {error}.") from error
        async with there:
            spoken = [there.protocol] if there.protocol else ()
            here = web.WebSocketResponse(protocols=spoken, max_msg_size=request.client_max_size)
            await here.prepare(request)
            ways = [asyncio.create_task(_carry(here, there)), asyncio.create_task(_carry(there, here))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                code = there.close_code
                await here.close(code=WSCloseCode.OK if code is None or code not in _CLOSE_CODES else code)
        return here


def _forwarded(request: web.Request, pack: Pack) -> tuple[str, CIMultiDict[str]]:
    """The address at a pack's worker, and what is said to it."""
    url = f"http://127.0.0.1:{pack.port}{request.rel_url.raw_path}"
    if request.rel_url.raw_query_string:
        url += f"?{request.rel_url.raw_query_string}"
    dropped = _HOP_BY_HOP | _NOT_FOR_PACKS
    headers = CIMultiDict(
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in dropped and not name.lower().startswith("sec-websocket-")
    )
    headers[KEY_HEADER] = pack.key
    return url, headers


async def _carry(source: _Socket, target: _Socket) -> None:
    """Pass on what one end says until it is closed."""
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)


def _compile(route: str) -> tuple[str, re.Pattern[str]]:
    """Method and pattern of "GET /path/{name}"."""
    method, _, path = route.partition(" ")
    parts = re.split(r"\{[^:{}]+(?::((?:[^{}]|\{[^{}]*\})+))?\}", path)
    pattern = re.escape(parts[0])
    for index in range(1, len(parts), 2):
        pattern += f"(?:{parts[index] or '[^{}/]+'})" + re.escape(parts[index + 1])
    return method, re.compile(pattern)
