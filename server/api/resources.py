"""Catalogue, files and models of our own API."""

from __future__ import annotations

import asyncio
import stat
import time
from pathlib import Path
from typing import get_args

from aiohttp import web

from graph_runtime.folders import UnsafePath, confine
from server.api import schema
from server.api.operation import Call, Operation
from server.bodies import bounded_body
from server.errors import Refused
from server.files import write_file
from server.keys import FOLDERS, PUBLISHED, SETTINGS
from server.routes.object_info import send_body
from server.routes.view import content_type_of, make_inert

__all__ = ["OPERATIONS"]

_KINDS: tuple[str, ...] = get_args(schema.FolderKind)


async def get_catalogue(call: Call) -> web.Response:
    """Every node as plain data; answers 304 to the tag of what the client has."""
    query: schema.CatalogueQuery = call.query
    return send_body(call.request, await call.request.app[PUBLISHED].catalogue_body(query.newer_than))


async def list_files(call: Call) -> schema.FilesAnswer:
    """Files of the input, output or temp folder, those in folders below included."""
    return schema.FilesAnswer(files=await asyncio.to_thread(_files, _root(call)))


async def get_file(call: Call) -> web.StreamResponse:
    """One file as it is."""
    try:
        path = confine(_root(call), call.path["name"])
    except UnsafePath as error:
        raise Refused(403, "unsafe_path", str(error)) from None
    if not await asyncio.to_thread(path.is_file):
        raise Refused(404, "no_such_file", f"There is no file {call.path['name']!r}.", "List the folder.")
    response = web.FileResponse(path)
    response.content_type = content_type_of(path.name)
    make_inert(response, path.name)
    return response


async def put_file(call: Call) -> schema.FileItem:
    """Store a file for workflows to load; one that is there already is replaced."""
    root = call.request.app[FOLDERS].root("input")
    try:
        path = confine(root, call.path["name"])
    except UnsafePath as error:
        raise Refused(403, "unsafe_path", str(error)) from None
    body = await bounded_body(call.request, call.request.app[SETTINGS].max_upload_bytes)
    if not body:
        raise Refused(422, "empty_file", "The body is empty.", "Send the file as the body of the request.")
    await asyncio.to_thread(write_file, path, body)
    name = path.relative_to(root.resolve()).as_posix()
    return schema.FileItem(name=name, size=len(body), modified=time.time())


async def list_models(call: Call) -> schema.ModelsAnswer:
    """Model files of every folder."""
    folders = call.request.app[FOLDERS]
    return schema.ModelsAnswer(
        folders=await asyncio.to_thread(lambda: {key: folders.names(key) for key in folders.keys})
    )


async def list_model_names(call: Call) -> schema.NamesAnswer:
    """Model files of one folder."""
    folders = call.request.app[FOLDERS]
    key = call.path["folder"]
    if key not in folders.keys:
        raise Refused(
            404, "no_such_folder", f"There is no model folder {key!r}.", f"There are {', '.join(folders.keys)}."
        )
    return schema.NamesAnswer(names=await asyncio.to_thread(folders.names, key))


def _root(call: Call) -> Path:
    kind = call.path["kind"]
    if kind not in _KINDS:
        raise Refused(404, "no_such_folder", f"There is no folder {kind!r}.", f"Use {', '.join(_KINDS)}.")
    return call.request.app[FOLDERS].root(kind)


def _files(root: Path) -> list[schema.FileItem]:
    found = []
    for path in root.rglob("*"):
        if path.name.startswith("."):
            continue
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # removed while we were looking
        if stat.S_ISREG(status.st_mode):
            name = path.relative_to(root).as_posix()
            found.append(schema.FileItem(name=name, size=status.st_size, modified=status.st_mtime))
    return sorted(found, key=lambda file: (-file.modified, file.name))


_NOT_FOUND = {404: schema.ProblemsAnswer}

OPERATIONS = (
    Operation(
        "get_catalogue",
        "GET",
        "/catalogue",
        get_catalogue,
        "Every node: inputs, outputs, choices.",
        "catalogue",
        {200: schema.CatalogueAnswer, 304: None},
        query=schema.CatalogueQuery,
    ),
    Operation(
        "list_files",
        "GET",
        "/files/{kind}",
        list_files,
        "List files of input, output or temp.",
        "files",
        {200: schema.FilesAnswer, **_NOT_FOUND},
        choices={"kind": _KINDS},
    ),
    Operation(
        "get_file",
        "GET",
        "/files/{kind}/{name:.+}",
        get_file,
        "Fetch a file.",
        "files",
        {200: None, **_NOT_FOUND},
        gives="*/*",
        choices={"kind": _KINDS},
    ),
    Operation(
        "put_file",
        "PUT",
        "/files/input/{name:.+}",
        put_file,
        "Store a file that workflows can load.",
        "files",
        {201: schema.FileItem, 409: schema.ProblemsAnswer},
        takes=("application/octet-stream", "image/png", "image/jpeg", "image/webp"),
    ),
    Operation(
        "list_models",
        "GET",
        "/models",
        list_models,
        "List model files by folder.",
        "models",
        {200: schema.ModelsAnswer},
    ),
    Operation(
        "list_model_names",
        "GET",
        "/models/{folder}",
        list_model_names,
        "List model files of a folder.",
        "models",
        {200: schema.NamesAnswer, **_NOT_FOUND},
    ),
)
