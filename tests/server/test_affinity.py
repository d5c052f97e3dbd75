"""Jobs go to the free worker that has computed most of them already."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import keys
from server.pools import local
from server.pools.accelerators import accelerators, device_of
from server.pools.affinity import Affinity, marks
from server.settings import Settings


def prompt(checkpoint: str, text: str = "a star", seed: int = 1) -> dict[str, Any]:
    return {
        "1": {"class_type": "Loader", "inputs": {"name": checkpoint}},
        "2": {"class_type": "Encode", "inputs": {"clip": ["1", 1], "text": text}},
        "3": {"class_type": "Sample", "inputs": {"model": ["1", 0], "positive": ["2", 0], "seed": seed}},
    }


def test_the_same_model_leads_to_the_same_worker() -> None:
    affinity = Affinity()
    affinity.runs("w1", prompt("a"))
    affinity.runs("w2", prompt("b"))

    assert affinity.choose(["w1", "w2"], prompt("b", "another text", 7)) == "w2"
    assert affinity.choose(["w2", "w1"], prompt("a", "another text", 7)) == "w1"


def test_more_results_of_a_job_outweigh_fewer() -> None:
    affinity = Affinity()
    affinity.runs("w1", prompt("a", "a circle"))
    affinity.runs("w2", prompt("a", "a star"))

    assert affinity.choose(["w1", "w2"], prompt("a", "a star", 5)) == "w2"


def test_what_nobody_knows_goes_to_the_worker_that_has_waited_longest() -> None:
    affinity = Affinity()
    affinity.runs("w2", prompt("b"))

    assert affinity.choose(["w1", "w2"], prompt("c")) == "w1"


def test_a_worker_that_is_gone_knows_nothing() -> None:
    affinity = Affinity()
    affinity.runs("w2", prompt("a"))
    affinity.forget("w2")

    assert affinity.choose(["w1", "w2"], prompt("a")) == "w1"


@given(st.permutations(["1", "2", "3"]), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3))
def test_marks_depend_on_what_a_node_is_and_not_on_order_or_ids(order: list[str], extra: dict[str, int]) -> None:
    graph = prompt("a")
    graph["1"]["inputs"] |= extra
    renamed = {
        f"n{key}": {
            **graph[key],
            "inputs": {
                name: [f"n{value[0]}", value[1]] if isinstance(value, list) else value
                for name, value in graph[key]["inputs"].items()
            },
        }
        for key in order
    }

    assert sorted(marks(renamed)) == sorted(marks(graph))


async def test_jobs_go_where_most_of_them_was_computed_before(start: Any) -> None:
    def load(text: str, model: str) -> dict[str, Any]:
        return {
            "1": {"class_type": "FakeChecked", "inputs": {"text": model}},
            "2": {"class_type": "FakeChecked", "inputs": {"text": text}},
        }

    async with start(workers=2) as bench:
        async with asyncio.timeout(10):
            while len(bench.pool.free()) < 2:  # noqa: ASYNC110 - workers come up on their own
                await asyncio.sleep(0.01)
        used: dict[str, list[str]] = {}
        for number in range(4):
            for model in ("a", "b"):
                job = (await bench.prompt(load(f"{model}{number}", model)))["prompt_id"]
                await bench.finished(job)
                events = await bench.server.app[keys.READS].events_since(0)
                used.setdefault(model, []).append(
                    next(e.data["worker"] for e in events if e.job == job and e.kind == "running")
                )

    assert len(set(used["a"])) == len(set(used["b"])) == 1
    assert set(used["a"]) != set(used["b"])


def test_a_cycle_or_a_missing_source_does_not_hang() -> None:
    loop = {
        "1": {"class_type": "A", "inputs": {"x": ["2", 0]}},
        "2": {"class_type": "B", "inputs": {"x": ["1", 0], "y": ["9", 0]}},
    }

    assert len(marks(loop)) == 2


def test_a_chain_of_many_nodes_needs_no_deep_stack() -> None:
    chain = {str(n): {"class_type": "Next", "inputs": {"x": [str(n + 1), 0]}} for n in range(5000)}

    assert len(set(marks(chain))) == 5000


@pytest.mark.parametrize(
    ("visible", "count"), [("", 0), ("-1", 0), ("2", 1), ("2,3", 2), ("GPU-1, GPU-2,", 2), (None, 3)]
)
def test_accelerators_are_counted_without_torch(tmp_path, visible: str | None, count: int) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}

    assert accelerators(environment, tmp_path) == count
    assert accelerators({}, tmp_path / "missing") == 0


@pytest.mark.parametrize(
    ("changes", "devices"),
    [
        ({"workers": 4}, ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]),
        ({"workers": 1}, [None]),
        ({"workers": 2, "cpu": True}, [None, None]),
    ],
)
def test_each_worker_has_a_device_of_its_own(tmp_path, changes: dict[str, Any], devices: list[str | None]) -> None:
    settings = Settings(data_dir=tmp_path, **changes)

    assert [device_of(slot, settings, 2) for slot in range(settings.workers)] == devices


@pytest.mark.parametrize(("workers", "share"), [(1, None), (2, 4), (3, 2), (20, 1)])
def test_workers_on_the_processor_share_its_cores(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, workers: int, share: int | None
) -> None:
    started: list[dict[str, str]] = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(local.os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(local, "launch", lambda command, killed, environment: started.append(environment))
    local.local_launcher(Settings(data_dir=tmp_path, cpu=True, workers=workers))(0)

    assert [each.get("OMP_NUM_THREADS") for each in started] == [None if share is None else str(share)]
