"""`/models`, `/experiment/models` and `/embeddings`: what lies in the model folders (protocol §1.7)."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

from aiohttp import web

from graph_runtime.folders import UnsafePath, confine
from server import pictures
from server.errors import Refused
from server.keys import FOLDERS
from server.routes.route import Route
from server.routes.view import read_metadata

__all__ = ["ROUTES"]

_NOT_LISTED = ("configs", "custom_nodes")
_SIDE_PICTURES = (".webp", ".png", ".jpg", ".jpeg", ".gif", ".bmp")


async def get_embeddings(request: web.Request) -> web.Response:
    """Names of embeddings without their extensions."""
    names = await asyncio.to_thread(request.app[FOLDERS].names, "embeddings")
    return web.json_response([os.path.splitext(name)[0] for name in names])


async def get_folders(request: web.Request) -> web.Response:
    """Keys of the model folders."""
    return web.json_response(list(request.app[FOLDERS].keys))


async def get_names(request: web.Request) -> web.Response:
    """File names of one folder."""
    key = _key(request)
    return web.json_response(await asyncio.to_thread(request.app[FOLDERS].names, key))


async def get_directories(request: web.Request) -> web.Response:
    """Every folder with its directories."""
    folders = request.app[FOLDERS]
    shown = [key for key in folders.keys if key not in _NOT_LISTED]
    return web.json_response(
        [{"name": key, "folders": [str(path) for path in folders.model_dirs(key)]} for key in shown]
    )


async def get_files(request: web.Request) -> web.Response:
    """Files of one folder with size and times."""
    key = _key(request)
    folders = request.app[FOLDERS]
    return web.json_response(await asyncio.to_thread(_files, folders.names(key), folders.model_dirs(key)))


async def get_preview(request: web.Request) -> web.Response:
    """A picture of a model: one that lies beside it, or the one in its metadata."""
    key = _key(request)
    directories = request.app[FOLDERS].model_dirs(key)
    index = request.match_info["index"]
    if not (index.isascii() and index.isdigit()) or int(index[:9]) >= len(directories):
        return web.Response(status=404)
    body = await asyncio.to_thread(_cover, directories[int(index)], request.match_info["file"])
    return web.Response(status=404) if body is None else web.Response(body=body, content_type="image/webp")


def _key(request: web.Request) -> str:
    """The folder named in the path; a legacy alias is no key here.

    Raises:
        HTTPNotFound: for an unknown key.
    """
    key = request.match_info["folder"]
    if key not in request.app[FOLDERS].keys:
        raise web.HTTPNotFound
    return key


def _files(names: list[str], directories: list[Path]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in names:
        for index, directory in enumerate(directories):
            try:
                status = (directory / name).stat()
            except OSError:
                continue
            times = {"modified": status.st_mtime, "created": status.st_ctime}
            found.append({"name": name, "pathIndex": index, **times, "size": status.st_size})
            break
    return found


def _cover(directory: Path, name: str) -> bytes | None:
    """A picture beside a model or in it; what leads out of the directory, by a link as well, is not there."""
    stem = os.path.splitext(name)[0]
    try:
        path = confine(directory, name)
        for beside in (f"{stem}{middle}{suffix}" for middle in ("", ".preview") for suffix in _SIDE_PICTURES):
            candidate = confine(directory, beside)
            if candidate.is_file():
                return pictures.cover(candidate)
    except (UnsafePath, OSError, ValueError):
        return None
    metadata = read_metadata(path) if path.suffix == ".safetensors" else None
    try:
        images = _images(metadata["ssmd_cover_images"]) if metadata and "ssmd_cover_images" in metadata else []
        return pictures.cover(base64.b64decode(images[0])) if images else None
    except (ValueError, TypeError, IndexError, Refused):
        return None


def _images(text: Any) -> list[Any]:
    """The list of pictures in the metadata, written as JSON text."""
    images = json.loads(text)
    return images if isinstance(images, list) else []


ROUTES = (
    Route("GET", "/embeddings", get_embeddings),
    Route("GET", "/models", get_folders),
    Route("GET", "/models/{folder}", get_names),
    Route("GET", "/experiment/models", get_directories),
    Route("GET", "/experiment/models/{folder}", get_files),
    Route("GET", "/experiment/models/preview/{folder}/{index}/{file:.+}", get_preview),
)
