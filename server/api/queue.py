"""The queue of our own API: pausing it, the order of its jobs, and changes of many jobs at once."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from server.api import schema
from server.api.jobs import job_of
from server.api.operation import Call, Operation
from server.errors import Refused
from server.keys import CONTROL, DISPATCHER, READS, SUBMISSIONS, TABLE
from server.store.control import Moved
from server.store.rows import FINISHED, State

__all__ = ["OPERATIONS"]


class QueueAnswer(BaseModel):
    """How the queue stands."""

    paused: bool = Field(description="Whether no job is taken from the queue; running ones go on.")
    queued: schema.Count
    running: schema.Count


class MoveBody(BaseModel):
    """Where a queued job is to stand: beside another one, or at an end of the queue."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [{"required": ["before"]}, {"required": ["after"]}, {"required": ["to"]}],
            "examples": [{"to": "front"}],
        },
    )

    before: schema.Name = Field("", description="The id of the queued job that is to run directly after it.")
    after: schema.Name = Field("", description="The id of the queued job that is to run directly before it.")
    to: Literal["front", "back"] = "back"

    @model_validator(mode="after")
    def _is_one_place(self) -> MoveBody:
        if len(self.model_fields_set) != 1:
            raise ValueError("Give one of before, after and to")
        return self


class PriorityBody(BaseModel):
    """A priority; jobs of a higher one run first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority: schema.Priority


class MovedAnswer(BaseModel):
    """Where a job stands now: jobs run by priority, then by place."""

    id: str
    priority: int
    place: float


_ONE_CHOICE: list[JsonValue] = [{"required": ["ids"]}, {"required": ["states"]}]


class ChosenBody(BaseModel):
    """Which jobs are meant: those named, or all of some states."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"oneOf": _ONE_CHOICE, "examples": [{"ids": ["no-such-job"]}]}
    )

    ids: list[schema.Name] = Field(default=[], max_length=10_000)
    states: list[schema.StateName] = Field(default=[], min_length=1, max_length=6)

    @model_validator(mode="after")
    def _is_one_choice(self) -> ChosenBody:
        if len(self.model_fields_set) != 1:
            raise ValueError("Give either ids or states")
        return self

    @property
    def only(self) -> list[str] | None:
        """The ids, where they decide."""
        return self.ids if "ids" in self.model_fields_set else None


class ManyAnswer(BaseModel):
    """The jobs that were changed; those that could not be changed are left out."""

    ids: list[str]


async def get_queue(call: Call) -> QueueAnswer:
    """Whether the queue is paused, and how long it is."""
    counts = await call.request.app[READS].counts()
    return QueueAnswer(
        paused=call.request.app[CONTROL].paused, queued=counts.get("queued", 0), running=counts.get("running", 0)
    )


async def pause(call: Call) -> QueueAnswer:
    """Take no more jobs from the queue; survives a restart."""
    await call.request.app[CONTROL].pause(True)
    return await get_queue(call)


async def resume(call: Call) -> QueueAnswer:
    """Take jobs from the queue again."""
    await call.request.app[CONTROL].pause(False)
    return await get_queue(call)


async def move(call: Call) -> MovedAnswer:
    """Put a queued job somewhere else."""
    body: MoveBody = call.body
    moved = await call.request.app[CONTROL].move(
        call.path["id"], before=body.before or None, after=body.after or None, to=body.to
    )
    return _moved(moved)


async def prioritise(call: Call) -> MovedAnswer:
    """Give a queued job another priority."""
    body: PriorityBody = call.body
    return _moved(await call.request.app[CONTROL].prioritise(call.path["id"], body.priority))


async def cancel_many(call: Call) -> ManyAnswer:
    """Cancel queued jobs at once, and ask running ones to end."""
    body: ChosenBody = call.body
    app = call.request.app
    changed: list[str] = []
    if body.only is None or body.only:
        if body.only is not None or "queued" in body.states:
            changed += await app[TABLE].cancel_queued(body.only)
        if body.only is not None or "running" in body.states:
            for job, _ in await app[READS].running():
                if (body.only is None or job in body.only) and await app[DISPATCHER].cancel(job) is not None:
                    changed.append(job)
    return ManyAnswer(ids=changed)


async def retry_many(call: Call) -> ManyAnswer:
    """Queue finished jobs again, in the order in which they ended."""
    body: ChosenBody = call.body
    app = call.request.app
    states: list[State] = list(FINISHED) if body.only is not None else list(body.states)
    return ManyAnswer(ids=await app[CONTROL].retry(states, app[SUBMISSIONS].ticket, body.only))


async def forget_many(call: Call) -> ManyAnswer:
    """Remove finished jobs from history; their files stay."""
    body: ChosenBody = call.body
    states: list[State] | None = None if body.only is not None else list(body.states)
    return ManyAnswer(ids=await call.request.app[TABLE].forget(body.only, states))


async def forget(call: Call) -> ManyAnswer:
    """Remove a finished job from history; its files stay."""
    job = await job_of(call)
    gone = await call.request.app[TABLE].forget([job.id])
    if not gone:
        raise Refused(409, "not_finished", f"Job {job.id} is {job.state}.", "Wait until it ends, or cancel it.")
    return ManyAnswer(ids=gone)


def _moved(moved: Moved) -> MovedAnswer:
    return MovedAnswer(id=moved.id, priority=moved.priority, place=moved.place)


_REFUSED: dict[int, type[BaseModel] | None] = {404: schema.ProblemsAnswer, 409: schema.ProblemsAnswer}


def _post(name: str, path: str, handler: Any, summary: str, answer: type[BaseModel], **more: Any) -> Operation:
    answers = {200: answer, **more.pop("refuses", {})}
    return Operation(name, "POST", path, handler, summary, "queue", answers, **more)


OPERATIONS = (
    Operation("get_queue", "GET", "/queue", get_queue, "Say how the queue stands.", "queue", {200: QueueAnswer}),
    _post("pause_queue", "/queue/pause", pause, "Take no more jobs from the queue.", QueueAnswer),
    _post("resume_queue", "/queue/resume", resume, "Take jobs from the queue again.", QueueAnswer),
    _post("move_job", "/jobs/{id}/move", move, "Reorder the queue.", MovedAnswer, body=MoveBody, refuses=_REFUSED),
    _post(
        "prioritise_job",
        "/jobs/{id}/priority",
        prioritise,
        "Run a queued job sooner or later.",
        MovedAnswer,
        body=PriorityBody,
        refuses=_REFUSED,
    ),
    _post("cancel_jobs", "/jobs/cancel", cancel_many, "Cancel many jobs.", ManyAnswer, body=ChosenBody),
    _post("retry_jobs", "/jobs/retry", retry_many, "Queue many finished jobs again.", ManyAnswer, body=ChosenBody),
    _post("forget_jobs", "/jobs/forget", forget_many, "Remove many jobs from history.", ManyAnswer, body=ChosenBody),
    Operation(
        "forget_job",
        "DELETE",
        "/jobs/{id}",
        forget,
        "Remove a finished job from history.",
        "queue",
        {200: ManyAnswer, **_REFUSED},
    ),
)
