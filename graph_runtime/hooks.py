"""Validation hooks of nodes: code of their authors that looks at values before anything runs.

This runs node code, so it belongs where nodes run; `graph_runtime.validate` does everything that data can decide.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graph_runtime.behaviour import Blocker, Invocation
from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import Catalogue
from graph_runtime.context import Context, RunExtra, Services
from graph_runtime.failure import RAISED, exception_type, message_of, traceback_lines
from graph_runtime.files import Files
from graph_runtime.graph import Graph, Node
from graph_runtime.hidden import HiddenValues
from graph_runtime.problems import Problem
from graph_runtime.spec import BUILT_IN, NodeSpec
from graph_runtime.tokens import literal_arguments

__all__ = ["run_hooks"]


async def run_hooks(
    graph: Graph, catalogue: Catalogue, outputs: Iterable[str], *, files: Files | None = None
) -> tuple[Problem, ...]:
    """Call the validation hook of every node that the outputs depend on; returns what they refuse.

    Hooks of packs run in a thread, for nobody knows what they do; those of built-in nodes only look whether a file is
    there, and are called at once. Awaitables that hooks return are awaited here.
    """
    chosen = tuple(outputs)
    wanted = graph.ancestors(chosen)
    services = Services("validation", lambda event: None, CancelToken(), RunExtra(), files, catalogue=catalogue)
    calls = [
        _Call(node, spec, graph, catalogue, services, node.id in chosen)
        for node in graph.nodes.values()
        if node.id in wanted and (spec := catalogue.get(node.type)) is not None
        if spec.checks_inputs is not None and spec.behaviour is not None
    ]
    if all(call.spec.module == BUILT_IN for call in calls):
        _start_all(calls)
    else:
        await asyncio.to_thread(_start_all, calls)
    problems: list[Problem] = []
    for call in calls:
        await call.finish()
        problems.extend(call.problems())
    return tuple(problems)


class _Call:
    def __init__(
        self, node: Node, spec: NodeSpec, graph: Graph, catalogue: Catalogue, services: Services, is_output: bool
    ) -> None:
        self.node, self.spec, self.is_output = node, spec, is_output
        self.verdict: Any = True
        self.error: BaseException | None = None
        self._types = _input_types(node, graph, catalogue)
        hidden = HiddenValues(node.id, services.extra, dict)
        every = literal_arguments(spec, node, hidden)
        names = spec.checks_inputs or ()
        self._inputs = {name: value for name, value in every.items() if "*" in names or name in names}
        self._shown = [*self._inputs, *(["input_types"] if "input_types" in names else [])]
        self._invocation = Invocation(self._inputs, hidden, Context(services, node.id, node.type))

    def start(self) -> None:
        assert self.spec.behaviour is not None, "only nodes with code are called"
        try:
            self.verdict = self.spec.behaviour.check(self._invocation, self._types)
        except RAISED as error:
            self.error = error

    async def finish(self) -> None:
        if inspect.isawaitable(self.verdict):
            try:
                self.verdict = await self.verdict
            except RAISED as error:
                self.error = error

    def problems(self) -> Iterator[Problem]:
        if self.error is not None:
            yield self._raised(self.error)
        elif self.verdict is not True and not isinstance(self.verdict, Blocker):
            reason = "" if self.verdict is False else str(self.verdict)
            for name in self._shown:
                details = f"{name} - {reason}" if reason else name
                what = "Custom validation failed for node"
                fix = reason or f"Choose another value for '{name}'."
                yield Problem("custom_validation_failed", self.node.id, name, what, fix, details, {"input_name": name})

    def _raised(self, error: BaseException) -> Problem:
        code = "exception_during_validation" if self.is_output else "exception_during_inner_validation"
        what = "Exception when validating node" if self.is_output else "Exception when validating inner node"
        extra = {"exception_type": exception_type(error), "traceback": list(traceback_lines(error))}
        if not self.is_output:
            extra["exception_message"] = message_of(error)
        fix = f"The validation hook of '{self.spec.id}' failed; report it to its author."
        return Problem(code, self.node.id, None, what, fix, message_of(error), extra)


def _input_types(node: Node, graph: Graph, catalogue: Catalogue) -> Mapping[str, Any]:
    """Return the type of the source of each linked input."""
    types: dict[str, Any] = {}
    for name, link in node.links():
        source = graph.nodes.get(link.node)
        spec = catalogue.get(source.type) if source is not None else None
        output = spec.output(link.output) if spec is not None else None
        if output is not None:
            types[name] = output.wire_type
    return types


def _start_all(calls: Iterable[_Call]) -> None:
    for call in calls:
        call.start()
