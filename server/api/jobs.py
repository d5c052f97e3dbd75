"""Jobs of our own API."""

from __future__ import annotations

import asyncio
import random
from dataclasses import asdict
from datetime import datetime
from typing import Any

from graph_runtime.documents import InvalidDocument, Texts, convert, to_saved
from graph_runtime.errors import HeddleError, InvalidGraph
from graph_runtime.problems import Problem as Found
from server.api import schema
from server.api.opening import opened
from server.api.operation import Call, InvalidRequest, Operation
from server.errors import Refused
from server.explanations import explanations_of
from server.keys import DISPATCHER, PUBLISHED, READS, SUBMISSIONS, TABLE
from server.store.reads import Search
from server.store.rows import FINISHED, UNFINISHED, Job, State
from server.submission import Rejected, Submission

__all__ = ["OPERATIONS", "job_of"]


async def submit(call: Call) -> Any:
    """Store a job; the answer means that it is on disk."""
    body: schema.JobBody = call.body
    app = call.request.app
    extra_data = dict(body.extra_data)
    graph: Any = body.prompt
    if body.document is not None:
        graph, saved = await _as_run(call, body.document)
        extra_data["extra_pnginfo"] = {"workflow": saved, **extra_data.get("extra_pnginfo", {})}
    if body.client_id is not None:
        extra_data["client_id"] = body.client_id
    headers: schema.SubmitHeaders = call.headers
    wanted = Submission(
        graph=graph,
        asked=body.model_dump(mode="json", include={"document", "prompt"}),
        targets=body.targets,
        extra_data=extra_data,
        client_id=body.client_id,
        number=body.number,
        front=body.front,
        id=body.id,
        key=headers.idempotency_key,
        name=body.name,
        priority=body.priority,
    )
    try:
        submitted, problems = await app[SUBMISSIONS].submit(wanted)
    except Rejected as rejected:
        raise InvalidRequest([problem_of(problem) for problem in rejected.problems]) from None
    return schema.SubmittedAnswer(
        id=submitted.id,
        number=submitted.number,
        existed=submitted.existed,
        problems=[problem_of(problem) for problem in problems],
    )


async def list_jobs(call: Call) -> schema.JobsAnswer:
    """A page of jobs, searched and in order."""
    query: schema.JobsQuery = call.query
    known: tuple[State, ...] = (*UNFINISHED, *FINISHED)
    words = [word for word in (query.state or "").split(",") if word]
    states = [state for state in known if not words or state in words]
    reads = call.request.app[READS]
    search = Search(query.q, query.client_id, query.created_after, query.created_before)
    newest_first = query.order == "newest"
    jobs, total = await reads.listing(states, query.limit, query.offset, newest_first=newest_first, search=search)
    return schema.JobsAnswer(
        jobs=[schema.JobItem(**_item(job)) for job in jobs],
        total=total,
        limit=query.limit,
        offset=query.offset,
        counts=await reads.counts(),
    )


async def get_job(call: Call) -> schema.JobAnswer:
    """One job."""
    job = await job_of(call)
    artifacts = await call.request.app[READS].artifacts(job.id)
    detail = schema.JobDetail(
        **_item(job),
        prompt=job.json("prompt", {}),
        targets=job.json("targets", []),
        extra_data=job.json("extra_data", {}),
        problems=job.json("problems", {}),
        progress=call.request.app[DISPATCHER].progress(job.id),
        artifacts=[schema.ArtifactItem(**asdict(file)) for file in artifacts],
    )
    return schema.JobAnswer(job=detail)


async def cancel_job(call: Call) -> schema.CancelAnswer:
    """Cancel a job: at once when queued; a running one ends at its next step."""
    result = await call.request.app[DISPATCHER].cancel(call.path["id"])
    if result is None:
        await job_of(call)
    return schema.CancelAnswer(id=call.path["id"], result=result or "finished")


async def retry_job(call: Call) -> schema.SubmittedAnswer:
    """Queue a finished job again, under its id and behind what is queued."""
    job = await job_of(call)
    ticket = call.request.app[SUBMISSIONS].ticket()
    if not await call.request.app[TABLE].retry(job.id, ticket):
        raise Refused(409, "not_finished", f"Job {job.id} is {job.state}.", "Wait until it ends, or cancel it.")
    return schema.SubmittedAnswer(id=job.id, number=ticket, existed=True, problems=[])


