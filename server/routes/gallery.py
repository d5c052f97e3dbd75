"""`/templates`: the workflows that ship with the project, as established clients show and open them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp import web

from graph_runtime.catalogue import Catalogue
from server.keys import PUBLISHED
from server.routes.route import Route
from server.settings import PROJECT

__all__ = ["ROUTES"]

_WORKFLOWS = PROJECT / "workflows"
_PICTURES = _WORKFLOWS / "pictures"
_ENDING = "-1.webp"
"""Clients ask for the picture of a workflow under its name with this behind it."""


async def get_index(request: web.Request) -> web.Response:
    """The gallery: one group with every workflow."""
    templates = await asyncio.to_thread(lambda: [_listed(path) for path in sorted(_WORKFLOWS.glob("*.json"))])
    group = {"moduleName": "default", "title": "Heddle", "type": "image", "templates": templates}
    return web.json_response([group] if templates else [])


async def get_logos(request: web.Request) -> web.Response:
    """Logos of the gallery: none."""
    return web.json_response({})


async def get_workflow(request: web.Request) -> web.Response:
    """One workflow, as a saved editor document."""
    path = _WORKFLOWS / f"{request.match_info['name']}.json"
    if path not in await asyncio.to_thread(lambda: set(_WORKFLOWS.glob("*.json"))):
        raise web.HTTPNotFound
    catalogue = await request.app[PUBLISHED].catalogue()
    return web.json_response(await asyncio.to_thread(_as_saved, path, catalogue))


async def get_picture(request: web.Request) -> web.FileResponse:
    """A small picture of what a workflow gives."""
    path = _PICTURES / f"{request.match_info['name']}.webp"
    if path not in await asyncio.to_thread(lambda: set(_PICTURES.glob("*.webp"))):
        raise web.HTTPNotFound
    return web.FileResponse(path)


def _listed(path: Path) -> dict[str, Any]:
    data = json.loads(path.read_text(encoding="utf-8"))
    meta = data.get("meta") or {}
    return {
        "name": path.stem,
        "title": data.get("name") or path.stem.replace("-", " "),
        "description": meta.get("description", ""),
        "mediaType": "image",
        "mediaSubtype": "webp",
    }


def _as_saved(path: Path, catalogue: Catalogue) -> dict[str, Any]:
    from graph_runtime.documents import load, read_json, to_saved  # takes a while to import, and is rarely needed

    return to_saved(load(read_json(path.read_bytes()), catalogue), catalogue)


ROUTES = (
    Route("GET", "/templates/index.json", get_index, "bare"),
    Route("GET", "/templates/index_logo.json", get_logos, "bare"),
    Route("GET", "/templates/{name}" + _ENDING, get_picture, "bare"),
    Route("GET", "/templates/{name}.json", get_workflow, "bare"),
)
