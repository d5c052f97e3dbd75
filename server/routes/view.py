"""`/view` and `/view_metadata`: files of the input, output and temp folders (protocol §1.5)."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import os
import struct
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import hdrs, web

from graph_runtime.folders import Folders, UnknownFolder, UnsafePath, confine
from server import pictures
from server.errors import Refused
from server.keys import FOLDERS
from server.routes.route import Route

__all__ = ["INERT", "ROUTES", "content_type_of", "is_active", "locate", "make_inert"]

_PLAIN_TEXTS = frozenset({"text/plain", "text/csv", "text/markdown"})
INERT = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'"
"""Policy for files that people put here: shown as pictures, never run as pages (an SVG may hold scripts)."""
MAX_HEADER_BYTES = 1024 * 1024
"""Longest safetensors header that is looked into."""


async def get_view(request: web.Request) -> web.StreamResponse:
    """A file as it is, or a picture of it in another form."""
    query = request.query
    if "filename" not in query:
        return web.Response(status=404)
    path = locate(request.app[FOLDERS], query["filename"], query.get("type", "output"), query.get("subfolder", ""))
    if not await asyncio.to_thread(path.is_file):
        return web.Response(status=404)
    channel = query.get("channel")
    if "preview" in query:
        body, kind = await asyncio.to_thread(pictures.preview, path, query["preview"], channel or "")
        return _picture(body, kind, path.name)
    if channel == "rgb" or channel == "a":
        body = await asyncio.to_thread(pictures.channel, path, channel)
        return _picture(body, "image/png", path.name)
    return await asyncio.to_thread(_file, path)


async def get_view_metadata(request: web.Request) -> web.Response:
    """The metadata in a safetensors header."""
    name = request.query.get("filename", "")
    if not name.endswith(".safetensors"):
        return web.Response(status=404)
    try:
        path = request.app[FOLDERS].find(request.match_info["folder"], name)
    except UnknownFolder:
        path = None
    if path is not None and not request.app[FOLDERS].holds(request.match_info["folder"], path):
        path = None
    metadata = None if path is None else await asyncio.to_thread(read_metadata, path)
    return web.Response(status=404) if metadata is None else web.json_response(metadata)


def locate(folders: Folders, filename: str, kind: str, subfolder: str) -> Path:
    """The path that a client means; it need not exist.

    Raises:
        Refused: 400 for an empty or absolute name, `..`, or an unknown folder; 403 when it leads outside.
    """
    for ending in ("input", "output", "temp"):
        if filename.endswith(f"[{ending}]"):
            filename, kind = filename[: -len(ending) - 2].rstrip(), ending
    if not filename or filename.startswith(("/", "\\")) or ".." in filename or "\0" in filename:
        raise Refused(400, "invalid_filename", f"The filename {filename!r} cannot be used.", "Give a plain file name.")
    try:
        root = folders.root(kind)
    except UnknownFolder as error:
        raise Refused(400, "invalid_type", str(error)) from None
    name = os.path.basename(filename.replace("\\", "/"))
    try:
        return confine(confine(root, subfolder) if subfolder else root, name) if name else confine(root, subfolder)
    except UnsafePath as error:
        raise Refused(403, "unsafe_path", str(error)) from None


def content_type_of(name: str) -> str:
    """The type a file is served as: guessed from its name, but never one that a browser would run."""
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return "application/octet-stream" if is_active(guessed) and guessed != "image/svg+xml" else guessed


def is_active(kind: str) -> bool:
    """Whether a browser may run something in a file of this type: markup, scripts, styles."""
    main, _, sub = kind.partition("/")
    if main == "text":
        return kind not in _PLAIN_TEXTS
    return any(word in sub for word in ("xml", "html", "script", "flash", "pdf"))


def read_metadata(path: Path) -> dict[str, Any] | None:
    """`__metadata__` of a safetensors file; None when it has none, or is no such file."""
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            if length > MAX_HEADER_BYTES:
                return None
            header = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError, struct.error):
        return None
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return metadata if isinstance(metadata, dict) else None


def _file(path: Path) -> web.FileResponse:
    response = web.FileResponse(path)
    response.content_type = content_type_of(path.name)
    make_inert(response, path.name)
    return response


def _picture(body: bytes, kind: str, name: str) -> web.Response:
    response = web.Response(body=body, content_type=kind)
    make_inert(response, name)
    return response


def make_inert(response: web.StreamResponse, name: str) -> None:
    """Say that a file is nothing to run, whatever it is; markup and scripts are saved instead of shown."""
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("\r", " ").replace("\n", " ")
    opens = "attachment; " if is_active(mimetypes.guess_type(name)[0] or "") else ""
    disposition = f'{opens}filename="{plain}"'
    if plain != name:
        disposition += f"; filename*=UTF-8''{quote(name)}"
    response.headers[hdrs.CONTENT_DISPOSITION] = disposition
    response.headers["Content-Security-Policy"] = INERT
    response.headers["X-Content-Type-Options"] = "nosniff"


ROUTES = (Route("GET", "/view", get_view), Route("GET", "/view_metadata/{folder}", get_view_metadata))
