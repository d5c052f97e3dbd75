"""Whatever the graph, the policy and the edits: results are those of computing everything anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_runtime.api import CancelToken, Lazy, Ref, Subgraph
from graph_runtime.api import node as declare
from graph_runtime.cache import Cache
from graph_runtime.catalogue import Catalogue
from graph_runtime.declare import spec_of
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.testing import Recorder
from graph_runtime.testing import show_spec as shower

KINDS = ["Mix", "MixBeside", "MixLater", "MixLazily", "MixInside"]


def mix(a: int, b: int, n: int) -> int:
    return (a * 31 + b * 7 + n) % 1_000_003


@declare("Mix")
def plain(a: int, b: int, n: int) -> int:
    return mix(a, b, n)


@declare("MixBeside", device=False)
def beside(a: int, b: int, n: int) -> int:
    return mix(a, b, n)


@declare("MixLater")
async def later(a: int, b: int, n: int) -> int:
    await asyncio.sleep(0)
    return mix(a, b, n)


@declare("MixLazily")
async def lazily(a: Lazy[int], b: Lazy[int], n: int) -> int:
    return mix(await b if n % 2 else 0, await a, n) if n % 3 else n


@declare("MixInside")
def inside(a: Ref[int], b: Ref[int], n: int, graph: Subgraph) -> Any:
    return graph.result(graph.add("Mix", a=graph.add("Mix", a=a, b=b, n=n), b=b, n=1))


CATALOGUE = Catalogue([*(spec_of(f) for f in (plain, beside, later, lazily, inside)), shower()])


def expected(kind: str, a: int, b: int, n: int) -> int:
    if kind == "MixLazily":
        return mix(b if n % 2 else 0, a, n) if n % 3 else n
    return mix(mix(a, b, n), b, 1) if kind == "MixInside" else mix(a, b, n)


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, Any, Any, int]]:
    """Nodes as (kind, a, b, n); a and b are literals, or the index of an earlier node."""
    nodes = []
    for index in range(draw(st.integers(1, 12))):
        source = st.integers(0, 5).map(lambda value: ("literal", value))
        if index:
            source = source | st.integers(0, index - 1).map(lambda at: ("node", at))
        nodes.append((draw(st.sampled_from(KINDS)), draw(source), draw(source), draw(st.integers(0, 5))))
    return nodes


def build(nodes: list[tuple[str, Any, Any, int]]) -> tuple[Graph, dict[str, Any]]:
    values: list[int] = []
    made = []
    for index, (kind, a, b, n) in enumerate(nodes):
        inputs = {name: Link(str(at), 0) if how == "node" else at for name, (how, at) in (("a", a), ("b", b))}
        made.append(Node(str(index), kind, {**inputs, "n": n}))
        numbers = [values[at] if how == "node" else at for how, at in (a, b)]
        values.append(expected(kind, numbers[0], numbers[1], n))
    shows = [Node(f"s{index}", "Show", {"value": Link(str(index), 0)}) for index in range(0, len(nodes), 2)]
    return Graph([*made, *shows]), {f"s{index}": {"value": [values[index]]} for index in range(0, len(nodes), 2)}


@pytest.mark.parametrize(
    "cache", [Cache, Cache.classic, lambda: Cache.lru(3), Cache.none], ids=["bytes", "classic", "lru", "none"]
)
@settings(max_examples=25, deadline=None)
@given(first=graphs(), second=graphs(), edits=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 5)), max_size=3))
def test_results_are_those_of_computing_everything_anew(
    cache: Callable[[], Cache], first: Any, second: Any, edits: list[tuple[int, int]]
) -> None:
    async def run_all() -> None:
        engine = Engine(CATALOGUE, cache())
        versions = [first, first, second]
        nodes = list(first)
        for at, n in edits:
            kind, a, b, _ = nodes[at % len(nodes)]
            nodes[at % len(nodes)] = (kind, a, b, n)
            versions.append(list(nodes))
        for version in versions:
            graph, wanted = build(version)
            record = Recorder()
            outcome = await asyncio.wait_for(engine.run(graph, emit=record), 30)
            assert outcome.error is None and {k: outcome.outputs[k] for k in wanted} == wanted
            assert len(set(outcome.executed)) == len(outcome.executed)
            assert record.kinds[-1] == "run_succeeded"
        await asyncio.to_thread(engine.close)

    asyncio.run(run_all())


@settings(max_examples=40, deadline=None)
@given(nodes=graphs(), at=st.integers(1, 60))
def test_a_run_can_be_cancelled_at_any_event_and_the_next_one_is_right(nodes: Any, at: int) -> None:
    async def run_both() -> None:
        engine = Engine(CATALOGUE)
        graph, wanted = build(nodes)
        token, record = CancelToken(), Recorder()

        def emit(event: Any) -> None:
            record(event)
            if len(record.events) == at:
                token.cancel()

        cancelled = await asyncio.wait_for(engine.run(graph, emit=emit, cancel=token), 30)
        assert cancelled.status in ("cancelled", "succeeded")
        assert record.kinds[-1] == ("run_cancelled" if cancelled.status == "cancelled" else "run_succeeded")
        assert record.kinds.count("run_cancelled") + record.kinds.count("run_succeeded") == 1
        outcome = await asyncio.wait_for(engine.run(graph), 30)
        assert {k: outcome.outputs[k] for k in wanted} == wanted
        await asyncio.to_thread(engine.close)

    asyncio.run(run_both())
