"""`/templates`: the workflows that ship with the project, as established clients show and open them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from graph_runtime.catalogue import Catalogue
from server.keys import PUBLISHED
from server.routes.route import Route
from server.templates import Template, picture_of, template_path, templates

__all__ = ["ROUTES"]

_ENDING = "-1.webp"
"""Clients ask for the picture of a workflow under its name with this behind it."""


async def get_index(request: web.Request) -> web.Response:
    """The gallery: one group with every workflow."""
    listed = [_listed(one) for one in await asyncio.to_thread(templates)]
    group = {"moduleName": "default", "title": "Heddle", "type": "image", "templates": listed}
    return web.json_response([group] if listed else [])


async def get_logos(request: web.Request) -> web.Response:
    """Logos of the gallery: none."""
    return web.json_response({})


async def get_workflow(request: web.Request) -> web.Response:
    """One workflow, as a saved editor document."""
    path = await asyncio.to_thread(template_path, request.match_info["name"])
    catalogue = await request.app[PUBLISHED].catalogue()
    return web.json_response(await asyncio.to_thread(_as_saved, path, catalogue))


async def get_picture(request: web.Request) -> web.FileResponse:
    """A small picture of what a workflow gives."""
    return web.FileResponse(await asyncio.to_thread(picture_of, request.match_info["name"]))


def _listed(one: Template) -> dict[str, Any]:
    return {
        "name": one.id,
        "title": one.name,
        "description": one.description,
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
