"""A later process can say what changed since an earlier one."""

import json

import pytest

from graph_runtime.explain import RunRecord
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.run_memory import load_runs, save_runs


def record(nodes=2, **tokens):
    graph = Graph(
        {
            str(number): Node(str(number), "Join", {"a": Link(str(number - 1), 0) if number else [1, 2], "b": 2**60})
            for number in range(nodes)
        }
    )
    keys = {node: bytes([int(node) % 256] * 16) if int(node) % 2 == 0 else None for node in graph}
    return RunRecord(graph, keys, tokens, {"Join": 3}, finished={"0"})


def test_runs_come_back_as_they_were_newest_first(tmp_path):
    path = tmp_path / "deep" / "runs.json"
    records = [record(2, first=["digest"]), record(3)]

    save_runs(path, records)

    for before, after in zip(records, load_runs(path), strict=True):
        assert (after.graph, dict(after.keys), after.versions) == (before.graph, before.keys, before.versions)
        assert (after.tokens, after.finished) == (before.tokens, before.finished)


def test_tokens_that_do_not_survive_a_file_are_left_out(tmp_path):
    path = tmp_path / "runs.json"

    save_runs(path, [record(2, kept=["x", 1], nan=[float("nan")], odd=[object()], bytes=[b"x"], tuple=[(1, 2)])])

    assert load_runs(path)[0].tokens == {"kept": ["x", 1]}


def test_only_as_many_runs_are_kept_as_have_few_nodes(tmp_path):
    path = tmp_path / "runs.json"

    save_runs(path, [record(9_000), record(9_000), record(9_000)])

    assert [len(run.graph) for run in load_runs(path)] == [9_000, 9_000]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "runs": [{}]}', '{"version": 9, "runs": []}']
)
def test_a_file_that_cannot_be_read_is_no_memory(tmp_path, text):
    path = tmp_path / "runs.json"
    path.write_text(text)

    assert load_runs(path) == []
    assert load_runs(tmp_path / "none.json") == []


def test_nothing_half_written_is_left_behind(tmp_path):
    path = tmp_path / "runs.json"
    save_runs(path, [record()])
    broken = record()
    broken.keys["0"] = "no key"

    with pytest.raises(AttributeError):
        save_runs(path, [broken])

    assert [item.name for item in tmp_path.iterdir()] == ["runs.json"]
    assert json.loads(path.read_text())["version"] == 1
