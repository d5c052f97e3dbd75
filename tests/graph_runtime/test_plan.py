"""The plan says what to start next, and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from graph_runtime.plan import Plan


def plan_of(sources: Mapping[str, Iterable[str]], available: Iterable[str] = (), first: Iterable[str] = ()) -> Plan:
    known, early = set(available), set(first)
    return Plan(lambda node: sources.get(node, ()), known.__contains__, first=early.__contains__)


def run(plan: Plan) -> list[str]:
    """Take and finish until nothing is ready."""
    order = []
    while (node := plan.take("device")) is not None:
        order.append(node)
        plan.finish(node)
    return order


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    count = draw(st.integers(1, 30))
    return {
        str(node): draw(st.lists(st.integers(0, node - 1).map(str), max_size=4)) if node else []
        for node in range(count)
    }


@given(graphs(), st.data())
def test_every_plan_is_a_topological_order_of_what_is_wanted(
    sources: dict[str, list[str]], data: st.DataObject
) -> None:
    nodes = sorted(sources)
    targets = data.draw(st.lists(st.sampled_from(nodes), min_size=1, unique=True))
    cached = data.draw(st.sets(st.sampled_from(nodes)))
    early = data.draw(st.sets(st.sampled_from(nodes)))
    plan = plan_of(sources, cached, early)
    plan.want(targets, even_if_available=True)

    order = run(plan)

    position = {node: index for index, node in enumerate(order)}
    assert plan.finished and len(position) == len(order)
    assert set(targets) <= position.keys()
    for node in order:
        if node in cached:
            assert node in targets
            continue
        for source in sources[node]:
            assert source in cached or position[source] < position[node]


@given(graphs(), st.randoms(use_true_random=False))
def test_nodes_that_finish_in_any_order_leave_nothing_behind(sources: dict[str, list[str]], random: object) -> None:
    plan = plan_of(sources)
    plan.want(sources)
    running: list[str] = []
    finished: set[str] = set()
    while not plan.finished:
        while (node := plan.take("device")) is not None:
            assert set(sources[node]) <= finished
            running.append(node)
        node = running.pop(random.randrange(len(running)))  # type: ignore[attr-defined]
        finished.add(node)
        plan.finish(node)

    assert finished == set(sources)


def test_the_order_is_the_same_every_time() -> None:
    sources = {"d": ["b", "c"], "b": ["a"], "c": ["a"]}
    orders = []
    for _ in range(3):
        plan = plan_of(sources)
        plan.want(["d"])
        orders.append(run(plan))

    assert orders == [["a", "b", "c", "d"]] * 3


def test_what_is_available_is_not_scheduled_nor_what_only_it_needs() -> None:
    plan = plan_of({"c": ["b"], "b": ["a"]}, available=["b"])
    plan.want(["c"])

    assert run(plan) == ["c"]


def test_what_comes_first_is_preferred_then_what_feeds_it() -> None:
    sources = {"show": ["near"], "near": ["far"], "x": [], "other": ["x"]}
    plan = plan_of(sources, first=["show"])
    plan.want(["other", "show"])

    assert run(plan) == ["far", "near", "show", "x", "other"]


def test_a_node_can_wait_for_more_and_comes_back() -> None:
    plan = plan_of({"b": []})
    plan.want(["a"])
    taken = plan.take("device")
    assert taken == "a"

    assert plan.require("a", ["b"]) is False
    assert run(plan) == ["b", "a"]


def test_requiring_what_is_done_goes_on_at_once() -> None:
    plan = plan_of({})
    plan.want(["a", "b"])
    assert plan.take("device") == "a"
    plan.finish("a")
    assert plan.take("device") == "b"

    assert plan.require("b", ["a"]) is True


def test_a_forgotten_result_is_made_again_when_it_is_wanted() -> None:
    plan = plan_of({"c": ["a"]})
    plan.want(["a"])
    run(plan)
    plan.forget("a")
    plan.want(["c"])

    assert run(plan) == ["a", "c"]


def test_lanes_are_taken_from_separately() -> None:
    plan = Plan(lambda node: [], lambda node: False, lane=lambda node: node[0])
    plan.want(["x1", "y1", "x2"])

    assert [plan.take("y"), plan.take("y"), plan.take("x"), plan.take("x")] == ["y1", None, "x1", "x2"]


def test_a_circle_is_found_and_nothing_is_ready() -> None:
    plan = plan_of({"a": ["c"], "b": ["a"], "c": ["b"], "d": ["c"]})
    plan.want(["d"])

    assert plan.take("device") is None and not plan.finished
    assert sorted(plan.find_cycle()) == ["a", "b", "c"]


def test_without_a_circle_none_is_found() -> None:
    plan = plan_of({"b": ["a"]})
    plan.want(["b"])

    assert plan.find_cycle() == []


def test_chains_fans_and_joins_of_50_000_nodes_are_planned() -> None:
    count = 50_000
    chain = {str(i): [str(i - 1)] for i in range(1, count)}
    fan = {"end": [str(i) for i in range(count)]}
    join = {str(i): [str(2 * i + 1), str(2 * i + 2)] for i in range(count // 2)}
    for sources, target in [(chain, str(count - 1)), (fan, "end"), (join, "0")]:
        plan = plan_of(sources)
        plan.want([target])
        assert len(run(plan)) >= count and plan.finished


def test_a_circle_of_30_000_nodes_is_found() -> None:
    count = 30_000
    plan = plan_of({str(i): [str((i + 1) % count)] for i in range(count)})
    plan.want(["0"])

    assert len(plan.find_cycle()) == count
