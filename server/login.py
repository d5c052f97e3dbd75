"""How a browser shows that it knows the token: a page with one field, and a cookie for whoever fills it in.

`/?token=SECRET` does the same in one step; the browser is sent on at once, so that the token stays in no history. The
cookie is not the token, is unreadable for scripts, and is not sent along by pages of other sites.
"""

from __future__ import annotations

import asyncio
import html
import logging
from urllib.parse import parse_qs

from aiohttp import hdrs, web
from yarl import URL

from server.bodies import bounded_body
from server.security import COOKIE, LOGIN, is_token, session_of
from server.settings import Settings

__all__ = ["add_login", "asks_for_page", "page", "take_token"]

log = logging.getLogger("heddle.security")

WRONG_SECONDS = 0.5
"""How long a wrong token waits for its answer."""
_MAX_FORM_BYTES = 16 * 1024
_SECONDS = 30 * 24 * 3600
"""How long a browser stays logged in."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = (
    "body{font:16px/1.5 system-ui;color-scheme:light dark;display:grid;place-items:center;min-height:90vh;margin:0}"
    "form{display:grid;gap:.75rem;width:min(20rem,90vw)}input,button{font:inherit;padding:.5rem}p{margin:0}"
)


def asks_for_page(request: web.Request) -> bool:
    """Whether a person looks at the answer: a browser that opens a page."""
    return request.method == hdrs.METH_GET and "text/html" in request.headers.get(hdrs.ACCEPT, "")


def page(status: int = 401, said: str = "") -> web.Response:
    """The page that asks for the token."""
    problem = f"<p role=alert>{html.escape(said)}</p>" if said else ""
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Heddle</title><style>{_STYLE}</style>"
        f"<form method=post action={LOGIN}><h1>Heddle</h1>{problem}"
        "<label for=token>Token of this server</label>"
        "<input id=token name=token type=password autocomplete=current-password required autofocus>"
        "<button>Open</button></form></html>"
    )
    headers = {"Content-Security-Policy": _POLICY, hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def take_token(request: web.Request, settings: Settings) -> web.Response | None:
    """Log in a browser that opens a page with the right `?token=`: a cookie, and the address without the token."""
    offered = request.query.get("token")
    if settings.token is None or offered is None or not asks_for_page(request) or not is_token(offered, settings.token):
        return None
    rest = request.rel_url.without_query_params("token")
    return _welcome(settings, URL.build(path="/" + rest.path.lstrip("/"), query=rest.query))


def add_login(app: web.Application, settings: Settings) -> None:
    """Register the page and its form."""

    async def show(request: web.Request) -> web.Response:
        if settings.token is None:
            return _onward(URL("/"))
        return page(200)

    async def enter(request: web.Request) -> web.Response:
        if settings.token is None:
            return _onward(URL("/"))
        form = parse_qs((await bounded_body(request, _MAX_FORM_BYTES)).decode("utf-8", "replace"))
        if is_token(form.get("token", [""])[0], settings.token):
            return _welcome(settings, URL("/"))
        log.warning("a wrong token was given by %s", request.remote)
        await asyncio.sleep(WRONG_SECONDS)
        return page(401, "That is not the token of this server.")

    app.router.add_get(LOGIN, show)
    app.router.add_post(LOGIN, enter)


def _welcome(settings: Settings, where: URL) -> web.Response:
    response = _onward(where)
    response.set_cookie(
        COOKIE,
        session_of(settings.token or ""),
        max_age=_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=settings.tls_key is not None,
        path="/",
    )
    return response


def _onward(where: URL) -> web.Response:
    return web.Response(status=303, headers={hdrs.LOCATION: str(where), hdrs.CACHE_CONTROL: "no-store"})
