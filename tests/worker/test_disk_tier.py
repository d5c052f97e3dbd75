"""Which results outlive their process, and that a retried job runs only what is missing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from graph_runtime.cache import Cache, Entry
from graph_runtime.catalogue import Catalogue
from graph_runtime.engine import Engine
from graph_runtime.testing import Recorder, function_spec, graph
from worker.disk_tier import LATER, SLOW, DiskTier
from worker.result_store import ResultStore


@pytest.fixture
def tier(tmp_path: Path):
    made = DiskTier(ResultStore(tmp_path, 10**7), lambda: "this version")
    yield made
    made.close()


def slow(*values: Any) -> Entry:
    return Entry([[value] for value in values], seconds=5.0, durable=True)


def again(tmp_path: Path, mark: str = "this version") -> DiskTier:
    return DiskTier(ResultStore(tmp_path, 10**7), lambda: mark)


def test_a_slow_result_is_on_disk_before_the_next_node_starts(tier, tmp_path) -> None:
    tier.offer(b"key", slow(torch.ones(4)))

    found = again(tmp_path).load(b"key")
    assert found is not None and torch.equal(found.outputs[0][0], torch.ones(4))


def test_quick_results_are_kept_only_if_their_job_goes_on(tier) -> None:
    tier.offer(b"a", Entry([["text"]], seconds=0.001, durable=True))
    tier.end_run()
    tier.offer(b"b", Entry([["text"]], seconds=0.001, durable=True))
    end = time.monotonic() + 10
    while not tier.has(b"b") and time.monotonic() < end:
        time.sleep(LATER / 4)

    assert (tier.has(b"a"), tier.has(b"b")) == (False, True)


def test_what_is_quicker_to_compute_than_to_write_is_not_kept(tier) -> None:
    tier.offer(b"key", Entry([[torch.zeros(10**6)]], seconds=SLOW / 2, durable=True))
    tier.close()

    assert not tier.has(b"key")


def test_what_shows_something_or_is_no_plain_data_is_not_kept(tier) -> None:
    tier.offer(b"shown", Entry([[1]], ui={"text": ["x"]}, seconds=5.0, durable=True))
    tier.offer(b"model", slow(object()))
    tier.offer(b"good", slow(1))
    tier.close()

    assert [tier.has(key) for key in (b"shown", b"model", b"good")] == [False, False, True]


def test_another_version_of_the_code_finds_nothing(tier, tmp_path) -> None:
    tier.offer(b"key", slow(1))

    assert again(tmp_path).has(b"key") and not again(tmp_path, "another version").has(b"key")


def test_a_damaged_file_is_removed_and_counts_as_none(tier, tmp_path, caplog) -> None:
    tier.offer(b"key", slow(torch.ones(100)))
    tier.close()
    file = next(tmp_path.rglob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-8] + b"12345678")

    assert again(tmp_path).load(b"key") is None
    assert not file.exists() and "damaged" in caplog.text


class Nodes:
    """A chain of nodes that count their calls; the last one can be told to fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.broken = True

        def first() -> Any:
            self.calls.append("first")
            return torch.arange(4.0)

        def second(in0: Any) -> Any:
            self.calls.append("second")
            if self.broken:
                raise RuntimeError("it died here")
            return in0 + 1

        self.catalogue = Catalogue(
            [
                function_spec("first", first),
                function_spec("second", second, ["in0"], terminal=True),
            ]
        )


async def run(nodes: Nodes, tmp_path: Path) -> tuple[Any, Recorder]:
    """One process' life: run the chain with a new cache over the same folder."""
    tier = again(tmp_path)
    clock = iter(range(10**6))
    engine = Engine(nodes.catalogue, Cache(10**9, tier=tier), clock=lambda: float(next(clock)))
    recorder = Recorder()
    outcome = await engine.run(graph("first -> second"), emit=recorder)
    engine.close()
    tier.close()
    return outcome, recorder


async def test_a_job_run_again_by_another_process_runs_only_what_is_missing_and_says_why(tmp_path) -> None:
    nodes = Nodes()
    first, _ = await run(nodes, tmp_path)
    nodes.broken = False
    second, recorder = await run(nodes, tmp_path)

    assert (first.status, second.status) == ("failed", "succeeded")
    assert nodes.calls == ["first", "second", "second"]
    explained = {event.node: event for event in recorder.events if event.kind == "node_explained"}
    assert (explained["first"].ran, explained["first"].reasons[0]["kind"]) == (False, "from_disk")
    assert explained["second"].ran
    cached = next(event for event in recorder.events if event.kind == "nodes_cached")
    assert cached.nodes == ("first",)


async def test_outputs_and_nodes_with_state_of_their_own_are_never_taken_from_disk(tmp_path) -> None:
    nodes = Nodes()
    nodes.broken = False
    await run(nodes, tmp_path)
    await run(nodes, tmp_path)

    assert nodes.calls == ["first", "second", "second"], "the terminal node must run again"


async def test_clearing_the_cache_clears_the_disk(tmp_path) -> None:
    nodes = Nodes()
    nodes.broken = False
    await run(nodes, tmp_path)
    Cache(10**9, tier=again(tmp_path)).clear()
    await run(nodes, tmp_path)

    assert nodes.calls == ["first", "second"] * 2
