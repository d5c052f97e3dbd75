"""What our own API takes and gives: the declarations that validate requests and make the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

__all__ = [
    "CancelAnswer",
    "CatalogueAnswer",
    "ConvertedAnswer",
    "EventItem",
    "EventsHeaders",
    "EventsQuery",
    "ExplainAnswer",
    "ExportBody",
    "ExportedAnswer",
    "FileItem",
    "FilesAnswer",
    "FolderKind",
    "JobAnswer",
    "JobBody",
    "JobDetail",
    "JobItem",
    "JobsAnswer",
    "JobsQuery",
    "ModelsAnswer",
    "Name",
    "NamesAnswer",
    "Priority",
    "Problem",
    "ProblemsAnswer",
    "StateName",
    "SubmitHeaders",
    "SubmittedAnswer",
    "TemplateAnswer",
    "TemplatesAnswer",
]  # fmt: skip

StateName = Literal["queued", "running", "succeeded", "failed", "cancelled", "dead"]
_STATE = f"({'|'.join(get_args(StateName))})"
_STATES = f"^{_STATE}(,{_STATE})*$"
FolderKind = Literal["input", "output", "temp"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A short text without control characters: ids, keys, names."""
Count = Annotated[int, Field(ge=0, le=2**53)]
Priority = Annotated[int, Field(ge=-1000, le=1000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(_Model):
    """One thing that is wrong, where, and what to do."""

    code: str
    node: str | None = None
    input: str | None = None
    what: str
    fix: str = ""
    details: str = ""
    extra: dict[str, Any] = Field(default_factory=dict)


class ProblemsAnswer(BaseModel):
    """Why a request was refused: every problem at once."""

    problems: list[Problem]


_ONE_OF_BOTH: list[JsonValue] = [
    {"properties": {"document": {"type": "object"}, "prompt": {"type": "null"}}, "required": ["document"]},
    {"properties": {"prompt": {"type": "object"}, "document": {"type": "null"}}, "required": ["prompt"]},
]

_EXAMPLE: JsonValue = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 16744448}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}


