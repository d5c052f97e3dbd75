"""`/userdata` and `/v2/userdata`: files that editors keep for a user (protocol §1.8)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from graph_runtime.folders import UnsafePath, confine
from server.errors import Refused
from server.files import is_unfinished, write_file
from server.keys import USERS
from server.routes.query import says
from server.routes.route import Route
from server.routes.users import user_of
from server.routes.view import INERT, content_type_of
from server.user_files import UnknownUser

__all__ = ["ROUTES"]


async def get_listing(request: web.Request) -> web.Response:
    """Files below a folder of the user."""
    query = request.query
    name = query.get("dir", "")
    if not name:
        return _text(400, "Directory not provided")
    try:
        folder = confine(_root(request), name)
    except UnsafePath:
        return _text(403, "Invalid directory")
    if not await asyncio.to_thread(folder.is_dir):
        return _text(404, "Directory not found")
    files = await asyncio.to_thread(lambda: list(_walk(folder, says(request, "recurse", "true"))))
    if says(request, "full_info", "true"):
        described = await asyncio.to_thread(lambda: [_info(path, folder) for path in files])
        return web.json_response([item for item in described if item is not None])
    names = [path.relative_to(folder).as_posix() for path in files]
    if says(request, "split", "true"):
        return web.json_response([[name, *name.split("/")] for name in names])
    return web.json_response(names)


async def get_file(request: web.Request) -> web.StreamResponse:
    """One file as it is, never as a page that runs."""
    path = _path(request, "file")
    if not await asyncio.to_thread(path.is_file):
        return _text(404, "File not found")
    response = web.FileResponse(path)
    response.content_type = "text/css" if path.suffix == ".css" else content_type_of(path.name)
    response.headers["Content-Security-Policy"] = INERT
    return response


async def post_file(request: web.Request) -> web.Response:
    """Store a file."""
    path = _path(request, "file")
    if says(request, "overwrite", "false") and path.exists():
        return _text(409, "File already exists")
    body = await request.read()
    if path.is_dir():
        return _text(403, "A folder has this name")
    await asyncio.to_thread(write_file, path, body)
    return _stored(request, path)


async def delete_file(request: web.Request) -> web.Response:
    """Remove a file."""
    path = _path(request, "file")
    if not path.is_file():
        return _text(404, "File not found")
    await asyncio.to_thread(path.unlink)
    return web.Response(status=204)


async def move_file(request: web.Request) -> web.Response:
    """Give a file another name."""
    source, target = _path(request, "file"), _path(request, "dest")
    if not source.is_file():
        return _text(404, "File not found")
    if says(request, "overwrite", "false") and target.exists():
        return _text(409, "File already exists")
    if target.is_dir():
        return _text(403, "A folder has this name")
    target.parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(os.replace, source, target)
    return _stored(request, target)


async def get_tree(request: web.Request) -> web.Response:
    """Files and folders below a folder, folders first."""
    root = _root(request, unknown=403)
    name = request.query.get("path", "")
    try:
        folder = confine(root, name)
    except UnsafePath:
        return _text(400, "Invalid path requested")
    if not folder.exists():
        return web.json_response([]) if folder == root.resolve() else _text(404, "Requested path not found")
    if not folder.is_dir():
        return _text(400, "Requested path is not a directory")
    return web.json_response(await asyncio.to_thread(_tree, folder, root.resolve()))


def _root(request: web.Request, unknown: int = 500) -> Path:
    try:
        return request.app[USERS].folder(user_of(request))
    except UnknownUser as error:
        raise Refused(unknown, "unknown_user", str(error)) from None


def _path(request: web.Request, part: str) -> Path:
    name = request.match_info[part]
    if not name:
        raise Refused(400, "invalid_filename", "The file name is empty.")
    root = _root(request)
    path = confine(root, name)
    if path == root.resolve():
        raise Refused(400, "invalid_filename", "The file name is empty.")
    return path


def _stored(request: web.Request, path: Path) -> web.Response:
    root = _root(request).resolve()
    if says(request, "full_info", "true"):
        return web.json_response(_info(path, root))
    return web.json_response(path.relative_to(root).as_posix())


def _walk(folder: Path, recurse: bool) -> Iterator[Path]:
    for directory, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if not is_unfinished(name):
                yield Path(directory) / name
        if not recurse:
            return


def _status(path: Path) -> os.stat_result | None:
    """What is known of a file; None when it is gone since its folder was read."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _info(path: Path, root: Path) -> dict[str, Any] | None:
    status = _status(path)
    if status is None:
        return None
    name = path.relative_to(root).as_posix()
    return {"path": name, "size": status.st_size, "modified": status.st_mtime, "created": status.st_ctime}


def _tree(folder: Path, root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for directory, folders, files in os.walk(folder):
        here = Path(directory)
        for name in folders:
            found.append({"name": name, "path": (here / name).relative_to(root).as_posix(), "type": "directory"})
        for name in files:
            status = None if is_unfinished(name) else _status(here / name)
            if status is None:
                continue
            place = {"name": name, "path": (here / name).relative_to(root).as_posix(), "type": "file"}
            found.append({**place, "size": status.st_size, "modified": status.st_mtime})
    return sorted(found, key=lambda item: (item["type"] == "file", item["name"].lower()))


def _text(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=words)


ROUTES = (
    Route("GET", "/userdata", get_listing),
    Route("GET", "/v2/userdata", get_tree),
    Route("POST", "/userdata/{file}/move/{dest}", move_file),
    Route("GET", "/userdata/{file:.+}", get_file),
    Route("POST", "/userdata/{file:.+}", post_file),
    Route("DELETE", "/userdata/{file:.+}", delete_file),
)
