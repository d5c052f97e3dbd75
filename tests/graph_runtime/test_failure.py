"""A node that fails is reported with everything that helps, and stops the run."""

from __future__ import annotations

import gc
import math
import sys
import weakref
from typing import Any

import pytest

from graph_runtime.api import Catalogue, Context, HeddleError, Result
from graph_runtime.api import node as declare
from graph_runtime.behaviour import Behaviour
from graph_runtime.cache import Cache
from graph_runtime.catalogue import NodeSpec
from graph_runtime.declare import spec_of
from graph_runtime.failure import current_inputs, exception_type, message_of
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.testing import Recorder, run_graph
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower


class Odd:
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Picture:
    shape, dtype, device = (1, 8, 8, 3), "float32", "cpu"


def explode(**given: Any) -> Any:
    raise ValueError("too hot")


EXPLODE = spec("Explode", explode, ["a", "b", "c?"])
START = spec("Start", lambda value: value, ["value"])


def nodes(*more: Node) -> Graph:
    return Graph(
        [
            Node("1", "Start", {"value": 5}),
            Node("2", "Explode", {"a": Link("1", 0), "b": "text", "c": {"__value__": 1}}),
            Node("3", "Show", {"value": Link("2", 0)}),
            *more,
        ]
    )


async def test_a_failure_carries_everything_that_was_current() -> None:
    record = Recorder()

    outcome = await run_graph(nodes(), [START, EXPLODE, shower()], emit=record)

    error = outcome.error
    assert outcome.status == "failed" and error is record.events[-1] and error is not None
    assert (error.node, error.node_type, error.executed) == ("2", "Explode", ("1",))
    assert (error.exception_type, error.message) == ("ValueError", "too hot")
    assert error.current_inputs == {"a": [5], "b": ["text"], "c": ["{'__value__': 1}"]}
    assert 'raise ValueError("too hot")' in error.traceback[-1] and "explode" in error.traceback[-1]
    assert record.kinds.count("run_failed") == 1 and "run_succeeded" not in record.kinds


async def test_the_traceback_begins_in_the_nodes_own_code() -> None:
    @declare("Broken", terminal=True)
    def broken() -> None:
        raise ValueError("too hot")

    error = (await run_graph(Graph([Node("1", "Broken")]), [spec_of(broken)])).error

    assert error is not None and len(error.traceback) == 1 and "in broken" in error.traceback[0]


async def test_nothing_else_is_started_and_finished_results_stay(make_engine: Any) -> None:
    engine = make_engine(Catalogue([START, EXPLODE, shower()]))
    record = Recorder()

    await engine.run(nodes(Node("4", "Show", {"value": Link("2", 0)})), emit=Recorder())
    outcome = await engine.run(nodes(), emit=record)

    assert record.of("nodes_cached")[0].nodes == ("1",) and outcome.error.current_outputs == ("1",)
    assert record.started() == ["2"]


async def test_a_failed_node_is_not_cached(make_engine: Any) -> None:
    attempts: list[int] = []

    def sometimes() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("first time")
        return 7

    engine = make_engine(Catalogue([spec("Sometimes", sometimes), shower()]))
    graph = Graph([Node("1", "Sometimes"), Node("2", "Show", {"value": Link("1", 0)})])
    first, second = await engine.run(graph), await engine.run(graph)

    assert first.status == "failed" and second.outputs == {"2": {"value": [7]}}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError(), RecursionError("deep")])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_whatever_a_node_raises_is_its_failure_and_not_the_engines(
    error: BaseException, asynchronous: bool
) -> None:
    def leave() -> Any:
        raise error

    async def leave_later() -> Any:
        raise error

    node = spec(
        "Leave", leave_later if asynchronous else leave, (), 0, terminal=True, behaviour={"asynchronous": asynchronous}
    )
    outcome = await run_graph(Graph([Node("1", "Leave")]), [node])

    assert outcome.error is not None and outcome.error.exception_type == type(error).__name__


async def test_the_wrong_number_of_outputs_is_named() -> None:
    @declare("Two")
    def two() -> tuple[int, int]:
        return (1, 2, 3)  # type: ignore[return-value]

    outcome = await run_graph(
        Graph([Node("1", "Two"), Node("2", "Show", {"value": Link("1", 0)})]), [spec_of(two), shower()]
    )

    assert outcome.error is not None and "returned 3 values, but declares 2" in outcome.error.message
    assert "Return one value an output" in outcome.error.fix


async def test_a_behaviour_that_returns_no_result_is_named() -> None:
    class Wrong(Behaviour):
        def call(self, invocation: Any) -> Any:
            return {"ui": 1}

    outcome = await run_graph(Graph([Node("1", "W")]), [NodeSpec("W", terminal=True, behaviour=Wrong())])

    assert outcome.error is not None and "returned dict instead of a Result" in outcome.error.message


async def test_running_out_of_memory_frees_and_tries_once_more(make_engine: Any) -> None:
    calls: list[int] = []
    freed: list[str] = []

    def hungry() -> Result:
        calls.append(1)
        if len(calls) == 1:
            raise MemoryError("no room")
        return Result((), {"ok": [1]})

    def recover(error: BaseException) -> bool:
        freed.append(str(error))
        return isinstance(error, MemoryError)

    engine = make_engine(Catalogue([spec("Hungry", hungry, (), 0, terminal=True)]), recover=recover)
    outcome = await engine.run(Graph([Node("1", "Hungry")]))

    assert outcome.outputs == {"1": {"ok": [1]}} and freed == ["no room"]


