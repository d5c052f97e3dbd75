"""Validation hooks are called with what they name, and their refusals have the established shape."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from graph_runtime.api import AnyType, Blocker, Catalogue, Context, Refused
from graph_runtime.api import node as declare
from graph_runtime.behaviour import Invocation
from graph_runtime.catalogue import InputSpec, NodeSpec, OutputSpec
from graph_runtime.declare import spec_of
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.hooks import run_hooks
from graph_runtime.testing import function_spec as spec
from graph_runtime.validate import Problem

SOURCE = spec("Source", lambda: 1, (), [OutputSpec("o", "IMAGE"), OutputSpec("any", AnyType("ANY"))])
INPUTS = [
    InputSpec("a", "*"),
    InputSpec("b", "*", required=False),
    InputSpec("me", "UNIQUE_ID", hidden="UNIQUE_ID"),
    InputSpec("p", "PROMPT", hidden="PROMPT"),
]


def hooked(verdict: Any, names: Any = ("a", "b"), **changes: Any) -> NodeSpec:
    def check(invocation: Invocation, input_types: Any) -> Any:
        return verdict(invocation, input_types) if callable(verdict) else verdict

    return spec(
        "Hooked", lambda **given: 1, INPUTS, terminal=True, checks_inputs=names, behaviour={"check": check}, **changes
    )


async def check(node: NodeSpec, *more: Node, **inputs: Any) -> tuple[Problem, ...]:
    graph = Graph([Node("s", "Source"), Node("1", "Hooked", inputs), *more])
    return await run_hooks(graph, Catalogue([SOURCE, node]), ["1"])


@pytest.mark.parametrize("verdict", [True, Blocker("x")])
async def test_true_is_good(verdict: Any) -> None:
    assert await check(hooked(verdict), a=1) == ()


@pytest.mark.parametrize(
    ("verdict", "details"),
    [
        (False, ["a", "b"]),
        ("too big", ["a - too big", "b - too big"]),
        (0, ["a - 0", "b - 0"]),
        (None, ["a - None", "b - None"]),
    ],
)
async def test_a_refusal_is_repeated_for_each_input_that_was_passed(verdict: Any, details: list[str]) -> None:
    problems = await check(hooked(verdict), a=1, b=2)

    assert [problem.details for problem in problems] == details
    assert {(problem.code, problem.node, problem.what) for problem in problems} == {
        ("custom_validation_failed", "1", "Custom validation failed for node")
    }
    assert [dict(problem.extra) for problem in problems] == [{"input_name": "a"}, {"input_name": "b"}]


async def test_a_refusal_without_any_of_its_inputs_cannot_be_reported() -> None:
    assert await check(hooked(False, ("b",)), a=1) == ()


async def test_it_sees_the_inputs_it_names_and_none_for_links() -> None:
    seen: list[dict[str, Any]] = []

    def look(invocation: Invocation, input_types: Any) -> bool:
        seen.append(dict(invocation.inputs))
        return True

    await check(hooked(look, ("a", "me")), a=Link("s", 0), b=2)
    await check(hooked(look, "*"), a=1, other=3)

    assert seen == [{"a": None, "me": "1"}, {"a": 1, "me": "1", "p": {}}]


async def test_a_hook_of_a_node_that_takes_lists_gets_lists() -> None:
    seen: list[Any] = []

    await check(hooked(lambda invocation, types: seen.append(invocation.inputs) or True, input_is_list=True), a=1)

    assert seen == [{"a": [1]}]


async def test_input_types_are_those_of_the_sources_and_count_as_an_input() -> None:
    seen: list[Any] = []

    def look(invocation: Invocation, input_types: Any) -> str:
        seen.append(input_types)
        return "no"

    problems = await check(hooked(look, ("a", "input_types")), a=Link("s", 0), b=Link("s", 1))

    assert {name: str(kind) for name, kind in seen[0].items()} == {"a": "IMAGE", "b": "ANY"}
    assert [problem.details for problem in problems] == ["a - no", "input_types - no"]


async def test_an_asynchronous_hook_is_awaited_and_may_fail() -> None:
    async def later() -> Any:
        await asyncio.sleep(0)
        raise OSError("unreachable")

    problems = await check(hooked(lambda invocation, types: later()), a=1)

    assert [(p.code, p.node, p.details) for p in problems] == [("exception_during_validation", "1", "unreachable")]
    assert problems[0].extra["exception_type"] == "OSError" and problems[0].extra["traceback"]


async def test_a_failing_hook_of_an_inner_node_is_an_inner_exception() -> None:
    def fail(invocation: Any, types: Any) -> Any:
        raise ValueError("broken hook")

    graph = Graph([Node("1", "Hooked", {"a": 1}), Node("2", "End", {"value": Link("1", 0)})])
    end = spec("End", lambda value: 1, ["value"], 0, terminal=True)
    problems = await run_hooks(graph, Catalogue([hooked(fail), end]), ["2"])

    assert [(p.code, p.node) for p in problems] == [("exception_during_inner_validation", "1")]
    assert problems[0].extra["exception_message"] == "broken hook"


async def test_only_what_the_outputs_need_is_asked() -> None:
    graph = Graph([Node("1", "Hooked", {"a": 1}), Node("2", "Hooked", {"a": 1})])

    problems = await run_hooks(graph, Catalogue([hooked(False)]), ["2"])

    assert [problem.node for problem in problems] == ["2"]


async def test_hooks_of_packs_do_not_hold_the_event_loop() -> None:
    threads: list[int] = []
    spec = hooked(lambda invocation, types: threads.append(threading.get_ident()) or True)

    await check(replace(spec, module="custom_nodes.slow"), a=1)

    assert threads != [threading.get_ident()]


async def test_a_native_hook_refuses_with_a_reason_and_a_cure() -> None:
    def refuse(size: int, ctx: Context) -> Refused | None:
        return Refused("Too large.", "Use 5 or less.") if size > 5 else None

    @declare("Sized", terminal=True, validate=refuse)
    def sized(size: int, other: int = 1) -> None: ...

    graph = Graph([Node("1", "Sized", {"size": 4}), Node("2", "Sized", {"size": 6})])
    problems = await run_hooks(graph, Catalogue([spec_of(sized)]), ["1", "2"])

    assert [(problem.node, problem.details) for problem in problems] == [("2", "size - Too large. Use 5 or less.")]


async def test_a_native_asynchronous_hook() -> None:
    async def refuse(size: int) -> str | None:
        return None if size == 1 else "not one"

    @declare("One", terminal=True, validate=refuse)
    def one(size: int) -> None: ...

    graph = Graph([Node(str(size), "One", {"size": size}) for size in (1, 2)])

    assert [p.details for p in await run_hooks(graph, Catalogue([spec_of(one)]), ["1", "2"])] == ["size - not one"]
