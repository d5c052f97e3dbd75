"""Submitting work: the one road from a request to a row, for the established routes and for our own.

Everything that can be checked without running a node is checked here and reported at once. Nothing is stored unless at
least one output can run.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph_runtime.catalogue import Catalogue
from graph_runtime.errors import InvalidGraph
from graph_runtime.graph import Graph, Link
from graph_runtime.problems import Problem
from graph_runtime.prompt import parse_prompt, to_prompt
from graph_runtime.validate import Validation, node_errors, prompt_error, validate
from server.errors import NoWorker, Refused
from server.pools.protocol import WorkerPool
from server.published import Published
from server.store.jobs import JobTable
from server.store.rows import NewJob, Submitted, name_of
from server.vault import Vault, split

__all__ = ["Rejected", "Submission", "Submissions"]

log = logging.getLogger("heddle.submissions")

CHECK_SECONDS = 20.0
"""How long validation hooks of packs may take; after that the worker checks before it runs."""
_LONGEST_ID = 512
_LARGE = 2000
"""Graphs with more nodes are checked in a thread."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be run, and how.

    Attributes:
        graph: an API prompt as it came, or a graph.
        asked: what the client sent, where the graph was made of it anew (a dynamic prompt chooses each time); what
            an idempotency key is compared by. None means the graph itself.
        targets: only these outputs; None means all.
        number: the priority, or None for the next ticket.
        front: go ahead of what is queued.
        id: the client's own id for the job, or None.
        key: idempotency key, when it is not the id.
        replaces_finished: whether a finished job with the same id makes room.
        name: what people call it; None takes the name of the workflow that came along.
        priority: jobs of a higher one run first.
    """

    graph: Any
    asked: Mapping[str, Any] | None = None
    targets: Sequence[str] | None = None
    extra_data: Mapping[str, Any] = field(default_factory=dict)
    client_id: str | None = None
    number: float | None = None
    front: bool = False
    id: str | None = None
    key: str | None = None
    replaces_finished: bool = False
    name: str | None = None
    priority: int = 0


class Rejected(Exception):
    """Nothing was stored: every problem, and the same in the established shape."""

    def __init__(self, problems: Sequence[Problem], error: Mapping[str, Any], errors: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("message")))
        self.problems = list(problems)
        self.error = error
        self.node_errors = errors


class Submissions:
    """Takes submissions.

    Args:
        table: where jobs are stored.
        published: the catalogue.
        pool: answers for the validation hooks of packs.
        vault: keeps the secrets that come along.
        first_ticket: the counter's first value.
        coming: told that a job is about to be stored.
    """

    def __init__(
        self,
        table: JobTable,
        published: Published,
        pool: WorkerPool,
        vault: Vault,
        first_ticket: int = 0,
        coming: Callable[[], None] = lambda: None,
    ) -> None:
        self._table = table
        self._published = published
        self._pool = pool
        self._vault = vault
        self._tickets = itertools.count(first_ticket)
        self._coming = coming

    def ticket(self) -> int:
        """The next value of the counter."""
        return next(self._tickets)

    async def submit(self, new: Submission) -> tuple[Submitted, list[Problem]]:
        """Check and store; returns the job and the problems of outputs that were left out.

        Raises:
            Rejected: with every problem, when no output can run.
            Refused: 409 when the key belongs to another job.
        """
        for what, text in (("id", new.id), ("key", new.key)):
            if text and not (text.isprintable() and len(text) <= _LONGEST_ID):
                fix = f"Use 1 to {_LONGEST_ID} printable characters, such as those of a UUID."
                raise Refused(400, f"invalid_{what}", f"The {what} {text[:40]!r} cannot be stored.", fix)
        ticket = self.ticket() if new.number is None else None
        number = new.number if ticket is None else float(-ticket if new.front else ticket)
        assert number is not None
        if not math.isfinite(number):
            problem = Problem("invalid_number", None, None, f"The number {number} is not finite.", "Send a finite one.")
            raise Rejected([problem], _error(problem), {})
        validation, catalogue = await self.check(new.graph, new.targets)
        error = prompt_error(validation)
        errors = node_errors(validation, catalogue) if validation.problems else {}
        if error is not None:
            raise Rejected(validation.problems, error, errors)
        shown, secrets = split(new.extra_data)
        key = new.key or new.id
        job = NewJob(
            id=new.id or str(uuid.uuid4()),
            prompt=json.dumps(to_prompt(validation.graph), separators=(",", ":")),
            targets=validation.good_outputs,
            extra_data=json.dumps(shown, separators=(",", ":")),
            number=number,
            ticket=ticket,
            client_id=new.client_id,
            key=key,
            body_hash=None if key is None else _hash(validation.graph, new),
            secrets=self._vault.keep(secrets),
            problems=json.dumps(errors) if errors else "{}",
            replaces_finished=new.replaces_finished,
            name=new.name or name_of(shown),
            priority=new.priority,
        )
        try:
            self._coming()
            submitted = await self._table.submit(job)
        except BaseException:
            self._vault.forget(job.secrets)
            raise
        if submitted.existed:
            self._vault.forget(job.secrets)
        return submitted, list(validation.problems)

    async def check(self, graph: Any, targets: Sequence[str] | None) -> tuple[Validation, Catalogue]:
        """Validate a prompt or graph, the hooks of packs included.

        Raises:
            Rejected: when it has no structure that could be validated.
        """
        try:
            parsed = graph if isinstance(graph, Graph) else parse_prompt(graph)
        except InvalidGraph as error:
            raise Rejected(error.problems, _error(error.problems[0]), {}) from None
        catalogue = await self._published.catalogue_with({node.type for node in parsed.nodes.values()})
        if len(parsed) > _LARGE:
            validation = await asyncio.to_thread(validate, parsed, catalogue, self._published.choices, targets)
        else:
            validation = validate(parsed, catalogue, self._published.choices, targets)
        return await self._with_hooks(validation, catalogue), catalogue

    async def _with_hooks(self, validation: Validation, catalogue: Catalogue) -> Validation:
        graph = validation.graph
        if not validation.good_outputs or not self._has_doubts(graph, catalogue):
            return validation
        question = {"prompt": to_prompt(graph), "targets": list(validation.good_outputs)}
        try:
            answer = await self._pool.ask("check", question, CHECK_SECONDS)
        except (NoWorker, TimeoutError) as error:
            log.info("hooks were not asked (%s); the worker asks them before it runs the job", error or "too slow")
            return validation
        found = answer.get("problems", []) if isinstance(answer, Mapping) else answer
        return validation.with_problems(Problem.from_data(problem) for problem in found or ())

    def _has_doubts(self, graph: Graph, catalogue: Catalogue) -> bool:
        """Whether a graph has nodes whose validation hooks must be asked."""
        types = {node.type for node in graph.nodes.values()}
        looked_for = {type: names for type in types if (names := catalogue[type].files_to_find()) != ()}
        if None in looked_for.values():
            return True
        hooked = (node for node in graph.nodes.values() if node.type in looked_for) if looked_for else ()
        values = (node.inputs.get(name) for node in hooked for name in looked_for[node.type] or ())
        return not all(isinstance(value, Link) or self._published.has_file(value) for value in values)


def _error(problem: Problem) -> dict[str, Any]:
    details = problem.details or problem.fix
    return {"type": problem.code, "message": problem.what, "details": details, "extra_info": {}}


def _hash(graph: Graph, new: Submission) -> str:
    """Digest of what would be run; equal for requests that mean the same."""
    meaning = {
        "prompt": to_prompt(graph) if new.asked is None else new.asked,
        "targets": sorted(new.targets) if new.targets is not None else None,
        "extra_data": dict(new.extra_data),
        "number": new.number,
        "front": new.front,
        **({"priority": new.priority} if new.priority else {}),
        **({"name": new.name} if new.name is not None else {}),
    }
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()
