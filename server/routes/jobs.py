"""`/jobs`: the listing that newer established clients ask for, in its strict shape (client endpoints §1, §4)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from server.bodies import object_body
from server.errors import Refused
from server.keys import DISPATCHER, READS
from server.outcome import history_entry
from server.routes.query import whole_number
from server.routes.route import Route
from server.store.rows import Job, State

__all__ = ["ROUTES", "STATUSES"]

STATUSES: dict[str, tuple[State, ...]] = {
    "pending": ("queued",),
    "in_progress": ("running",),
    "completed": ("succeeded",),
    "failed": ("failed", "dead"),
    "cancelled": ("cancelled",),
}
"""The client's words and ours."""
_WORDS = {state: word for word, states in STATUSES.items() for state in states}
_MOST = 1000


async def get_jobs(request: web.Request) -> web.Response:
    """A page of jobs by status."""
    words = [word for word in request.query.get("status", "").split(",") if word] or list(STATUSES)
    unknown = [word for word in words if word not in STATUSES]
    if unknown:
        raise Refused(400, "invalid_status", f"Unknown status {unknown[0]!r}.", f"Use {', '.join(STATUSES)}.")
    limit = whole_number(request, "limit", 200)
    offset = whole_number(request, "offset", 0)
    limit = max(1, min(limit, _MOST))
    offset = max(0, offset)
    states = [state for word in words for state in STATUSES[word]]
    newest_first = request.query.get("sort_order", "desc") != "asc"
    jobs, total = await request.app[READS].listing(states, limit, offset, newest_first=newest_first)
    pagination = {"offset": offset, "limit": limit, "total": total, "has_more": offset + len(jobs) < total}
    return web.json_response({"jobs": [_listed(job) for job in jobs], "pagination": pagination})


async def get_job(request: web.Request) -> web.Response:
    """One job with its workflow, outputs and messages."""
    job = await request.app[READS].job(request.match_info["job"])
    if job is None:
        return web.json_response({"error": "Job not found"}, status=404)
    entry = history_entry(job)
    workflow = {"prompt": job.json("prompt"), "extra_data": job.json("extra_data", {})}
    return web.json_response(
        {
            **_listed(job),
            "workflow": workflow,
            "outputs": entry["outputs"],
            "execution_status": entry["status"],
            "execution_meta": entry["meta"],
            "update_time": job.row["finished"] or job.row["started"] or job.row["created"],
        }
    )


async def cancel_job(request: web.Request) -> web.Response:
    """Cancel one job, queued or running."""
    answer = await request.app[DISPATCHER].cancel(request.match_info["job"])
    if answer is None and await request.app[READS].job(request.match_info["job"]) is None:
        return web.json_response({"error": "Job not found"}, status=404)
    return web.json_response({"cancelled": answer is not None})


async def cancel_jobs(request: web.Request) -> web.Response:
    """Cancel several jobs by `job_ids`."""
    body = await object_body(request)
    ids = body.get("job_ids", body.get("ids"))
    if not isinstance(ids, list):
        raise Refused(400, "invalid_body", "job_ids must be a list of job ids.")
    done = [job for job in map(str, ids) if await request.app[DISPATCHER].cancel(job) is not None]
    return web.json_response({"cancelled": done})


def _listed(job: Job) -> dict[str, Any]:
    """The strict shape: one wrong row empties the client's whole list."""
    row = job.row
    shown: dict[str, Any] = {
        "id": job.id,
        "status": _WORDS[job.state],
        "priority": job.number,
        "create_time": row["created"],
        "execution_start_time": row["started"],
        "execution_end_time": row["finished"],
        "outputs_count": row["outputs_count"],
    }
    preview = job.json("preview_output")
    if preview is not None:
        shown["preview_output"] = preview
    error = job.json("error")
    if error is not None and job.state in ("failed", "dead"):
        shown["execution_error"] = {
            "node_id": str(error.get("node") or ""),
            "node_type": str(error.get("node_type") or ""),
            "exception_message": str(error.get("message") or ""),
            "exception_type": str(error.get("exception_type") or ""),
            "traceback": [str(line) for line in error.get("traceback") or ()],
        }
    return {key: value for key, value in shown.items() if value is not None or key == "outputs_count"}


ROUTES = (
    Route("GET", "/jobs", get_jobs),
    Route("POST", "/jobs/cancel", cancel_jobs),
    Route("GET", "/jobs/{job}", get_job),
    Route("POST", "/jobs/{job}/cancel", cancel_job),
)