class JobBody(_Model):
    """A workflow to run: either a document in any known format, or an API prompt."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_OF_BOTH, "examples": [{"prompt": _EXAMPLE}]})

    document: dict[str, Any] | None = Field(None, description="A workflow document in any known format.")
    prompt: dict[str, Any] | None = Field(None, description="A graph in the API format.")
    targets: list[str] | None = Field(None, description="Run only these outputs; absent: all.")
    client_id: Name | None = Field(None, description="The websocket client that is told what happens.")
    number: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        None, description="Its place in the queue; lower runs first. Absent: in turn with other clients."
    )
    front: bool = Field(False, description="Run before everything that is queued normally.")
    priority: Priority = Field(0, description="Jobs of a higher priority run first, whatever their number.")
    name: Name | None = Field(None, description="What people call it; absent: the name of the document.")
    id: Name | None = Field(None, description="An id of your own; the same id and body return the same job.")
    extra_data: dict[str, Any] = Field(default_factory=dict, description="Carried with the job, saved beside results.")

    @model_validator(mode="after")
    def _has_one_of_both(self) -> JobBody:
        if (self.document is None) == (self.prompt is None):
            raise ValueError("Give either a document or a prompt")
        return self


class SubmitHeaders(_Model):
    """What makes a submission safe to repeat."""

    idempotency_key: Name | None = Field(
        None,
        alias="Idempotency-Key",
        description="The same key and body return the same job; another body is refused with 409.",
    )


class SubmittedAnswer(BaseModel):
    """A job that is stored; `problems` lists outputs that were left out."""

    id: str
    number: float
    existed: bool = Field(description="Whether the same key and body had made this job before.")
    problems: list[Problem]


class JobItem(BaseModel):
    """A job in a listing. Times are milliseconds since 1970."""

    id: str
    name: str | None = Field(description="What people call it: the name of its workflow.")
    state: StateName
    number: float
    priority: int
    client_id: str | None
    attempt: Count
    deaths: Count
    cancel_requested: bool
    created: Count
    started: Count | None
    finished: Count | None
    reason: str | None
    outputs_count: Count | None
    outputs: dict[str, Any] = Field(description="What each node showed: files, texts.")
    preview: dict[str, Any] | None
    error: dict[str, Any] | None


class ArtifactItem(BaseModel):
    """A file that a job has published: where it is below a folder, its size, and the node that showed it."""

    folder: str
    path: str
    bytes: Count
    node: str | None


class JobDetail(JobItem):
    """A job with everything that is known of it."""

    prompt: dict[str, Any]
    targets: list[str]
    extra_data: dict[str, Any]
    problems: dict[str, Any]
    progress: dict[str, Any] | None = Field(description="State of its nodes while it runs.")
    artifacts: list[ArtifactItem] = Field(description="Files that it has published.")


class JobAnswer(BaseModel):
    """One job."""

    job: JobDetail


class JobsAnswer(BaseModel):
    """A page of jobs."""

    jobs: list[JobItem]
    total: Count
    limit: Count
    offset: Count
    counts: dict[str, int] = Field(description="How many jobs are in each state.")


class JobsQuery(_Model):
    """Which jobs to list."""

    state: Annotated[str, StringConstraints(max_length=200, pattern=_STATES)] | None = Field(
        None, description="Comma list of states; absent: all."
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0
    q: Name | None = Field(None, description="Only those whose name, id, client, reason or graph contains this.")
    client_id: Name | None = Field(None, description="Only those of this client.")
    created_after: Count | None = Field(None, description="Only those that came at this time or later.")
    created_before: Count | None = Field(None, description="Only those that came before this time.")
    order: Literal["newest", "oldest"] = Field("newest", description="Which comes first; a queue is in its own order.")


class CancelAnswer(BaseModel):
    """`cancelled` at once, `requested` from a running worker, or `finished` before."""

    id: str
    result: Literal["cancelled", "requested", "finished"]


class ExplainAnswer(BaseModel):
    """Why each node of a run ran or did not."""

    id: str
    state: StateName
    attempt: Count
    nodes: list[dict[str, Any]]


class EventsHeaders(_Model):
    """What a client that comes back says."""

    last_event_id: Annotated[int, Field(ge=0, le=2**53)] | None = Field(
        None, alias="Last-Event-ID", description="The number of the last event that was seen; stronger than since."
    )


class EventsQuery(_Model):
    """Which events to send."""

    since: Annotated[int, Field(ge=0, le=2**53)] | None = Field(None, description="Send those after this number first.")
    job: Name | None = Field(None, description="Only those of this job.")


class EventItem(BaseModel):
    """Something that happened to a job. `seq` is null for what is only passed on, such as progress."""

    seq: Count | None
    after: Count
    job: str
    attempt: Count
    kind: str
    data: dict[str, Any]
    at: Count


class CatalogueQuery(_Model):
    """Which catalogue is waited for."""

    newer_than: Name | None = Field(
        None, description="A digest: while packs are still loading, wait up to 25 s for another catalogue than this."
    )


class CatalogueAnswer(BaseModel):
    """Every node as plain data, choices filled in; `complete` once no pack is still loading."""

    digest: str
    complete: bool
    nodes: dict[str, dict[str, Any]]


class ConvertedAnswer(BaseModel):
    """Our document made of what was sent, and what could not be taken over exactly."""

    document: dict[str, Any]
    warnings: list[dict[str, Any]]
    source: str


class ExportBody(_Model):
    """A document to be written in another format."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"document": _EXAMPLE, "format": "heddle"}]})

    document: dict[str, Any]
    format: Literal["prompt", "saved", "heddle"] = "prompt"


class ExportedAnswer(BaseModel):
    """The document in the format asked for."""

    format: str
    data: dict[str, Any]


class FileItem(BaseModel):
    """A file; `modified` in seconds since 1970."""

    name: str
    size: Count
    modified: float


class FilesAnswer(BaseModel):
    """Files of a folder, newest first."""

    files: list[FileItem]


class ModelsAnswer(BaseModel):
    """Model files by folder."""

    folders: dict[str, list[str]]


class NamesAnswer(BaseModel):
    """Model files of one folder."""

    names: list[str]


class TemplateItem(BaseModel):
    """A workflow that ships with the project; `picture` is where a small picture of its result is, if there is one."""

    id: str
    name: str
    description: str
    picture: str | None = None


class TemplatesAnswer(BaseModel):
    """Workflows to start from."""

    templates: list[TemplateItem]


class TemplateAnswer(BaseModel):
    """One of them as our document."""

    document: dict[str, Any]
