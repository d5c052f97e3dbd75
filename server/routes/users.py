"""`/users` and `/settings` (protocol §1.8)."""

from __future__ import annotations

import asyncio

from aiohttp import web

from server.bodies import object_body, read_json
from server.errors import Refused
from server.keys import USERS
from server.routes.route import Route
from server.user_files import DEFAULT_USER, DuplicateUser, UnknownUser

__all__ = ["ROUTES", "user_of"]

USER_HEADER = "comfy-user"


def user_of(request: web.Request) -> str | None:
    """The user that the request names."""
    return request.headers.get(USER_HEADER)


async def get_users(request: web.Request) -> web.Response:
    """One user or several."""
    users = request.app[USERS]
    if users.multi:
        return web.json_response({"storage": "server", "users": await asyncio.to_thread(users.names)})
    return web.json_response({"storage": "server", "migrated": (users.root / DEFAULT_USER).is_dir()})


async def post_users(request: web.Request) -> web.Response:
    """Make a user."""
    users = request.app[USERS]
    body = await object_body(request)
    name = body.get("username")
    if not users.multi:
        raise Refused(400, "single_user", "There is one user only.", "Start the server with --multi-user.")
    if not isinstance(name, str):
        raise Refused(400, "invalid_body", "username must be a text.")
    try:
        return web.json_response(await asyncio.to_thread(users.add, name))
    except DuplicateUser as error:
        return web.json_response({"error": str(error)}, status=400)
    except ValueError as error:
        raise Refused(400, "invalid_username", str(error)) from None


async def get_settings(request: web.Request) -> web.Response:
    """All settings of the user."""
    return web.json_response(await _settings(request))


async def get_setting(request: web.Request) -> web.Response:
    """One setting, or null."""
    return web.json_response((await _settings(request)).get(request.match_info["id"]))


async def post_settings(request: web.Request) -> web.Response:
    """Merge settings."""
    body = await object_body(request)
    await _change(request, body)
    return web.Response()


async def post_setting(request: web.Request) -> web.Response:
    """Set one setting."""
    await _change(request, {request.match_info["id"]: await read_json(request)})
    return web.Response()


async def _settings(request: web.Request) -> dict[str, object]:
    try:
        return await asyncio.to_thread(request.app[USERS].settings, user_of(request))
    except UnknownUser as error:
        raise Refused(401, "unknown_user", str(error)) from None


async def _change(request: web.Request, values: dict[str, object]) -> None:
    def merge(settings: dict[str, object]) -> None:
        settings.update(values)

    try:
        await asyncio.to_thread(request.app[USERS].change_settings, user_of(request), merge)
    except UnknownUser as error:
        raise Refused(401, "unknown_user", str(error)) from None


ROUTES = (
    Route("GET", "/users", get_users),
    Route("POST", "/users", post_users),
    Route("GET", "/settings", get_settings),
    Route("GET", "/settings/{id}", get_setting),
    Route("POST", "/settings", post_settings),
    Route("POST", "/settings/{id}", post_setting),
)
