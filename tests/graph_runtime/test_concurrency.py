"""Asynchronous nodes run together, and a run that is stopped stops all of them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graph_runtime.api import Cancelled, CancelToken, Catalogue, Context, Result
from graph_runtime.api import node as declare
from graph_runtime.catalogue import OutputSpec
from graph_runtime.context import current
from graph_runtime.declare import spec_of
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.runner import ThreadRunner
from graph_runtime.testing import Recorder, run_graph
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

Make = Callable[..., Engine]


def later(node_type: str, function: Any, inputs: Any = (), outputs: Any = 1, **changes: Any) -> Any:
    return spec(node_type, function, inputs, outputs, behaviour={"asynchronous": True}, **changes)


def wide(count: int, node_type: str) -> Graph:
    return Graph([Node(str(i), node_type, {"value": i}) for i in range(count)])


async def test_asynchronous_nodes_wait_together() -> None:
    waiting = 0
    everybody = asyncio.Event()

    async def wait(value: int) -> Result:
        nonlocal waiting
        waiting += 1
        if waiting == 20:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 20)
        return Result()

    outcome = await run_graph(wide(20, "Wait"), [later("Wait", wait, ["value"], 0, terminal=True)])

    assert outcome.status == "succeeded"


async def test_list_items_of_one_asynchronous_node_wait_together_and_keep_their_order() -> None:
    started: list[int] = []
    everybody = asyncio.Event()

    async def wait(value: int) -> int:
        started.append(value)
        if len(started) == 3:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 20)
        await asyncio.sleep(0.01 * (3 - value))
        return value * 10

    give = spec("Give", lambda: Result(([0, 1, 2],)), (), [OutputSpec("o", "*", is_list=True)])
    nodes = [Node("g", "Give"), Node("w", "Wait", {"value": Link("g", 0)}), Node("s", "Show", {"value": Link("w", 0)})]

    outcome = await run_graph(Graph(nodes), [give, later("Wait", wait, ["value"]), shower()])

    assert outcome.outputs == {"s": {"value": [0, 10, 20]}}


async def test_an_asynchronous_node_advances_while_the_device_is_busy() -> None:
    done = threading.Event()

    async def wait() -> Result:
        await asyncio.sleep(0)
        done.set()
        return Result()

    def long() -> Result:
        assert done.wait(20)
        return Result()

    specs = [spec("Long", long, (), 0, terminal=True), later("Wait", wait, (), 0, terminal=True)]

    assert (await run_graph(Graph([Node("l", "Long"), Node("w", "Wait")]), specs)).status == "succeeded"


async def test_what_follows_an_asynchronous_node_runs_while_the_device_is_busy() -> None:
    done = threading.Event()

    async def first() -> int:
        await asyncio.sleep(0)
        return 1

    async def second(value: int) -> Result:
        done.set()
        return Result()

    def long() -> Result:
        assert done.wait(20)
        return Result()

    specs = [
        spec("Long", long, (), 0, terminal=True),
        later("First", first),
        later("Second", second, ["value"], 0, terminal=True),
    ]
    nodes = [Node("l", "Long"), Node("f", "First"), Node("s", "Second", {"value": Link("f", 0)})]

    assert (await run_graph(Graph(nodes), specs)).status == "succeeded"


async def test_each_task_finds_its_own_context() -> None:
    found: dict[int, Any] = {}

    async def look(value: int) -> Result:
        await asyncio.sleep(0)
        context = current()
        assert context is not None
        found[value] = (context.node_id, context.list_index)
        return Result()

    await run_graph(wide(5, "Look"), [later("Look", look, ["value"], 0, terminal=True)])

    assert found == {i: (str(i), 0) for i in range(5)}


async def test_a_synchronous_behaviour_may_return_an_awaitable() -> None:
    async def value() -> Result:
        await asyncio.sleep(0)
        return Result((3,))

    class Late:
        pass

    node = spec("Late", lambda: None, ())
    object.__setattr__(node.behaviour, "call", lambda invocation: value())

    outcome = await run_graph(Graph([Node("l", "Late"), Node("s", "Show", {"value": Link("l", 0)})]), [node, shower()])

    assert outcome.outputs == {"s": {"value": [3]}}


async def test_one_failing_task_cancels_the_others() -> None:
    ended: list[str] = []

    async def forever(value: int) -> Result:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return Result()

    async def fail() -> Result:
        await asyncio.sleep(0.01)
        raise ValueError("broken")

    specs = [later("Forever", forever, ["value"], 0, terminal=True), later("Fail", fail, (), 0, terminal=True)]
    nodes = Graph([*wide(3, "Forever").nodes.values(), Node("f", "Fail")])

    outcome = await asyncio.wait_for(run_graph(nodes, specs), 20)

    assert outcome.error is not None and (outcome.error.node, outcome.error.message) == ("f", "broken")
    assert ended == ["cancelled"] * 3


async def test_cancelling_reaches_suspended_nodes() -> None:
    token, record = CancelToken(), Recorder()

    async def forever() -> Result:
        token.cancel()
        await asyncio.Event().wait()
        return Result()

    engine = Engine(Catalogue([later("Forever", forever, (), 0, terminal=True)]))
    outcome = await asyncio.wait_for(engine.run(Graph([Node("1", "Forever")]), emit=record, cancel=token), 20)
    await asyncio.to_thread(engine.close)

    assert outcome.status == "cancelled" and outcome.error is None
    assert (record.events[-1].kind, record.events[-1].to_data()["node"]) == ("run_cancelled", "1")
    assert record.kinds.count("run_succeeded") == 0


async def test_cancelling_reaches_a_node_through_its_progress() -> None:
    token, record = CancelToken(), Recorder()

    @declare("Steps", terminal=True)
    def steps(ctx: Context) -> None:
        for step in range(1_000_000):
            ctx.progress(step, 1_000_000)
            if step == 5:
                token.cancel()

    outcome = await run_cancelled(Catalogue([spec_of(steps)]), Graph([Node("1", "Steps")]), token, record)

    assert outcome.status == "cancelled" and len(record.of("node_progress")) == 6
    assert record.events[-1].to_data() == {
        "kind": "run_cancelled",
        "node": "1",
        "node_type": "Steps",
        "executed": (),
    }


async def run_cancelled(catalogue: Catalogue, graph: Graph, token: CancelToken, record: Recorder) -> Any:
    engine = Engine(catalogue)
    try:
        return await asyncio.wait_for(engine.run(graph, emit=record, cancel=token), 20)
    finally:
        await asyncio.to_thread(engine.close)


async def test_cancelling_between_nodes_starts_no_further_one() -> None:
    token, record = CancelToken(), Recorder()
    stop = spec("Stop", lambda: token.cancel() or 1)
    nodes = Graph([Node("1", "Stop"), Node("2", "Show", {"value": Link("1", 0)})])

    outcome = await run_cancelled(Catalogue([stop, shower()]), nodes, token, record)

    assert outcome.status == "cancelled" and record.started() == ["1"]


async def test_a_run_cancelled_before_it_starts_runs_nothing() -> None:
    token, record = CancelToken(), Recorder()
    token.cancel()

    outcome = await run_cancelled(Catalogue([shower()]), Graph([Node("2", "Show")]), token, record)

    assert outcome.status == "cancelled" and record.started() == []
    assert record.kinds[-1] == "run_cancelled"


async def test_a_node_may_end_the_run_by_raising_cancelled() -> None:
    class Interrupted(Cancelled):
        """As a pack's own exception for it."""

    def stop() -> Any:
        raise Interrupted

    outcome = await run_cancelled(
        Catalogue([spec("Stop", stop, (), 0, terminal=True)]), Graph([Node("1", "Stop")]), CancelToken(), Recorder()
    )

    assert outcome.status == "cancelled"


