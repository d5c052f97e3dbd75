"""Values in messages are short, and never the cause of another error."""

from __future__ import annotations

from typing import Any

from graph_runtime.api import Catalogue
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Node
from graph_runtime.prompt import parse_prompt
from graph_runtime.showing import is_deep, shown, shown_value
from graph_runtime.testing import any_spec
from graph_runtime.testing import function_spec as spec
from graph_runtime.validate import validate


def deep(levels: int, core: Any = 1) -> Any:
    value = core
    for _ in range(levels):
        value = {"x": [value]}
    return value


def test_long_texts_are_cut() -> None:
    assert shown("x" * 501) == "x" * 500 + "…" and shown(5) == "5" and shown("a", form=repr) == "'a'"


def test_depth_is_measured_without_recursion() -> None:
    assert (is_deep(deep(40)), is_deep(deep(60)), is_deep(deep(100_000)), is_deep("x")) == (False, True, True, False)
    assert shown(deep(10_000)) == "(dict nested more than 100 deep)"
    assert shown_value([1, {"a": 2}]) == [1, {"a": 2}] and isinstance(shown_value(deep(5000)), str)


def test_a_literal_nested_10_000_deep_is_refused_where_it_does_not_fit() -> None:
    from graph_runtime.api import InputSpec, NodeSpec

    node = NodeSpec(
        "K",
        (InputSpec("n", "INT"), InputSpec("c", "COMBO", choices=("a",), combo_form="old"), InputSpec("s", "STRING")),
        terminal=True,
    )
    prompt = {"1": {"class_type": "K", "inputs": {"n": deep(10_000), "c": deep(10_000), "s": deep(10_000)}}}

    codes = [p.code for p in validate(parse_prompt(prompt), Catalogue([node]), lambda folder: []).problems]

    assert codes == ["invalid_input_type", "value_not_in_list", "invalid_input_type"]


async def test_a_bottomless_literal_runs_and_is_explained() -> None:
    engine = Engine(Catalogue([spec("K", lambda value: 1, ["value"], terminal=True), any_spec("x")]))
    for core in (1, 1, 2):
        outcome = await engine.run(Graph([Node("1", "K", {"value": deep(20_000, core)})]))
        assert outcome.error is None
    engine.close()


def test_hints_are_not_looked_for_without_end() -> None:
    nodes = Graph([Node(str(i), f"Unknown{i}") for i in range(5000)])
    catalogue = Catalogue([any_spec(f"Unknwon{i}") for i in range(300)])

    problems = validate(nodes, catalogue, lambda folder: []).problems

    assert sum("Did you mean" in problem.fix for problem in problems) == 50
