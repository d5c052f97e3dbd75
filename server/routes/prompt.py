"""`/prompt`: submitting work and asking how much there is (protocol §1.2)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from server.bodies import object_body
from server.errors import Refused
from server.keys import DISPATCHER, PACKS, PUBLISHED, SUBMISSIONS
from server.routes.route import Route
from server.submission import Rejected, Submission

__all__ = ["BY_PACK", "ROUTES"]

BY_PACK = "X-Heddle-By-Pack"
"""Marks what a pack submits: packs are asked about the submissions of clients, not about their own."""


async def get_prompt(request: web.Request) -> web.Response:
    """How many jobs are queued or running."""
    return web.json_response({"exec_info": {"queue_remaining": request.app[DISPATCHER].remaining}})


async def post_prompt(request: web.Request) -> web.Response:
    """Submit a job; the answer means that it is on disk."""
    submissions = request.app[SUBMISSIONS]
    body = await object_body(request, open_tokens=True)
    if BY_PACK not in request.headers:
        body = await request.app[PACKS].on_prompt(body, request.app[PUBLISHED].packs)
    if "prompt" not in body:
        if body.get("number") is None:
            submissions.ticket()
        return _failure("no_prompt", "No prompt provided", "No prompt provided")
    try:
        submitted, _ = await submissions.submit(_submission(body))
    except Rejected as rejected:
        return web.json_response({"error": rejected.error, "node_errors": rejected.node_errors}, status=400)
    except Refused as refused:
        if refused.status != 409:
            raise
        return _failure("prompt_id_in_use", refused.what, refused.fix)
    return web.json_response({"prompt_id": submitted.id, "number": submitted.number, "node_errors": submitted.problems})


def _submission(body: dict[str, Any]) -> Submission:
    extra_data = body.get("extra_data") or {}
    if not isinstance(extra_data, dict):
        raise Refused(400, "invalid_extra_data", "extra_data must be an object.")
    client_id = body.get("client_id", extra_data.get("client_id"))
    if client_id is not None:
        client_id = str(client_id)
        extra_data = {**extra_data, "client_id": client_id}
    targets = body.get("partial_execution_targets")
    if targets is not None and not isinstance(targets, list):
        raise Refused(400, "invalid_targets", "partial_execution_targets must be a list of node ids.")
    number = body.get("number")
    try:
        number = None if number is None else float(number)
    except (TypeError, ValueError, OverflowError):
        raise Refused(400, "invalid_number", f"number must be a number; it is {number!r}.") from None
    prompt_id = body.get("prompt_id")
    return Submission(
        graph=body["prompt"],
        targets=None if targets is None else [str(target) for target in targets],
        extra_data=extra_data,
        client_id=client_id,
        number=number,
        front=bool(body.get("front")),
        id=None if prompt_id is None else str(prompt_id),
        replaces_finished=True,
    )


def _failure(code: str, message: str, details: str) -> web.Response:
    error = {"type": code, "message": message, "details": details, "extra_info": {}}
    return web.json_response({"error": error, "node_errors": {}}, status=400)


ROUTES = (Route("GET", "/prompt", get_prompt), Route("POST", "/prompt", post_prompt))