async def test_cancelling_after_the_end_changes_nothing() -> None:
    token, record = CancelToken(), Recorder()
    outcome = await run_cancelled(Catalogue([shower()]), Graph([Node("2", "Show")]), token, record)

    token.cancel()

    assert outcome.status == "succeeded"


async def test_awaiting_the_run_can_be_cancelled_too(make_engine: Make) -> None:
    started = asyncio.Event()

    async def forever() -> Result:
        started.set()
        await asyncio.Event().wait()
        return Result()

    record = Recorder()
    engine = make_engine(Catalogue([later("Forever", forever, (), 0, terminal=True)]))
    task = asyncio.create_task(engine.run(Graph([Node("1", "Forever")]), emit=record))
    await asyncio.wait_for(started.wait(), 20)
    task.cancel()
    await asyncio.wait({task}, timeout=20)

    assert task.cancelled() and record.kinds[-1] == "run_cancelled"


async def test_a_coroutine_that_refuses_to_end_is_left_behind(make_engine: Make) -> None:
    release = asyncio.Event()

    async def stubborn() -> Result:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return Result()

    async def fail() -> Result:
        raise ValueError("broken")

    specs = [later("Stubborn", stubborn, (), 0, terminal=True), later("Fail", fail, (), 0, terminal=True)]
    engine = make_engine(Catalogue(specs), patience=0.2)
    outcome = await asyncio.wait_for(engine.run(Graph([Node("1", "Stubborn"), Node("2", "Fail")])), 20)
    release.set()
    await asyncio.sleep(0.05)

    assert outcome.error is not None and outcome.error.message == "broken"


