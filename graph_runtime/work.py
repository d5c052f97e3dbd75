"""One node being worked on: its gathered inputs, its calls, and what they gave."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graph_runtime.behaviour import Behaviour, Blocker, Result
from graph_runtime.cache import Entry
from graph_runtime.errors import ExpansionError
from graph_runtime.graph import Link, Node, NotALink
from graph_runtime.spec import HIDDEN_KINDS, NodeSpec

if TYPE_CHECKING:
    from graph_runtime.context import Context

__all__ = ["BlockedInput", "LazyInput", "Work", "dependencies", "find_blocker", "gather"]


@dataclass(slots=True, eq=False)
class Work:
    """A node from the moment it is started until it has its result.

    Args:
        lists: the values of each input.
        lazy: links that are not evaluated yet, by input name.
        pieces: one result a call, kept while the nodes they expanded into are run.
        waits: how many lazy inputs each of its calls waits for at this moment, by list index.
        running: calls that have not returned; the node is idle while all of them wait.
    """

    node: Node
    spec: NodeSpec
    started: float
    lists: dict[str, list[Any]] = field(default_factory=dict)
    lazy: dict[str, Link] = field(default_factory=dict)
    contexts: list[Context] = field(default_factory=list)
    pieces: list[Result] | None = None
    sources: tuple[str, ...] = ()
    waits: dict[int, int] = field(default_factory=dict)
    running: int = 0
    idle: bool = False
    seconds: float = 0.0
    ui: Mapping[str, Any] | None = None
    starts: int = 0

    @property
    def behaviour(self) -> Behaviour:
        """The node's code, or a stand-in that refuses to run."""
        return self.spec.behaviour if self.spec.behaviour is not None else _NO_CODE


_NO_CODE = Behaviour()


class BlockedInput(BaseException):
    """A lazy input turned out to be a blocker; unwinds the node's coroutine, whatever it catches."""

    def __init__(self, blocker: Blocker) -> None:
        self.blocker = blocker
        super().__init__()


class LazyInput:
    """What a native node awaits to have an input evaluated."""

    __slots__ = ("_fetch", "name", "used")

    def __init__(self, name: str, fetch: Callable[[LazyInput], Any]) -> None:
        self.name = name
        self.used = False
        self._fetch = fetch

    def __await__(self) -> Generator[Any, Any, Any]:
        self.used = True
        return self._fetch(self).__await__()  # type: ignore[no-any-return]


def dependencies(node: Node, spec: NodeSpec | None, known: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sources that must be done before a node starts: all of its links but the lazy ones."""
    by_name = spec.by_name if spec is not None else {}
    for name, value in node.inputs.items():
        if type(value) is Link and value.node in known:
            declared = by_name.get(name)
            if declared is None or not declared.is_lazy:
                yield value.node


def gather(work: Work, results: Mapping[str, Entry], hidden: Mapping[str, Any]) -> None:
    """Collect the values of a node's inputs into `work.lists` and `work.lazy`.

    Undeclared literals are left out unless the live declaration accepts them; undeclared links are passed.

    Raises:
        ExpansionError: if a link names a node that does not exist.
    """
    lists: dict[str, list[Any]] = {}
    lazy: dict[str, Link] = {}
    spec, behaviour = work.spec, work.behaviour
    by_name = spec.by_name
    for name, value in work.node.inputs.items():
        declared = by_name.get(name)
        if type(value) is Link:
            if declared is not None and declared.is_ref:
                lists[name] = [value.to_list()]
                continue
            entry = results.get(value.node)
            if entry is None:
                if declared is None or not declared.is_lazy:
                    raise ExpansionError(
                        f"input '{name}' is linked to node '{value.node}', which does not exist or has no result.",
                        where=f"node {work.node.id}",
                        fix="Connect it again.",
                    )
                lazy[name] = value
                if behaviour.lazy != "await":
                    lists[name] = [None]
            else:
                outputs = entry.outputs
                lists[name] = outputs[value.output] if 0 <= value.output < len(outputs) else [None]
        elif declared is not None or behaviour.accepts(name):
            lists[name] = [value.value if type(value) is NotALink else value]
    for item in spec.hidden_inputs:
        if item.hidden in HIDDEN_KINDS:
            lists[item.name] = [hidden[item.hidden]]
    if behaviour.lazy == "await":
        for item in spec.visible:
            if item.mode == "lazy" and item.name in lists and item.name not in lazy:
                lazy[item.name] = Link("", 0)
    work.lists, work.lazy = lists, lazy


def find_blocker(arguments: Mapping[str, Any], lists: bool) -> Blocker | None:
    """Return the first blocker among a call's arguments, looking inside lists where they are received whole."""
    for value in arguments.values():
        if isinstance(value, Blocker):
            return value
        if lists and type(value) is list:
            for item in value:
                if isinstance(item, Blocker):
                    return item
    return None
