"""Documents of our own API: opening every known format, writing others, and workflows to start from."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from graph_runtime.catalogue import Catalogue
from graph_runtime.documents import Converted, InvalidDocument, convert, read_json, read_media, to_prompt, to_saved
from graph_runtime.errors import HeddleError
from server.api import schema
from server.api.jobs import problems_of
from server.api.opening import opened
from server.api.operation import Call, InvalidRequest, Operation
from server.bodies import MAX_JSON_BYTES, bounded_body, check_values
from server.keys import PUBLISHED
from server.templates import DEFAULT, picture_of, template_path, templates

__all__ = ["OPERATIONS"]


async def convert_document(call: Call) -> schema.ConvertedAnswer:
    """Our document, made of JSON in any known format or of a picture or other file that carries a workflow."""
    body = await bounded_body(call.request, MAX_JSON_BYTES)
    converted, _ = await opened(call.request.app[PUBLISHED], lambda catalogue: _convert(body, catalogue))
    return schema.ConvertedAnswer(
        document=converted.document.to_data(),
        warnings=[warning.to_data() for warning in converted.warnings],
        source=converted.source,
    )


async def export_document(call: Call) -> schema.ExportedAnswer:
    """A document in another format: an API prompt, or what the established editor saves."""
    body: schema.ExportBody = call.body

    def read(catalogue: Catalogue) -> Converted:
        return convert(body.document, catalogue)

    def export() -> dict[str, Any]:
        document = converted.document
        match body.format:
            case "prompt":
                return to_prompt(document, catalogue)
            case "saved":
                return to_saved(document, catalogue)
            case "heddle":
                return document.to_data()

    try:
        converted, catalogue = await opened(call.request.app[PUBLISHED], read)
        return schema.ExportedAnswer(format=body.format, data=await asyncio.to_thread(export))
    except HeddleError as error:
        raise InvalidRequest(problems_of(error)) from None


async def list_templates(call: Call) -> schema.TemplatesAnswer:
    """Workflows that ship with the project."""
    return schema.TemplatesAnswer(
        templates=[
            schema.TemplateItem(
                id=one.id,
                name=one.name,
                description=one.description,
                picture=f"/api/v1/templates/{one.id}/picture" if one.has_picture else None,
            )
            for one in await asyncio.to_thread(templates)
        ]
    )


async def get_template(call: Call) -> schema.TemplateAnswer:
    """One of them as our document; `default` is what the editor opens with."""
    path = await asyncio.to_thread(template_path, DEFAULT if call.path["id"] == "default" else call.path["id"])
    catalogue = await call.request.app[PUBLISHED].catalogue()
    converted = await asyncio.to_thread(_convert, path.read_bytes(), catalogue)
    return schema.TemplateAnswer(document=converted.document.to_data())


async def get_template_picture(call: Call) -> web.FileResponse:
    """A small picture of what a workflow to start from gives."""
    path = await asyncio.to_thread(picture_of, call.path["id"])
    return web.FileResponse(path, headers={"Content-Type": "image/webp"})


def _convert(body: bytes, catalogue: Catalogue) -> Converted:
    try:
        check_values(body)
        is_json = body[:1] in (b"{", b"[", b" ", b"\n", b"\r", b"\t", b"\xef", b"")
        data = read_json(body) if is_json else read_media(body).workflow_data()
        return convert(data, catalogue)
    except (InvalidDocument, HeddleError) as error:
        raise InvalidRequest(problems_of(error)) from None


_ANY = ("application/json", "image/png", "image/webp", "application/octet-stream")

OPERATIONS = (
    Operation(
        "convert_document",
        "POST",
        "/documents/convert",
        convert_document,
        "Open a workflow in any known format.",
        "documents",
        {200: schema.ConvertedAnswer, 422: schema.ProblemsAnswer},
        takes=_ANY,
    ),
    Operation(
        "export_document",
        "POST",
        "/documents/export",
        export_document,
        "Write a workflow in another format.",
        "documents",
        {200: schema.ExportedAnswer, 422: schema.ProblemsAnswer},
        body=schema.ExportBody,
    ),
    Operation(
        "list_templates",
        "GET",
        "/templates",
        list_templates,
        "List workflows to start from.",
        "documents",
        {200: schema.TemplatesAnswer},
    ),
    Operation(
        "get_template",
        "GET",
        "/templates/{id}",
        get_template,
        "Show a workflow to start from.",
        "documents",
        {200: schema.TemplateAnswer, 404: schema.ProblemsAnswer},
    ),
    Operation(
        "get_template_picture",
        "GET",
        "/templates/{id}/picture",
        get_template_picture,
        "Show a small picture of what a workflow gives.",
        "documents",
        {200: None, 404: schema.ProblemsAnswer},
        gives="image/webp",
    ),
)
