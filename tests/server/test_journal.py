"""What happens to jobs is written in one line each, and counted for those who watch the server."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.journal import Durations, Journal
from server.logs import LogBook, begin_logging
from server.store.writer import StoredEvent


@pytest.fixture
def _quiet_again() -> Any:
    loggers = [logging.getLogger(name) for name in ("heddle", "aiohttp", "asyncio")]
    before = [(each.handlers, each.level, each.propagate) for each in loggers]
    yield
    for each, (handlers, level, propagate) in zip(loggers, before, strict=True):
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def change(kind: str, at: int, attempt: int = 1, **data: Any) -> StoredEvent:
    return StoredEvent(at, "a-job", attempt, kind, data, at)


async def numbers(bench: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of /metrics by name and labels."""
    answer = await bench.client.get("/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(await answer.text())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_metrics_tell_of_queue_workers_durations_and_the_process(bench, picture, waiting) -> None:
    done = (await bench.prompt(picture))["prompt_id"]
    await bench.finished(done)
    running = (await bench.prompt(waiting(5.0, 50)))["prompt_id"]
    await bench.until(running, "running")
    await bench.prompt(picture)
    found = await numbers(bench)

    assert found["heddle_jobs", (("state", "queued"),)] == 1
    assert found["heddle_jobs", (("state", "running"),)] == 1
    assert found["heddle_jobs", (("state", "succeeded"),)] == 1
    assert found["heddle_workers", (("state", "busy"),)] == 1
    assert found["heddle_job_changes_total", (("change", "queued"),)] == 3
    assert found["heddle_job_wait_seconds_count", ()] == 2
    assert found["heddle_job_run_seconds_count", (("outcome", "succeeded"),)] == 1
    assert found["heddle_nodes_total", (("source", "ran"),)] >= 2
    route = (("method", "POST"), ("route", "/prompt"), ("status", "200"))
    assert found["heddle_request_seconds_count", route] == 3
    assert found["process_resident_memory_bytes", ()] > 1_000_000


async def test_metrics_do_not_grow_with_what_clients_ask_for(bench) -> None:
    for number in range(30):
        await (await bench.client.get(f"/nothing/here/{number}")).read()
        await (await bench.client.get(f"/history/{number}")).read()
    routes = {dict(labels)["route"] for name, labels in await numbers(bench) if name == "heddle_request_seconds_count"}

    assert len(routes) == 2 and "/history/{job}" in routes


def test_each_change_is_one_line_with_the_ids(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal()
    with caplog.at_level(logging.INFO, "heddle.jobs"):
        journal.note([change("queued", 1000, 0, number=3), change("running", 1500, worker="worker-1")])
        journal.note([change("lost", 2000, reason="it was killed", deaths=1), change("running", 2600, 2)])
        journal.note([change("succeeded", 3000, 2)])
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]

    assert lines == [
        ("INFO", "job=a-job attempt=0 state=queued number=3"),
        ("INFO", "job=a-job attempt=1 state=running worker=worker-1"),
        ("WARNING", 'job=a-job attempt=1 state=queued change=lost reason="it was killed" deaths=1'),
        ("INFO", "job=a-job attempt=2 state=running"),
        ("INFO", "job=a-job attempt=2 state=succeeded"),
    ]
    assert journal.waited.total == pytest.approx(0.5 + 0.6)
    assert journal.ran["succeeded"].total == pytest.approx(0.4)


def test_a_reason_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "heddle.jobs"):
        Journal().note([change("failed", 1, reason="x\n2026-01-01 INFO job=other state=succeeded")])

    assert "\n" not in caplog.records[0].getMessage()


def test_durations_are_counted_by_their_upper_bounds() -> None:
    durations = Durations((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 9.0):
        durations.add(seconds)

    assert durations.counts == [2, 1, 1]


@pytest.mark.usefixtures("_quiet_again")
def test_lines_for_programs_are_json_with_the_fields(capsys: pytest.CaptureFixture[str]) -> None:
    begin_logging("INFO", LogBook(), "json")
    Journal().note([change("running", 5, 2, worker="worker-1")])
    line = json.loads(capsys.readouterr().err)

    assert (line["level"], line["logger"], line["job"], line["attempt"]) == ("INFO", "heddle.jobs", "a-job", 2)
    assert (line["state"], line["worker"]) == ("running", "worker-1")


@pytest.mark.usefixtures("_quiet_again")
def test_the_level_leaves_out_what_is_less(capsys: pytest.CaptureFixture[str]) -> None:
    begin_logging("WARNING", LogBook())
    Journal().note([change("running", 5), change("dead", 6)])

    assert capsys.readouterr().err.count("\n") == 1
