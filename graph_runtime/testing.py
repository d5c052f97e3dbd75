"""What tests of nodes and of the engine need: small graphs in one line, a node run alone, a runner that runs nothing.

run_node(blur, image=picture, radius=3)            # one node, with a real context
graph("load -> blur -> save", other="blur")        # nodes and links by name
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from graph_runtime.behaviour import Behaviour, Blocker, Invocation, Result
from graph_runtime.cache import Cache
from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import Catalogue, InputSpec, NodeSpec, OutputSpec
from graph_runtime.context import Context, RunExtra, Services
from graph_runtime.declare import spec_of
from graph_runtime.engine import Engine, Outcome
from graph_runtime.events import Event
from graph_runtime.expansion import Subgraph
from graph_runtime.files import Files
from graph_runtime.graph import Graph, Link, Node

__all__ = ["FakeRunner", "Recorder", "any_spec", "function_spec", "graph", "run_graph", "run_node", "show_spec"]

_ARROW = re.compile(r"\s*->\s*")


def graph(text: str, /, **types: str) -> Graph:
    """Make a graph from arrows: `graph("a -> b -> c; a -> c")`.

    Each name is a node's id and, unless `types` says otherwise, its type. An arrow links output 0 to the inputs
    `in0`, `in1`, … of the target; `a:1 -> b.image` names the output and the input.
    """
    inputs: dict[str, dict[str, Any]] = {}
    for chain in filter(None, (part.strip() for part in re.split(r"[;\n]", text))):
        names = _ARROW.split(chain)
        for name in names:
            inputs.setdefault(_id(name), {})
        for source, target in pairwise(names):
            into = inputs[_id(target)]
            name = target.partition(".")[2].partition(":")[0] or f"in{len(into)}"
            output = source.partition(":")[2]
            into[name] = Link(_id(source), int(output or 0))
    return Graph([Node(node_id, types.get(node_id, node_id), links) for node_id, links in inputs.items()])


def _id(name: str) -> str:
    return re.split(r"[.:]", name.strip())[0]


class _Nothing(Behaviour):
    def accepts(self, name: str) -> bool:
        return True

    def call(self, invocation: Invocation) -> Result:
        return Result(("nothing",))


def any_spec(node_type: str, **changes: Any) -> NodeSpec:
    """Make a spec that accepts any inputs, has one output, and can be started from."""
    defaults: dict[str, Any] = {
        "inputs": tuple(InputSpec(f"in{index}", "*", required=False) for index in range(8)),
        "outputs": (OutputSpec("out", "*"),),
        "terminal": True,
        "dynamic_inputs": True,
        "behaviour": _Nothing(),
    }
    return NodeSpec(id=node_type, **{**defaults, **changes})


class _Function(Behaviour):
    def __init__(self, function: Callable[..., Any], attributes: Mapping[str, Any]) -> None:
        self._function = function
        for name, value in attributes.items():
            setattr(self, name, value)

    def call(self, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        if self.asynchronous:
            return self._later(invocation)
        return _as_result(self._function(**invocation.inputs))

    async def _later(self, invocation: Invocation) -> Result | Blocker:
        return _as_result(await self._function(**invocation.inputs))


def _as_result(returned: Any) -> Result | Blocker:
    if isinstance(returned, Result | Blocker):
        return returned
    return Result(returned if isinstance(returned, tuple) else (returned,))


def function_spec(
    node_type: str,
    function: Callable[..., Any],
    inputs: Sequence[str | InputSpec] = (),
    outputs: int | Sequence[OutputSpec] = 1,
    *,
    behaviour: Mapping[str, Any] | None = None,
    **changes: Any,
) -> NodeSpec:
    """Make a spec, of no particular convention, from a function that takes keyword arguments.

    Args:
        function: returns a `Result`, a `Blocker`, a tuple of outputs, or the one output.
        inputs: specs, or names: "value" is required, "value?" optional, "value~" lazy.
        outputs: specs, or how many.
        behaviour: attributes and methods set on the behaviour (`asynchronous`, `lazy`, `needed`, …).
    """
    declared = tuple(item if isinstance(item, InputSpec) else _named_input(item) for item in inputs)
    slots = tuple(OutputSpec("o", "*") for _ in range(outputs)) if isinstance(outputs, int) else tuple(outputs)
    return NodeSpec(node_type, declared, slots, behaviour=_Function(function, behaviour or {}), **changes)


def _named_input(name: str) -> InputSpec:
    options = {"lazy": True} if name.endswith("~") else {}
    return InputSpec(name.rstrip("?~"), "*", required=not name.endswith("?"), options=options)


def show_spec(node_type: str = "Show") -> NodeSpec:
    """Make a terminal node that shows each value it gets: `{"value": [...]}`."""
    return function_spec(node_type, lambda value=None: Result((), {"value": [value]}), ["value?"], 0, terminal=True)


class FakeRunner:
    """Runs no node: every call gives a canned result, and is recorded.

    Args:
        results: output values by node type; other types give ("result of <id>",).
    """

    def __init__(self, results: Mapping[str, Any] | None = None) -> None:
        self.beside_limit = 1
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._results = dict(results or {})

    @property
    def order(self) -> list[str]:
        """Node ids in the order in which they were called."""
        return [node_id for node_id, _ in self.calls]

    def start_device(self, work: Callable[[], None]) -> Future[None]:
        """Run a whole job's loop at once, on this thread."""
        future: Future[None] = Future()
        try:
            work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)
        return future

    def start_beside(self, work: Callable[[], None]) -> None:
        """Run one node at once, on this thread."""
        work()

    def scope(self) -> AbstractContextManager[Any]:
        """Surround nothing."""
        return nullcontext()

    def call(self, spec: NodeSpec, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Record the call; return what was arranged."""
        assert invocation.context is not None, "the engine always gives a context to a call"
        node_id = invocation.context.node_id
        self.calls.append((node_id, invocation.inputs))
        if spec.id in self._results:
            result = self._results[spec.id]
            return result if isinstance(result, Result | Blocker) else Result(result)
        return Result((f"result of {node_id}",))

    def close(self) -> None:
        """End nothing."""


@dataclass(slots=True)
class Recorder:
    """Collects events; pass it as `emit`."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        """The kinds of all events, in order."""
        return [event.kind for event in self.events]

    def of(self, kind: str) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.events if event.kind == kind]

    def started(self) -> list[str]:
        """Return the ids of nodes that were started, in order."""
        return [event.node for event in self.of("node_started")]


async def run_graph(
    graph: Graph,
    catalogue: Catalogue | Iterable[NodeSpec],
    targets: Iterable[str] | None = None,
    *,
    cache: Cache | None = None,
    extra: RunExtra | None = None,
    emit: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Run a graph once in an engine of its own."""
    specs = catalogue if isinstance(catalogue, Catalogue) else Catalogue(catalogue)
    engine = Engine(specs, cache)
    try:
        return await engine.run(graph, targets, job="test", extra=extra, emit=emit)
    finally:
        await asyncio.to_thread(engine.close)


def run_node(
    node: Callable[..., Any],
    /,
    *,
    files: Files | None = None,
    extra: RunExtra | None = None,
    emit: Callable[[Event], None] = lambda event: None,
    cancel: CancelToken | None = None,
    node_id: str = "1",
    catalogue: Catalogue | None = None,
    **inputs: Any,
) -> Any:
    """Call a declared function with a real `Context`, as the engine would, and return what it returns.

    Lazy inputs may be given as plain values; asynchronous nodes are run to their end. Do not call it inside of an
    event loop for those: await the function itself.
    """
    spec = spec_of(node)
    services = Services(
        "test", emit, cancel or CancelToken(), extra or RunExtra(), files, catalogue=catalogue or Catalogue([spec])
    )
    context = Context(services, node_id, spec.id)
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(node).parameters.items():
        declared = spec.input(name)
        if name in inputs:
            lazy = declared is not None and declared.mode == "lazy"
            arguments[name] = _Ready(inputs.pop(name)) if lazy else inputs.pop(name)
        elif declared is None and parameter.default is parameter.empty:
            wants_graph = "Subgraph" in str(parameter.annotation)
            arguments[name] = Subgraph(services.catalogue, f"{node_id}/") if wants_graph else context
    if inputs:
        raise TypeError(f"'{spec.id}' has no input {', '.join(map(repr, inputs))}; it has {', '.join(spec.by_name)}.")
    returned = node(**arguments)
    try:
        return asyncio.run(_awaited(returned)) if inspect.isawaitable(returned) else returned
    finally:
        for function in [*(context._cleanups or ()), *services.after_run]:
            function()


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


class _Ready:
    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Any:
        return self._value
        yield
