"""`/upload/image` and `/upload/mask` (protocol §1.5)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from aiohttp import BodyPartReader, web

from graph_runtime.folders import UnknownFolder, UnsafePath, confine
from server import pictures
from server.bodies import parse_json, too_long
from server.errors import Refused
from server.files import digest_of, numbered_names, write_file
from server.keys import FOLDERS, SETTINGS
from server.routes.route import Route
from server.routes.view import locate

__all__ = ["ROUTES"]

_MAX_FIELD = 64 * 1024
_NAMING = threading.Lock()
"""Held while a free name is looked for and taken, so that two uploads never take the same."""


@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    data: bytes
    fields: dict[str, str]

    @property
    def overwrite(self) -> bool:
        return self.fields.get("overwrite") in ("true", "1")


async def upload_image(request: web.Request) -> web.Response:
    """Store a file; an equal one that is there already is used as it is."""
    form = await _read(request)
    folder, subfolder, kind = _place(request, form)
    algorithm = request.app[SETTINGS].hashing
    path = await asyncio.to_thread(_store, folder, form.name, form.data, form.overwrite, algorithm)
    return web.json_response({"name": path.name, "subfolder": subfolder, "type": kind})


async def upload_mask(request: web.Request) -> web.Response:
    """Put the alpha of the uploaded picture into a picture that is here, and store the result."""
    form = await _read(request)
    if "original_ref" not in form.fields:
        raise Refused(400, "no_original", "original_ref is missing.", "Name the picture that the mask belongs to.")
    reference = parse_json(form.fields["original_ref"].encode())
    if not isinstance(reference, dict) or not isinstance(reference.get("filename"), str):
        raise Refused(400, "no_original", "original_ref must be an object with a filename.")
    original = locate(
        request.app[FOLDERS],
        reference["filename"],
        str(reference.get("type", "output")),
        str(reference.get("subfolder", "")),
    )
    if not original.is_file():
        raise Refused(404, "no_original", f"The picture {reference['filename']!r} does not exist.")
    folder, subfolder, kind = _place(request, form)
    data = await asyncio.to_thread(pictures.put_mask, original, form.data)
    algorithm = request.app[SETTINGS].hashing
    path = await asyncio.to_thread(_store, folder, form.name, data, form.overwrite, algorithm)
    return web.json_response({"name": path.name, "subfolder": subfolder, "type": kind})


async def _read(request: web.Request) -> _Form:
    """Read the parts; the file is bounded by the request's size limit."""
    limit = request.app[SETTINGS].max_upload_bytes
    if not request.content_type.startswith("multipart/"):
        raise Refused(400, "no_image", "The body must be a multipart form with a part named image.")
    name: str | None = None
    data = b""
    fields: dict[str, str] = {}
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise Refused(400, "nested_form", "Forms inside forms are not read.", "Send one flat form.")
            if part.name == "image" and part.filename is not None:
                name, data = part.filename, await _bounded(part, limit)
            elif part.name is not None:
                fields[part.name] = (await _bounded(part, _MAX_FIELD)).decode("utf-8", "replace")
    except ValueError as error:
        raise Refused(400, "invalid_form", f"The form cannot be read: {error}.") from error
    if not name:
        raise Refused(400, "no_image", "There is no file in the part named image.", "Attach a file with a name.")
    return _Form(name, data, fields)


async def _bounded(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(256 * 1024):
        data += chunk
        if len(data) > limit:
            raise too_long(limit)
    return bytes(data)


def _place(request: web.Request, form: _Form) -> tuple[Path, str, str]:
    kind = form.fields.get("type", "input")
    subfolder = form.fields.get("subfolder", "")
    try:
        root = request.app[FOLDERS].root(kind)
        return confine(root, subfolder), subfolder, kind
    except UnknownFolder as error:
        raise Refused(400, "invalid_type", str(error)) from None
    except UnsafePath as error:
        raise Refused(400, "unsafe_path", str(error)) from None


def _store(folder: Path, name: str, data: bytes, overwrite: bool, algorithm: str) -> Path:
    clean = os.path.basename(name.replace("\\", "/"))
    if clean in ("", ".", ".."):
        raise Refused(400, "invalid_filename", f"The file name {name!r} cannot be used.", "Give the file a name.")
    try:
        path = confine(folder, clean)
    except UnsafePath as error:
        raise Refused(400, "unsafe_path", str(error)) from None
    if overwrite:
        write_file(path, data)
        return path
    digest = hashlib.new(algorithm, data).hexdigest()

    def fits(candidate: Path) -> bool:
        return not candidate.exists() or (candidate.is_file() and digest_of(candidate, algorithm) == digest)

    with _NAMING:
        path = next(candidate for candidate in numbered_names(path) if fits(candidate))
        if not path.exists():
            write_file(path, data)
    return path


ROUTES = (Route("POST", "/upload/image", upload_image), Route("POST", "/upload/mask", upload_mask))
