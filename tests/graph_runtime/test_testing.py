"""The helpers that authors of nodes are given."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from graph_runtime.api import Catalogue, Context, Hidden, Lazy, Subgraph
from graph_runtime.api import node as declare
from graph_runtime.declare import spec_of
from graph_runtime.engine import Engine
from graph_runtime.testing import FakeRunner, Recorder, any_spec, graph, run_node


@declare("Pause")
async def pause(value: Lazy[Any], ctx: Context, times: int = 2) -> Any:
    ctx.progress(1, 1)
    return [await value] * times


@declare("Grow")
def grow(graph: Subgraph, me: Annotated[str, Hidden("UNIQUE_ID")]) -> Any:
    return graph.result(graph.add(grow))


def test_a_node_runs_alone_with_a_real_context_and_lazy_inputs_as_values() -> None:
    record = Recorder()

    assert run_node(pause, value=3, emit=record) == [3, 3]
    assert record.kinds == ["node_progress"]


def test_a_subgraph_can_be_built_alone() -> None:
    result = run_node(grow, me="7", node_id="7")

    assert result.values == [["7/0", 0]] and result.expand["7/0"]["class_type"] == "Grow"


def test_an_unknown_input_is_named() -> None:
    with pytest.raises(TypeError, match="'Pause' has no input 'valu'; it has value, times"):
        run_node(pause, valu=3)


async def test_the_fake_runner_runs_nothing_and_records_everything() -> None:
    runner = FakeRunner({"b": ("canned",)})
    engine = Engine(Catalogue([any_spec(name, terminal=name == "c") for name in "abc"]), runner=runner)

    await engine.run(graph("a -> b -> c"))

    assert runner.order == ["a", "b", "c"]
    assert [inputs for _, inputs in runner.calls] == [{}, {"in0": "result of a"}, {"in0": "canned"}]
    assert spec_of(pause).id == "Pause"