async def test_a_failure_stops_work_beside_through_its_context() -> None:
    @declare("Work", terminal=True, device=False)
    def work(ctx: Context) -> None:
        while True:
            ctx.check_cancelled()
            time.sleep(0.001)

    def fail() -> Any:
        raise ValueError("broken")

    outcome = await asyncio.wait_for(
        run_graph(
            Graph([Node("w", "Work"), Node("f", "Fail")]), [spec_of(work), spec("Fail", fail, (), 0, terminal=True)]
        ),
        20,
    )

    assert outcome.error is not None and outcome.error.node == "f"


async def test_a_scope_surrounds_node_code_and_nothing_else_on_the_loop(make_engine: Make) -> None:
    inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside", default=False)
    depth = threading.local()
    seen: list[tuple[str, int]] = []

    @contextmanager
    def scope() -> Iterator[None]:
        depth.value = getattr(depth, "value", 0) + 1
        try:
            yield
        finally:
            depth.value -= 1

    def look(name: str) -> None:
        seen.append((name, getattr(depth, "value", 0)))

    async def node() -> Result:
        look("before")
        await asyncio.sleep(0.02)
        look("after")
        return Result()

    async def outside() -> None:
        for _ in range(5):
            assert getattr(depth, "value", 0) == 0
            await asyncio.sleep(0.005)

    def plain() -> Result:
        look("plain")
        return Result()

    specs = [
        later("Node", node, (), 0, terminal=True),
        spec("Plain", plain, (), 0, terminal=True),
        spec("Beside", plain, (), 0, terminal=True, device=False),
    ]
    engine = make_engine(Catalogue(specs), runner=ThreadRunner(scope=scope))
    await asyncio.gather(outside(), engine.run(Graph([Node(s.id, s.id) for s in specs])))

    assert sorted(seen) == [("after", 1), ("before", 1), ("plain", 1), ("plain", 1)]
    assert inside.get() is False


async def test_1000_asynchronous_nodes_in_a_row_and_side_by_side() -> None:
    async def add(value: int) -> int:
        await asyncio.sleep(0)
        return value + 1

    row = [Node(str(i), "Add", {"value": Link(str(i - 1), 0) if i else 0}) for i in range(1000)]
    side = [Node(f"s{i}", "Add", {"value": i}) for i in range(1000)]
    ends = [Node(f"e{i}", "Show", {"value": Link(f"s{i}", 0)}) for i in range(1000)]
    graph = Graph([*row, *side, *ends, Node("e", "Show", {"value": Link("999", 0)})])

    outcome = await run_graph(graph, [later("Add", add, ["value"]), shower()])

    assert outcome.outputs["e"] == {"value": [1000]} and outcome.outputs["e999"] == {"value": [1000]}