async def explain_job(call: Call) -> schema.ExplainAnswer:
    """Why each node of the job's last run ran or did not."""
    job = await job_of(call)
    return schema.ExplainAnswer(id=job.id, state=job.state, attempt=job.row["attempt"], nodes=explanations_of(job))


async def _as_run(call: Call, document: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The graph that a document in any known format means now, and the document that pictures carry.

    Dynamic prompts are chosen and file names filled in, as an editor does when it queues. Pictures carry the format
    that every editor of this family opens.

    Raises:
        InvalidRequest: with every problem of the document.
    """

    def as_run() -> tuple[Any, dict[str, Any]]:
        texts = Texts(choose=random.choice, now=datetime.now())
        return converted.document.to_graph(catalogue, texts), to_saved(converted.document, catalogue)

    try:
        converted, catalogue = await opened(call.request.app[PUBLISHED], lambda known: convert(document, known))
        return await asyncio.to_thread(as_run)
    except (InvalidDocument, InvalidGraph, HeddleError) as error:
        raise InvalidRequest(problems_of(error)) from None


def problems_of(error: HeddleError) -> list[schema.Problem]:
    """The problems that an error carries, in the API's shape."""
    if isinstance(error, InvalidDocument):
        return [
            schema.Problem(
                code=item.code, node=item.node, input=item.input, what=item.what, fix=item.fix, details=item.path
            )
            for item in error.problems
        ]
    if isinstance(error, InvalidGraph):
        return [problem_of(item) for item in error.problems]
    return [schema.Problem(code="invalid_document", what=str(error), fix=error.fix)]


def problem_of(found: Found) -> schema.Problem:
    """A finding of validation in the API's shape."""
    return schema.Problem(
        code=found.code,
        node=found.node,
        input=found.input,
        what=found.what,
        fix=found.fix,
        details=found.details,
        extra=dict(found.extra),
    )


async def job_of(call: Call) -> Job:
    """The job that a request names.

    Raises:
        Refused: 404, when there is none.
    """
    job = await call.request.app[READS].job(call.path["id"])
    if job is None:
        raise Refused(404, "no_such_job", f"There is no job {call.path['id']!r}.", "List jobs at /api/v1/jobs.")
    return job


def _item(job: Job) -> dict[str, Any]:
    row = job.row
    plain = ("name", "priority", "client_id", "attempt", "deaths", "created", "started", "finished", "reason")
    return {
        "id": job.id,
        "state": job.state,
        "number": job.number,
        "cancel_requested": bool(row["cancel_requested"]),
        "outputs": job.json("outputs", {}),
        "preview": job.json("preview_output"),
        "error": job.json("error"),
        "outputs_count": row["outputs_count"],
        **{name: row[name] for name in plain},
    }


_NOT_FOUND = {404: schema.ProblemsAnswer}

OPERATIONS = (
    Operation(
        "submit_job",
        "POST",
        "/jobs",
        submit,
        "Run a workflow.",
        "jobs",
        {202: schema.SubmittedAnswer, 422: schema.ProblemsAnswer, 409: schema.ProblemsAnswer},
        body=schema.JobBody,
        headers=schema.SubmitHeaders,
        leads_to=(
            "get_job",
            "cancel_job",
            "retry_job",
            "explain_job",
            "move_job",
            "prioritise_job",
            "forget_job",
        ),
    ),
    Operation("list_jobs", "GET", "/jobs", list_jobs, "List jobs.", "jobs", {200: schema.JobsAnswer}, schema.JobsQuery),
    Operation("get_job", "GET", "/jobs/{id}", get_job, "Show one job.", "jobs", {200: schema.JobAnswer, **_NOT_FOUND}),
    Operation(
        "cancel_job",
        "POST",
        "/jobs/{id}/cancel",
        cancel_job,
        "Cancel a job.",
        "jobs",
        {200: schema.CancelAnswer, **_NOT_FOUND},
    ),
    Operation(
        "retry_job",
        "POST",
        "/jobs/{id}/retry",
        retry_job,
        "Queue a finished job again.",
        "jobs",
        {202: schema.SubmittedAnswer, 409: schema.ProblemsAnswer, **_NOT_FOUND},
    ),
    Operation(
        "explain_job",
        "GET",
        "/jobs/{id}/explain",
        explain_job,
        "Say why each node ran or did not.",
        "jobs",
        {200: schema.ExplainAnswer, **_NOT_FOUND},
    ),
)
