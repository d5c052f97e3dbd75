"""A run from its first event to its last: what runs, what is reused, what is shown."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from graph_runtime.behaviour import Behaviour, Result
from graph_runtime.cache import Cache
from graph_runtime.catalogue import Catalogue, InputSpec, NodeSpec
from graph_runtime.context import RunExtra, current
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.testing import FakeRunner, Recorder, any_spec, graph, run_graph
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

Make = Callable[..., Engine]


def chain(*types: str, **inputs: Any) -> Graph:
    """Nodes "0", "1", …, each linked to the one before through its input `value`; `inputs` go to node "0"."""
    nodes = []
    for index, kind in enumerate(types):
        given = dict(inputs) if index == 0 else {"value": Link(str(index - 1), 0)}
        nodes.append(Node(str(index), kind, given))
    return Graph(nodes)


DOUBLE = spec("Double", lambda value: value * 2, ["value"])
START = spec("Start", lambda value: value, ["value"])


async def test_the_events_of_a_run_come_in_the_established_order() -> None:
    record = Recorder()

    outcome = await run_graph(chain("Start", "Double", "Show", value=4), [START, DOUBLE, shower()], emit=record)

    assert record.kinds == [
        "run_started",
        "nodes_cached",
        "node_explained",
        "node_started",
        "node_finished",
        "node_explained",
        "node_started",
        "node_finished",
        "node_explained",
        "node_started",
        "node_shown",
        "node_finished",
        "run_succeeded",
    ]
    assert outcome.status == "succeeded" and outcome.outputs == {"2": {"value": [8]}}
    assert outcome.meta == {"2": {"node_id": "2", "display_node": "2", "parent_node": None, "real_node_id": "2"}}
    assert outcome.executed == ("0", "1", "2")


async def test_a_second_run_reuses_everything_and_shows_it_again(make_engine: Make) -> None:
    engine, record = make_engine(Catalogue([START, DOUBLE, shower()])), Recorder()
    await engine.run(chain("Start", "Double", "Show", value=4))

    outcome = await engine.run(chain("Start", "Double", "Show", value=4), emit=record)

    assert record.kinds == ["run_started", "nodes_cached", "node_shown", "node_finished", "run_succeeded"]
    assert record.of("nodes_cached")[0].nodes == ("0", "1", "2")
    assert record.of("node_shown")[0].ui == {"value": [8]} and record.of("node_finished")[0].cached
    assert outcome.outputs == {"2": {"value": [8]}}


async def test_a_cached_output_that_shows_nothing_is_still_announced(make_engine: Make) -> None:
    engine, record = make_engine(Catalogue([spec("Quiet", lambda: Result(), (), 0, terminal=True)])), Recorder()
    await engine.run(Graph([Node("1", "Quiet")]))

    await engine.run(Graph([Node("1", "Quiet")]), emit=record)

    assert [event.ui for event in record.of("node_shown")] == [None]


async def test_after_an_edit_only_what_depends_on_it_runs(make_engine: Make) -> None:
    runner = FakeRunner()
    engine = make_engine(Catalogue([any_spec(name, terminal=name == "d") for name in "abcd"]), runner=runner)
    before = graph("a -> b -> d; c -> d")
    await engine.run(before)
    runner.calls.clear()

    await engine.run(before.with_inputs("c", extra=1))

    assert runner.order == ["c", "d"]


async def test_renumbering_and_titles_invalidate_nothing(make_engine: Make) -> None:
    runner = FakeRunner()
    engine = make_engine(Catalogue([any_spec(name, terminal=name == "b") for name in "ab"]), runner=runner)
    await engine.run(graph("a -> b"))
    runner.calls.clear()

    other = Graph([Node("b", "a", title="new"), Node("a", "b", {"in0": Link("b", 0)})])
    outcome = await engine.run(other)

    assert runner.order == [] and outcome.status == "succeeded"


async def test_identical_nodes_share_one_result(make_engine: Make) -> None:
    calls: list[int] = []
    count = spec(
        "Count", lambda value: calls.append(value) or Result((value,), {"n": [value]}), ["value"], terminal=True
    )
    record = Recorder()
    nodes = Graph([Node(name, "Count", {"value": 1}) for name in "abc"])

    await run_graph(nodes, [count], emit=record)

    assert calls == [1]
    assert [event.cached for event in record.of("node_finished")] == [False, True, True]
    assert [event.ui for event in record.of("node_shown")] == [{"n": [1]}] * 3
    assert record.started() == ["a"]


@pytest.mark.parametrize(
    "cache", [Cache.none, Cache.classic, lambda: Cache.lru(0), Cache], ids=["none", "classic", "lru", "bytes"]
)
async def test_identical_nodes_share_one_result_under_every_policy(cache: Callable[[], Cache]) -> None:
    calls: list[int] = []
    count = spec("Count", lambda value: calls.append(value), ["value"])
    both = spec("Both", lambda a, b: Result(), ["a", "b"], 0, terminal=True)
    nodes = [Node("a", "Count", {"value": 1}), Node("b", "Count", {"value": 1})]

    outcome = await run_graph(
        Graph([*nodes, Node("c", "Both", {"a": Link("a", 0), "b": Link("b", 0)})]), [count, both], cache=cache()
    )

    assert outcome.status == "succeeded" and calls == [1]


@pytest.mark.parametrize(
    "changes",
    [
        {"not_idempotent": True},
        {"cache": False},
        {"inputs": (InputSpec("value", "*"), InputSpec("id", "UNIQUE_ID", required=False, hidden="UNIQUE_ID"))},
    ],
)
async def test_nodes_that_know_who_they_are_share_nothing(changes: dict[str, Any]) -> None:
    calls: list[Any] = []
    count = spec("Count", lambda value, id=None: calls.append(value), ["value"], terminal=True)
    specs = [
        NodeSpec(
            "Count",
            **{
                "inputs": count.inputs,
                "outputs": count.outputs,
                "terminal": True,
                "behaviour": count.behaviour,
                **changes,
            },
        )
    ]

    await run_graph(Graph([Node(name, "Count", {"value": 1}) for name in "ab"]), specs)

    assert calls == [1, 1]


async def test_a_node_that_opted_out_runs_every_time_and_so_does_what_depends_on_it(make_engine: Make) -> None:
    runner = FakeRunner()
    specs = [any_spec("a", cache=False, terminal=False), any_spec("b", terminal=False), any_spec("c")]
    engine = make_engine(Catalogue(specs), runner=runner)
    for _ in range(2):
        await engine.run(graph("a -> b -> c"))

    assert runner.order == ["a", "b", "c"] * 2


async def test_only_selected_outputs_and_their_ancestors_run() -> None:
    runner_calls = Recorder()
    specs = [any_spec(name, terminal=name in "bde") for name in "abcde"]

    await run_graph(graph("a -> b -> c -> d; e"), specs, ["d"], emit=runner_calls)

    assert sorted(runner_calls.started()) == ["a", "b", "c", "d"]


async def test_terminal_nodes_are_preferred_so_that_results_come_early() -> None:
    record = Recorder()
    specs = [any_spec(name, terminal=name.startswith("out")) for name in ["a", "b", "c", "d", "out1", "out2"]]

    await run_graph(graph("a -> b -> c -> d -> out2; a -> out1"), specs, emit=record)

    assert record.started().index("out1") == 1


async def test_undeclared_literals_are_dropped_and_undeclared_links_are_passed() -> None:
    seen: dict[str, Any] = {}
    sink = spec("Sink", lambda **given: seen.update(given) or Result(), ["value"], 0, terminal=True)
    nodes = [Node("a", "Start", {"value": 7}), Node("b", "Sink", {"value": 1, "literal": 2, "linked": Link("a", 0)})]

    await run_graph(Graph(nodes), [START, sink])

    assert seen == {"value": 1, "linked": 7}


async def test_a_live_declaration_that_accepts_a_name_gets_its_literal() -> None:
    seen: dict[str, Any] = {}

    def keep(**given: Any) -> Result:
        seen.update(given)
        return Result()

    accepting = spec("Sink", keep, (), 0, terminal=True, behaviour={"accepts": lambda name: name.startswith("any_")})

    await run_graph(Graph([Node("a", "Sink", {"any_1": 1, "other": 2})]), [accepting])

    assert seen == {"any_1": 1}


async def test_hidden_inputs_are_supplied_under_the_names_the_node_chose() -> None:
    seen: dict[str, Any] = {}
    kinds = {
        "me": "UNIQUE_ID",
        "p": "PROMPT",
        "dyn": "DYNPROMPT",
        "png": "EXTRA_PNGINFO",
        "token": "AUTH_TOKEN_COMFY_ORG",
        "key": "API_KEY_COMFY_ORG",
        "odd": "SOMETHING",
    }
    inputs = [InputSpec(name, kind, required=False, hidden=kind) for name, kind in kinds.items()]
    sink = spec("Sink", lambda **given: seen.update(given) or Result(), inputs, 0, terminal=True)
    extra = RunExtra({"9": {"class_type": "Sink"}}, {"workflow": {}}, "t", "k")

    await run_graph(Graph([Node("9", "Sink", {"me": "forged", "odd": "given"})]), [sink], extra=extra)

    dyn = seen.pop("dyn")
    assert seen == {"me": "9", "p": extra.prompt, "png": {"workflow": {}}, "token": "t", "key": "k", "odd": "given"}
    assert dyn.get_original_prompt() is extra.prompt and dyn.has_node("9") and dyn.all_node_ids() == {"9"}
    assert dyn.get_real_node_id("9") == dyn.get_display_node_id("9") == "9" and dyn.get_parent_node_id("9") is None


async def test_hidden_prompt_without_one_given_is_the_graph_in_the_api_format() -> None:
    seen: list[Any] = []
    inputs = [InputSpec("p", "PROMPT", required=False, hidden="PROMPT"), "value"]
    sink = spec("Sink", lambda p, value: seen.append(p) or Result(), inputs, 0, terminal=True)

    await run_graph(Graph([Node("9", "Sink", {"value": 3})]), [sink])

    assert seen == [{"9": {"class_type": "Sink", "inputs": {"value": 3}}}]


async def test_instances_live_as_long_as_the_node_stays_in_use(make_engine: Make) -> None:
    made: list[object] = []
    used: list[object] = []

    class Stateful(Behaviour):
        def new_instance(self) -> object:
            made.append(object())
            return made[-1]

        def call(self, invocation: Any) -> Result:
            used.append(invocation.instance)
            return Result()

    node = NodeSpec("S", (InputSpec("n", "*"),), terminal=True, behaviour=Stateful())
    engine = make_engine(Catalogue([node]))
    for inputs in [{"1": 1}, {"1": 2}, {"2": 3}, {"1": 4}]:
        await engine.run(Graph([Node(node_id, "S", {"n": n}) for node_id, n in inputs.items()]))

    assert used == [made[0], made[0], made[1], made[2]]


async def test_node_code_can_find_its_context_without_a_parameter() -> None:
    found: list[Any] = []
    sink = spec("Sink", lambda: found.append(current().node_id) or Result(), (), 0, terminal=True)  # type: ignore[union-attr]

    await run_graph(Graph([Node("9", "Sink")]), [sink])

    assert found == ["9"] and current() is None


async def test_device_nodes_share_one_thread_and_others_run_beside_it() -> None:
    threads: dict[str, str] = {}
    meeting = threading.Barrier(3, timeout=20)

    def at(name: str) -> Callable[[], Result]:
        def run() -> Result:
            threads[name] = threading.current_thread().name
            meeting.wait()
            return Result()

        return run

    specs = [
        spec("Device", at("device"), (), 0, terminal=True),
        spec("Beside", at("beside"), (), 0, terminal=True, device=False),
        spec("Beside2", at("beside2"), (), 0, terminal=True, device=False),
    ]

    outcome = await run_graph(Graph([Node(s.id, s.id) for s in specs]), specs)

    assert outcome.status == "succeeded"
    assert threads["device"].startswith("device") and threads["beside"].startswith("beside")
    assert threads["beside"] != threads["beside2"]


async def test_work_beside_goes_on_while_the_device_is_busy() -> None:
    order: list[str] = []
    first_done = threading.Event()
    second_done = threading.Event()

    def long() -> Result:
        assert second_done.wait(20)
        order.append("device")
        return Result()

    def first() -> int:
        order.append("first")
        first_done.set()
        return 1

    def second(value: int) -> Result:
        order.append("second")
        second_done.set()
        return Result()

    specs = [
        spec("Long", long, (), 0, terminal=True),
        spec("First", first, (), 1, device=False),
        spec("Second", second, ["value"], 0, terminal=True, device=False),
    ]
    nodes = [Node("l", "Long"), Node("f", "First"), Node("s", "Second", {"value": Link("f", 0)})]

    await run_graph(Graph(nodes), specs)

    assert order == ["first", "second", "device"]


async def test_runs_of_one_engine_wait_for_each_other(make_engine: Make) -> None:
    running: list[str] = []

    def run(value: str) -> Result:
        running.append(f"{value} starts")
        running.append(f"{value} ends")
        return Result()

    engine = make_engine(Catalogue([spec("Run", run, ["value"], 0, terminal=True)]))
    graphs = [Graph([Node("1", "Run", {"value": name})]) for name in ("a", "b")]

    await asyncio.gather(*(engine.run(item) for item in graphs))

    assert running == ["a starts", "a ends", "b starts", "b ends"]


async def test_clearing_forgets_results(make_engine: Make) -> None:
    runner = FakeRunner()
    engine = make_engine(Catalogue([any_spec("a")]), runner=runner)
    await engine.run(graph("a"))
    engine.clear()

    await engine.run(graph("a"))

    assert runner.order == ["a", "a"]


async def test_a_chain_of_20_000_nodes_runs() -> None:
    nodes = [Node("0", "Start", {"value": 0})]
    nodes += [Node(str(i), "Inc", {"value": Link(str(i - 1), 0)}) for i in range(1, 20_000)]
    nodes.append(Node("end", "Show", {"value": Link("19999", 0)}))

    outcome = await run_graph(Graph(nodes), [START, spec("Inc", lambda value: value + 1, ["value"]), shower()])

    assert outcome.outputs == {"end": {"value": [19_999]}}


async def test_results_that_nobody_needs_any_more_are_released_without_a_cache() -> None:
    alive: list[int] = []

    class Big:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    most: list[int] = []

    def make(value: Any) -> Big:
        most.append(len(alive))
        return Big()

    nodes = [Node("0", "Make", {"value": 0})]
    nodes += [Node(str(i), "Make", {"value": Link(str(i - 1), 0)}) for i in range(1, 20)]
    end = spec("End", lambda value: Result(), ["value"], 0, terminal=True)

    await run_graph(
        Graph([*nodes, Node("end", "End", {"value": Link("19", 0)})]),
        [spec("Make", make, ["value"]), end],
        cache=Cache.none(),
    )

    assert max(most) <= 3


async def test_a_spec_that_is_only_data_cannot_run() -> None:
    data = Catalogue.from_data(Catalogue([START, shower()]).to_data())

    outcome = await run_graph(chain("Start", "Show", value=1), data)

    assert outcome.status == "failed" and outcome.error is not None
    assert "Start" in outcome.error.message
