"""What the engine costs a node: chains, fans and binary joins from 10 to 100,000 trivial nodes.

    python benchmarks/engine/bench_graphs.py [--largest 100000] [--rounds 3]

Prints one JSON line a shape and size: microseconds a node (the best of the rounds) to validate, to run cold, to run
again with everything cached, and to run after a node was added. `cpu` is processor time of all threads, which a busy
machine does not distort; `wall` is what a person waits. Goals: cold ≤ 100, cached ≤ 15, edited ≤ 25, and the same at
every size.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from graph_runtime.api import Catalogue, Context, node, spec_of
from graph_runtime.cache import Cache
from graph_runtime.engine import Engine
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.validate import validate


@node("Start")
def start(value: int) -> int:
    """Begin a chain."""
    return value


@node("Add")
def add(a: int, b: int) -> int:
    """Do as little as a node can."""
    return a + b


@node("Show", terminal=True)
def show(value: int, ctx: Context) -> None:
    """End a graph."""
    ctx.show({"value": [value]})


CATALOGUE = Catalogue([spec_of(start), spec_of(add), spec_of(show)])


def chain(count: int) -> list[Node]:
    """Each node feeds the next."""
    first = Node("0", "Start", {"value": 0})
    return [first, *(Node(str(i), "Add", {"a": Link(str(i - 1), 0), "b": 1}) for i in range(1, count))]


def fan(count: int) -> list[Node]:
    """One node feeds all others, which are read two by two until one is left to read."""
    first = Node("0", "Start", {"value": 0})
    middle = [Node(str(i), "Add", {"a": Link("0", 0), "b": i}) for i in range(1, count - 1)]
    return [first, *middle, Node(str(count - 1), "Add", {"a": Link(str(count - 2), 0), "b": 1})]


def join(count: int) -> list[Node]:
    """A binary tree: every node adds two others."""
    nodes = []
    for i in range(count):
        left, right = 2 * i + 1, 2 * i + 2
        leaf = right >= count
        inputs: dict[str, Any] = {"value": i} if leaf else {"a": Link(str(left), 0), "b": Link(str(right), 0)}
        nodes.append(Node(str(i), "Start" if leaf else "Add", inputs))
    return nodes


SHAPES: dict[str, Callable[[int], list[Node]]] = {"chain": chain, "fan": fan, "join": join}


def with_ends(shape: str, nodes: list[Node]) -> Graph:
    """Add terminal nodes so that every node is needed."""
    if shape == "fan":
        shown = [Node(f"show {n.id}", "Show", {"value": Link(n.id, 0)}) for n in nodes[1:]]
        return Graph([*nodes, *shown])
    last = "0" if shape == "join" else nodes[-1].id
    return Graph([*nodes, Node("show", "Show", {"value": Link(last, 0)})])


async def measure(shape: str, count: int, rounds: int) -> dict[str, Any]:
    """Return the figures of one shape and size."""
    graph = with_ends(shape, SHAPES[shape](count))
    edited = graph.with_nodes([Node("extra", "Show", {"value": 1})])
    best: dict[str, dict[str, float]] = {"cpu": {}, "wall": {}}

    def now() -> dict[str, float]:
        return {"cpu": time.process_time(), "wall": time.perf_counter()}

    def note(name: str, began: dict[str, float]) -> None:
        ended = now()
        for clock, figures in best.items():
            spent = round((ended[clock] - began[clock]) / len(graph) * 1e6, 2)
            figures[name] = min(figures.get(name, spent), spent)

    for _ in range(rounds):
        engine = Engine(CATALOGUE, Cache())
        await engine.run(Graph([Node("warm", "Show", {"value": -1})]))
        gc.collect()
        began = now()
        checked = validate(graph, CATALOGUE, lambda folder: [])
        note("validate", began)
        assert not checked.problems
        for name, run in [("cold", graph), ("cached", graph), ("edited", edited)]:
            began = now()
            outcome = await engine.run(run)
            note(name, began)
            assert outcome.status == "succeeded", outcome.error
        await asyncio.to_thread(engine.close)
    return {"benchmark": "engine", "unit": "µs per node", "shape": shape, "nodes": len(graph), **best}


def main() -> None:
    """Measure every shape and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    size = 10
    while size <= options.largest:
        for shape in SHAPES:
            print(json.dumps(asyncio.run(measure(shape, size, options.rounds)), ensure_ascii=False), flush=True)
        size *= 10


if __name__ == "__main__":
    main()
