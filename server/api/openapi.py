"""The OpenAPI 3.1 document, made of the same declarations that validate requests; and a page to read it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.api.operation import Operation
from server.api.schema import Problem, ProblemsAnswer

__all__ = ["document", "page"]

_REFUSALS = {
    400: "The body is no JSON.",
    401: "The token is missing.",
    403: "A foreign host or origin, or a path outside its folder.",
    405: "The path has no such method.",
    413: "The body is too long.",
    415: "The body is no application/json.",
    422: "The request does not fit its declaration, or the workflow cannot run.",
    503: "No worker is up yet, or the server is stopping.",
}


def document(operations: Iterable[Operation], prefix: str) -> dict[str, Any]:
    """The whole description of operations whose paths begin with a prefix."""
    operations = list(operations)
    models: list[type[BaseModel]] = [Problem, ProblemsAnswer]
    for operation in operations:
        declared = (operation.body, operation.query, operation.headers, operation.items, *operation.answers.values())
        models += [model for model in declared if model]
    unique = list(dict.fromkeys(models))
    references, definitions = models_json_schema(
        [(model, "validation") for model in unique], ref_template="#/components/schemas/{model}"
    )
    schema_of = {model: references[(model, "validation")] for model in unique}
    paths: dict[str, Any] = {}
    for operation in operations:
        path = prefix + re.sub(r"\{(\w+):[^{}]*\}", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation, path, schema_of, definitions)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heddle",
            "version": "1",
            "description": "Submit workflows, follow jobs, convert documents.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _describe(
    operation: Operation, path: str, schema_of: dict[Any, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    name = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]+$"}
    parameters: list[dict[str, Any]] = [
        {
            "name": part,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": list(operation.choices[part])} if part in operation.choices else name,
        }
        for part in re.findall(r"\{(\w+)\}", path)
    ]
    for place, model in (("header", operation.headers), ("query", operation.query)):
        if model is not None:
            parameters += _parameters(place, definitions["$defs"][model.__name__])
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": {str(status): _answer(operation, model, schema_of) for status, model in operation.answers.items()},
    }
    problems = {"application/json": {"schema": schema_of[ProblemsAnswer]}}
    for status, words in _REFUSALS.items():
        described["responses"].setdefault(str(status), {"description": words, "content": problems})
    if operation.leads_to:
        good = described["responses"][str(next(iter(operation.answers)))]
        good["links"] = {
            name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in operation.leads_to
        }
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": schema_of[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    elif operation.takes:
        described["requestBody"] = {"required": True, "content": {kind: {} for kind in operation.takes}}
    return described


def _parameters(place: str, schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The parameters that a model declares; one without a value is left out, so null is no value of theirs."""
    for name, value in schema.get("properties", {}).items():
        kinds = [kind for kind in value.get("anyOf", ()) if kind != {"type": "null"}]
        plain = {key: item for key, item in value.items() if key not in ("anyOf", "default") or item is not None}
        if len(kinds) == 1:
            plain = {**kinds[0], **{key: item for key, item in plain.items() if key != "anyOf"}}
        words = plain.pop("description", "")
        yield {"name": name, "in": place, "required": False, "description": words, "schema": plain}


def _answer(operation: Operation, model: type[BaseModel] | None, schema_of: dict[Any, Any]) -> dict[str, Any]:
    if operation.items is not None:
        return {
            "description": operation.summary,
            "content": {operation.gives: {"x-item-schema": schema_of[operation.items]}},
        }
    if model is None:
        return {"description": operation.summary, "content": {operation.gives: {}}}
    return {
        "description": (model.__doc__ or "").split("\n", 1)[0],
        "content": {"application/json": {"schema": schema_of[model]}},
    }


def page(described: dict[str, Any]) -> str:
    """The same to read: every operation with its parameters, body and answers."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Heddle API</title>"
        "<meta name='viewport' content='width=device-width'><style>body{font:16px/1.5 system-ui;max-width:60rem;"
        "margin:2rem auto;padding:0 1rem;color-scheme:light dark}code,h3{font-family:ui-monospace,monospace}"
        "h3{border-top:1px solid #8886;padding-top:1rem;margin-bottom:0}table{border-collapse:collapse}"
        "td{padding:.1rem 1rem .1rem 0;vertical-align:top}</style><h1>Heddle API</h1>"
        "<p>For programs: <a href='/api/v1/openapi.json'>openapi.json</a>.</p>"
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h3>{method.upper()} {html.escape(path)}</h3><p>{html.escape(operation['summary'])}</p>")
            parts.append("<table>" + "".join(_rows(operation)) + "</table>")
    parts.append("<h2>Shapes</h2>")
    for name, schema in described["components"]["schemas"].items():
        parts.append(f"<h3 id='{name}'>{name}</h3><p>{html.escape(schema.get('description', ''))}</p><table>")
        for key, value in schema.get("properties", {}).items():
            words = html.escape(value.get("description", ""))
            parts.append(f"<tr><td><code>{html.escape(key)}</code><td>{_type(value)}<td>{words}")
        parts.append("</table>")
    return "".join(parts) + "</html>"


def _rows(operation: dict[str, Any]) -> Iterable[str]:
    for parameter in operation.get("parameters", ()):
        words = html.escape(parameter.get("description", ""))
        yield f"<tr><td><code>{parameter['name']}</code><td>{parameter['in']}, {_type(parameter['schema'])}<td>{words}"
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<tr><td>body<td>{html.escape(kind)}<td>{_type(body.get('schema', {}))}"
    for status, answer in operation["responses"].items():
        shapes = " ".join(_type(content.get("schema", {})) for content in answer.get("content", {}).values())
        yield f"<tr><td>{status}<td>{html.escape(answer['description'])}<td>{shapes}"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " · ".join(html.escape(str(value)) for value in schema["enum"])
    return html.escape(str(schema.get("type", "any")))
