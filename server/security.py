"""Who may talk to the server: Host, Origin and token are checked before any handler runs.

* Host: a page on the internet can make its own name point to this machine (DNS rebinding), so only names that can be
  ours are served: loopback names, literal addresses, this machine's own name, and those given with `--allow-host`.
* Origin: a browser says which page a request comes from. It must be a page of this server; `null` (a sandboxed page, a
  local file) may read but change nothing. Where a browser leaves Origin out, for the pictures and scripts of a page,
  it says `Sec-Fetch-Site`. Programs that send neither are not browsers and pass.
* Token: when set, every request must carry it: as `Authorization: Bearer`, as `?token=`, or as the cookie that
  `server.login` gives a browser. Only whether the server lives and is ready may be asked without it.

Source: protocol §1.1.2 for what established clients rely on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import socket
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from server.errors import Refused
from server.settings import Settings

__all__ = ["COOKIE", "LOGIN", "Guard", "is_token", "session_of", "worker_key"]

log = logging.getLogger("heddle.security")

COOKIE = "heddle_session"
LOGIN = "/login"
"""Where a browser gives the token."""
_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_OPEN = frozenset({"/healthz", "/readyz", LOGIN})
"""Paths that need no token."""
_FOR_WORKERS = frozenset({"/prompt", "/queue", "/history", "/free"})
"""Paths, with what is below them, that a worker's key opens."""
_HOSTS = 256
"""Host headers whose parts are remembered; nearly every request has the same one."""
_OTHER_SITES = frozenset({"cross-site", "same-site"})


def session_of(token: str) -> str:
    """The cookie's value: proves that its holder knew the token, without being the token."""
    return hmac.new(token.encode(), b"heddle session", hashlib.sha256).hexdigest()


def worker_key(token: str) -> str:
    """What workers show where packs ask for the queue: it opens nothing else, and does not tell the token."""
    return hmac.new(token.encode(), b"heddle worker", hashlib.sha256).hexdigest()


def is_token(offered: str, token: str) -> bool:
    """Whether a client knows the token; takes as long for a nearly right guess as for a wrong one."""
    return hmac.compare_digest(offered.encode("utf-8", "replace"), token.encode())


class Guard:
    """Decides about requests.

    Args:
        settings: addresses, token, CORS origin and extra host names.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        own = {socket.gethostname().lower()} if settings.is_exposed else set()
        self._names = {"localhost"} | own | {name.lower() for name in settings.allowed_hosts}
        self._session = None if settings.token is None else session_of(settings.token)
        self._worker = None if settings.token is None else worker_key(settings.token)

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
        if self._settings.cors_origin is None and origin is None:
            self._check_embedding(request)
        if origin is not None and self._settings.cors_origin not in ("*", origin):
            self._check_origin(request, origin, name, port)
        if request.method != hdrs.METH_OPTIONS and request.path not in _OPEN:
            self._check_token(request)

    def _check_embedding(self, request: web.Request) -> None:
        """Refuse what pages of other sites load without naming an origin: pictures, scripts, plain reads."""
        site = request.headers.get("Sec-Fetch-Site", "")
        if site in _OTHER_SITES and request.headers.get("Sec-Fetch-Mode") != "navigate":
            log.warning("refused %s to %s: a page of another site loads it", request.remote, request.path)
            raise Refused(403, "foreign_page", "A page of another site may not load this.", "Open it by itself.")

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
        token, session, worker = self._settings.token, self._session, self._worker
        if token is None or session is None or worker is None:
            return
        scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() == "bearer":
            if is_token(bearer.strip(), token):
                return
            if f"/{request.path.split('/')[1]}" in _FOR_WORKERS and is_token(bearer.strip(), worker):
                return
        if is_token(request.cookies.get(COOKIE, ""), session) or is_token(request.query.get("token", ""), token):
            return
        raise Refused(
            401,
            "token_required",
            "This server asks for its token.",
            f"Send the header Authorization: Bearer SECRET, or open {LOGIN} in a browser.",
            headers={hdrs.WWW_AUTHENTICATE: 'Bearer realm="Heddle"'},
        )

    def _is_ours(self, name: str) -> bool:
        if name in self._names or name.endswith(".localhost"):
            return True
        loopback = _is_loopback(name)
        if loopback is None:
            return bool(self._settings.token) and self._settings.is_exposed
        return loopback or self._settings.is_exposed


@lru_cache(_HOSTS)
def _is_loopback(name: str) -> bool | None:
    """Whether a literal address is this machine's own; None for what is no address."""
    try:
        return ipaddress.ip_address(name.split("%", 1)[0]).is_loopback
    except ValueError:
        return None


@lru_cache(_HOSTS)
def _split(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header; the name is empty when it cannot be read."""
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return "", None
