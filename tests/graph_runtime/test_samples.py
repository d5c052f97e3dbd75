"""The samples of docs/nodes.md are files, are shown as they are, and work."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from graph_runtime.api import CancelToken, Catalogue, Context
from graph_runtime.context import Services
from graph_runtime.engine import Engine
from graph_runtime.files import Files
from graph_runtime.folders import Folders
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.hooks import run_hooks
from graph_runtime.testing import Recorder, run_graph, run_node
from graph_runtime.testing import function_spec as spec
from graph_runtime.testing import show_spec as shower

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHOWN = re.compile(r"^`docs/(samples/[\w.]+)`\n```python\n(.*?)```", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def samples(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(DOCS / "samples"))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and "samples" in str(sys.modules[name].__file__):
            del sys.modules[name]


def sample(name: str) -> Any:
    return importlib.import_module(name)


def catalogue(*modules: ModuleType) -> Catalogue:
    return Catalogue.collect(*modules).merged([shower(), spec("Start", lambda value: value, ["value"])])


def test_the_page_shows_every_sample_exactly() -> None:
    shown = dict(SHOWN.findall((DOCS / "nodes.md").read_text(encoding="utf-8")))
    files = {f"samples/{path.name}": path.read_text(encoding="utf-8") for path in (DOCS / "samples").glob("*.py")}

    assert shown == files


def test_the_first_node_and_its_own_test() -> None:
    sample("test_first_node").test_a_text_is_repeated()

    assert run_node(sample("first_node").repeat, text="a", times=2) == "a a"


async def test_the_file_reader_refuses_reads_and_notices_changes(data_dir: Path) -> None:
    module = sample("outputs")
    folders = Folders(data_dir)
    folders.create()
    engine = Engine(catalogue(module), files=Files(folders))
    graph = Graph([Node("1", "read_text", {"file": "a.txt"}), Node("2", "Show", {"value": Link("1", 1)})])

    refused = await run_hooks(graph, engine.catalogue, ["2"], files=Files(folders))
    (folders.input / "a.txt").write_text("one\ntwo")
    accepted = await run_hooks(graph, engine.catalogue, ["2"], files=Files(folders))
    first = await engine.run(graph)
    (folders.input / "b.txt").write_text("one\ntwo")
    record = Recorder()
    await engine.run(graph.with_inputs("1", file="b.txt"), emit=record)

    assert [problem.details for problem in refused] == [
        "file - 'a.txt' does not exist. Choose a file in the input folder, or upload it again."
    ]
    assert accepted == () and first.outputs == {"2": {"value": [2]}} and record.started() == []
    engine.close()


async def test_only_the_chosen_branch_runs() -> None:
    nodes = [
        Node("a", "Start", {"value": 1}),
        Node("b", "Start", {"value": 2}),
        Node("c", "choose", {"when": False, "if_true": Link("a", 0), "if_false": Link("b", 0)}),
        Node("e", "Show", {"value": Link("c", 0)}),
    ]
    record = Recorder()

    outcome = await run_graph(Graph(nodes), catalogue(sample("choosing")), ["e"], emit=record)

    assert outcome.outputs == {"e": {"value": [2]}} and "a" not in record.started()


def test_the_longest_text_is_shown() -> None:
    record, longest = Recorder(), sample("collecting").longest
    context = Context(Services("job", record, CancelToken()), "1")

    assert longest(["a", "ccc", "bb"], context) == "ccc"
    assert context.shown == {"text": ["ccc"]} and len(record.of("node_progress")) == 3


async def test_the_echo_expands() -> None:
    modules = [sample("first_node"), sample("looping")]
    nodes = [
        Node("a", "Start", {"value": "x"}),
        Node("b", "echo", {"text": Link("a", 0), "passes": 2}),
        Node("e", "Show", {"value": Link("b", 0)}),
    ]

    assert (await run_graph(Graph(nodes), catalogue(*modules), ["e"])).outputs == {"e": {"value": ["x x x x"]}}