async def test_the_values_of_a_failed_call_are_gone_when_memory_is_freed(make_engine: Any) -> None:
    class Tensor:
        pass

    alive: list[weakref.ref[Tensor]] = []
    seen: list[bool] = []

    def hungry() -> Result:
        if alive:
            return Result()
        local = Tensor()
        alive.append(weakref.ref(local))
        raise MemoryError("no room")

    def recover(error: BaseException) -> bool:
        seen.append(alive[0]() is None)
        return True

    engine = make_engine(Catalogue([spec("Hungry", hungry, (), 0, terminal=True)]), recover=recover)

    assert (await engine.run(Graph([Node("1", "Hungry")]))).status == "succeeded" and seen == [True]


@pytest.mark.parametrize("ends", ["well", "badly"])
async def test_values_are_let_go_at_the_end_without_a_garbage_collection(make_engine: Any, ends: str) -> None:
    class Tensor:
        pass

    alive: list[weakref.ref[Tensor]] = []

    def make(value: Any) -> Tensor:
        alive.append(weakref.ref(made := Tensor()))
        return made

    def use(a: Any, b: Any) -> Result:
        if ends == "badly":
            raise ValueError("broken")
        return Result()

    specs = [spec("Make", make, ["value"]), spec("Use", use, ["a", "b~"], 0, terminal=True)]
    nodes = [Node("1", "Make", {"value": 1}), Node("2", "Make", {"value": 2})]
    nodes += [Node("3", "Use", {"a": Link("1", 0), "b": Link("2", 0)}), Node("4", "Use", {"a": Link("2", 0), "b": 1})]
    engine = make_engine(Catalogue(specs), Cache.none())
    gc.collect()
    gc.disable()
    try:
        await engine.run(Graph(nodes))

        assert alive and all(reference() is None for reference in alive)
    finally:
        gc.enable()


async def test_an_output_that_is_not_in_the_graph_is_named(make_engine: Any) -> None:
    outcome = await make_engine(Catalogue([shower()])).run(Graph([Node("1", "Show")]), ["9"])

    assert outcome.error is not None and outcome.error.message == "The output '9' is not in the graph."


async def test_a_call_is_tried_once_more_and_not_again(make_engine: Any) -> None:
    calls: list[int] = []

    def hungry() -> Any:
        calls.append(1)
        raise MemoryError("no room")

    engine = make_engine(Catalogue([spec("Hungry", hungry, (), 0, terminal=True)]), recover=lambda error: True)

    assert (await engine.run(Graph([Node("1", "Hungry")]))).status == "failed" and len(calls) == 2


async def test_out_of_memory_comes_with_advice() -> None:
    def hungry() -> Any:
        raise MemoryError("no room")

    outcome = await run_graph(Graph([Node("1", "Hungry")]), [spec("Hungry", hungry, (), 0, terminal=True)])

    assert outcome.error is not None and outcome.error.fix.startswith("Use a smaller picture")


async def test_our_own_errors_keep_advice_and_message_apart() -> None:
    def refuse() -> Any:
        raise HeddleError("the file is gone.", where="cat.png", fix="Upload it again.")

    outcome = await run_graph(Graph([Node("1", "R")]), [spec("R", refuse, (), 0, terminal=True)])

    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.fix) == ("cat.png: the file is gone.", "Upload it again.")


async def test_clean_up_functions_run_however_a_node_ends() -> None:
    done: list[str] = []

    @declare("Clean", terminal=True)
    def clean(ctx: Context, fail: bool) -> None:
        ctx.on_cleanup(lambda: done.append(f"node {fail}"))
        ctx.on_cleanup(lambda: done.append("run"), after="run")
        if fail:
            raise ValueError

    for fail in (False, True):
        await run_graph(Graph([Node("1", "Clean", {"fail": fail})]), [spec_of(clean)])

    assert done == ["node False", "run", "node True", "run"]


async def test_a_failing_clean_up_after_the_run_is_logged_and_hides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    @declare("Clean", terminal=True)
    def clean(ctx: Context) -> None:
        ctx.on_cleanup(lambda: [][0], after="run")

    record = Recorder()
    outcome = await run_graph(Graph([Node("1", "Clean")]), [spec_of(clean)], emit=record)

    assert outcome.status == "succeeded" and record.kinds[-1] == "run_succeeded"
    assert "Cleaning up after job test failed" in caplog.text


async def test_a_link_to_a_missing_node_fails_only_that_run(make_engine: Any) -> None:
    engine = make_engine(Catalogue([START, shower()]))

    outcome = await engine.run(Graph([Node("3", "Show", {"value": 1, "stranger": Link("99", 0)})]))

    assert outcome.error is not None and "linked to node '99', which does not exist" in outcome.error.message
    assert (await engine.run(Graph([Node("3", "Show", {"value": 1})]))).status == "succeeded"


def test_values_that_do_not_travel_are_described() -> None:
    lists = {
        "a": [None, True, 3, 1.5, "x"],
        "b": [math.nan, math.inf],
        "c": [Picture()],
        "d": [Odd()],
        "e": ["x" * 5, [1]],
    }

    assert current_inputs(lists) == {
        "a": [None, True, 3, 1.5, "x"],
        "b": ["nan", "inf"],
        "c": ["<Picture [1, 8, 8, 3] float32 on cpu>"],
        "d": ["<Odd, whose text cannot be made: RuntimeError>"],
        "e": ["xxxxx", "[1]"],
    }


def test_an_exception_whose_text_cannot_be_made_has_a_message_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    assert message_of(Mute()) == "<Mute, whose text cannot be made: ValueError>"
    assert message_of(ValueError()) == "ValueError"


def test_exception_types_are_named_as_clients_know_them() -> None:
    assert exception_type(ValueError()) == "ValueError"
    assert exception_type(HeddleError("x")) == "graph_runtime.errors.HeddleError"
    assert sys.exc_info() == (None, None, None)
