"""An operation of our API: one declaration that validates requests, writes answers and describes both."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import hdrs, web
from pydantic import BaseModel, TypeAdapter, ValidationError

from server.api.schema import Name, Problem
from server.bodies import read_json
from server.errors import Refused

__all__ = ["Call", "InvalidRequest", "Operation", "handle"]

_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose parts have been checked against the operation's declarations."""

    request: web.Request
    path: Mapping[str, str]
    query: Any = None
    headers: Any = None
    body: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: unique; the operationId.
        handler: gives a model or plain data (answered with the first status of `answers`), or a finished response.
        choices: what a part of the path can be, where that is known beforehand.
        leads_to: names of operations whose `id` is the one in the answer.
        query: declares the query parameters.
        headers: declares the request headers that are looked at, by their aliases.
        body: declares the JSON body; None where there is none or the handler reads bytes.
        answers: status → what the body is; None for no JSON body.
        takes: media types of a body that is not declared by `body`.
        gives: media type of the good answer, when it is not JSON.
        items: what each item of a stream is, when the answer never ends.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: Callable[[Call], Awaitable[Any]]
    summary: str
    tag: str
    answers: Mapping[int, type[BaseModel] | None]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    takes: tuple[str, ...] = ()
    gives: str = "application/json"
    items: type[BaseModel] | None = None
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leads_to: tuple[str, ...] = ()


class InvalidRequest(Exception):
    """A request that does not fit its declaration; `problems` names every fault."""

    def __init__(self, problems: list[Problem], status: int = 422) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = problems
        self.status = status


def handle(operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of an operation."""
    good = next(iter(operation.answers))

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            answer = await operation.handler(await _read(operation, request))
        except InvalidRequest as error:
            problems = [problem.model_dump(mode="json") for problem in error.problems]
            return web.json_response({"problems": problems}, status=error.status)
        if isinstance(answer, web.StreamResponse):
            return answer
        text = answer.model_dump_json() if isinstance(answer, BaseModel) else json.dumps(answer)
        return web.Response(text=text, status=good, content_type="application/json")

    return handler


async def _read(operation: Operation, request: web.Request) -> Call:
    for name, value in request.match_info.items():
        try:
            _NAME.validate_python(value)
        except ValidationError as error:
            raise InvalidRequest(_problems(error, f"path.{name}")) from None
    query = headers = body = None
    if operation.query is not None:
        repeated = [name for name in request.query if len(request.query.getall(name)) > 1]
        if repeated:
            raise InvalidRequest([Problem(code="repeated", what=f"The parameter {repeated[0]!r} is given twice.")])
        query = _validated(operation.query, _without(dict(request.query), "token"), "query")
    if operation.headers is not None:
        names = [part.alias or name for name, part in operation.headers.model_fields.items()]
        given = {name: request.headers[name] for name in names if name in request.headers}
        headers = _validated(operation.headers, given, "header")
    if operation.body is not None:
        if request.content_type != "application/json":
            raise Refused(
                415,
                "unsupported_media_type",
                f"The body must be application/json, not {request.headers.get(hdrs.CONTENT_TYPE, 'nothing')}.",
                "Set the header Content-Type.",
            )
        body = _validated(operation.body, await read_json(request), "body")
    return Call(request, dict(request.match_info), query, headers, body)


def _without(values: dict[str, str], name: str) -> dict[str, str]:
    values.pop(name, None)
    return values


def _validated(model: type[BaseModel], data: Any, where: str) -> BaseModel:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidRequest(_problems(error, where)) from None


def _problems(error: ValidationError, where: str) -> list[Problem]:
    return [
        Problem(
            code="invalid_request",
            what=f"{'.'.join([where, *map(str, item['loc'])])}: {item['msg']}.",
            fix="See /api/v1/openapi.json for what is accepted.",
        )
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
