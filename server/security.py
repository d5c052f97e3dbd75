"""Who may talk to the server: Host, Origin and token are checked before any handler runs.

* Host: a page on the internet can make its own name point to this machine (DNS rebinding), so only names that can be
  ours are served: loopback names, literal addresses, this machine's own name, and those given with `--allow-host`.
* Origin: a browser says which page a request comes from. It must be a page of this server; `null` (a sandboxed page, a
  local file) may read but change nothing. Programs that send no Origin are not browsers and pass.
* Token: when set, every request must carry it: as `Authorization: Bearer`, as the cookie that the editor is given, or
  once as `?token=`.

Source: protocol §1.1.2 for what established clients rely on.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import socket
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from server.errors import Refused
from server.settings import Settings

__all__ = ["COOKIE", "Guard"]

log = logging.getLogger("heddle.security")

COOKIE = "heddle_token"
_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_CROSS_SITE_ALLOWED_PATHS = frozenset({"/healthz", "/readyz"})


class Guard:
    """Decides about requests.

    Args:
        settings: addresses, token, CORS origin and extra host names.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        own = {socket.gethostname().lower()} if settings.is_exposed else set()
        self._names = {"localhost"} | own | {name.lower() for name in settings.allowed_hosts}

    def check(self, request: web.Request) -> None:
        """Let a request pass.

        Raises:
            Refused: 403 for a foreign host or origin, 401 without the token.
        """
        host = request.headers.get(hdrs.HOST, "")
        name, port = _split(host)
        if not self._is_ours(name):
            log.warning("refused a request for host %r from %s", host, request.remote)
            raise Refused(
                403,
                "unknown_host",
                f"This server does not serve the host {host!r}.",
                f"Start it with --allow-host {name}.",
            )
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and self._settings.cors_origin not in ("*", origin):
            self._check_origin(request, origin, name, port)
        if self._settings.token is not None and request.method != hdrs.METH_OPTIONS:
            self._check_token(request)

    def _check_origin(self, request: web.Request, origin: str, name: str, port: int | None) -> None:
        reads = request.method in _READING and request.headers.get(hdrs.UPGRADE, "").lower() != "websocket"
        if origin == "null":
            if reads:
                return
            raise Refused(403, "null_origin", "A page without an origin may not change anything here.")
        try:
            parts = urlsplit(origin)
            origin_name, origin_port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            origin_name, origin_port = "", None
        if origin_name != name or (port is not None and origin_port is not None and port != origin_port):
            log.warning("refused a request of %s to %s: it comes from %r", request.remote, request.path, origin)
            raise Refused(
                403,
                "foreign_origin",
                f"A page of {origin!r} may not use this server.",
                "Open the editor of this server, or start it with --enable-cors-header ORIGIN.",
            )

    def _check_token(self, request: web.Request) -> None:
        expected = (self._settings.token or "").encode()
        scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        offered = (
            bearer.strip() if scheme.lower() == "bearer" else "",
            request.cookies.get(COOKIE, ""),
            request.query.get("token", ""),
        )
        if not any(hmac.compare_digest(value.encode("utf-8", "replace"), expected) for value in offered):
            raise Refused(
                401,
                "token_required",
                "This server asks for its token.",
                "Open it once with ?token=SECRET, or send the header Authorization: Bearer SECRET.",
            )

    def _is_ours(self, name: str) -> bool:
        if name in self._names or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(name.split("%", 1)[0])
        except ValueError:
            return bool(self._settings.token) and self._settings.is_exposed
        return address.is_loopback or self._settings.is_exposed


def _split(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header; the name is empty when it cannot be read."""
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return "", None
