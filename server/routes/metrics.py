"""`/metrics`: the numbers of the server in the text format of Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server.errors import NoWorker
from server.journal import Durations
from server.keys import DISPATCHER, FEED, HUB, JOURNAL, POOL, READS
from server.routes.route import Route
from server.store.rows import FINISHED, UNFINISHED

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["ROUTES"]

WORKER_SECONDS = 1.0
"""How long a worker may take to tell of its memory; without its answer the rest is told."""


async def get_metrics(request: web.Request) -> web.Response:
    """Queue, workers, caches, durations, and the process itself."""
    app = request.app
    counts = await app[READS].counts()
    try:
        worker = await app[POOL].ask("stats", {}, WORKER_SECONDS)
    except (NoWorker, TimeoutError):
        worker = {}
    now = {
        "counts": counts,
        "size": app[POOL].size,
        "free": len(app[POOL].free()),
        "busy": len(app[DISPATCHER].running()),
        "sockets": app[HUB].count,
        "listeners": app[FEED].listeners,
        "worker": worker if isinstance(worker, dict) else {},
    }
    text = await asyncio.to_thread(_write, app, now)
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _write(app: web.Application, now: dict[str, Any]) -> bytes:
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    class Numbers:
        """What this server knows."""

        def collect(self) -> Iterator[Metric]:
            yield from _of_now(now)
            yield from _of_journal(app)

    registry = CollectorRegistry()
    registry.register(Numbers())
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _of_now(now: dict[str, Any]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    jobs = GaugeMetricFamily("heddle_jobs", "Jobs in each state.", labels=["state"])
    for state in (*UNFINISHED, *FINISHED):
        jobs.add_metric([state], now["counts"].get(state, 0))
    workers = GaugeMetricFamily("heddle_workers", "Workers by what they do.", labels=["state"])
    workers.add_metric(["free"], now["free"])
    workers.add_metric(["busy"], now["busy"])
    workers.add_metric(["starting"], max(0, now["size"] - now["free"] - now["busy"]))
    yield from (jobs, workers)
    yield GaugeMetricFamily("heddle_websockets", "Open websockets of editors.", value=now["sockets"])
    yield GaugeMetricFamily("heddle_event_listeners", "Listeners of /api/v1/events.", value=now["listeners"])
    worker = now["worker"]
    if "rss" in worker:
        yield GaugeMetricFamily("heddle_worker_resident_bytes", "Memory of a worker process.", value=worker["rss"])
    cache = worker.get("cache")
    if isinstance(cache, dict):
        yield GaugeMetricFamily("heddle_cache_entries", "Results kept in a worker's memory.", value=cache["entries"])
        yield GaugeMetricFamily("heddle_cache_bytes", "Bytes of the results kept there.", value=cache["bytes"])


def _of_journal(app: web.Application) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    journal = app[JOURNAL]
    changes = CounterMetricFamily("heddle_job_changes", "How often jobs came into a state.", labels=["change"])
    for kind in ("queued", "running", "lost", "returned", *FINISHED):
        changes.add_metric([kind], journal.changes[kind])
    nodes = CounterMetricFamily("heddle_nodes", "Nodes by where their result came from.", labels=["source"])
    for source, count in journal.nodes.items():
        nodes.add_metric([source], count)
    yield from (changes, nodes)
    yield CounterMetricFamily("heddle_node_seconds", "Time spent in nodes that ran.", value=journal.node_seconds)
    yield CounterMetricFamily("heddle_lost_workers", "Workers that died or were replaced.", value=journal.lost_workers)
    waited = HistogramMetricFamily("heddle_job_wait_seconds", "From being queued to being run.", labels=[])
    _add(waited, [], journal.waited)
    ran = HistogramMetricFamily("heddle_job_run_seconds", "From being run to the end.", labels=["outcome"])
    for outcome, durations in sorted(journal.ran.items()):
        _add(ran, [outcome], durations)
    requests = HistogramMetricFamily(
        "heddle_request_seconds", "Requests by route.", labels=["method", "route", "status"]
    )
    for (method, route, status), durations in sorted(journal.requests.items()):
        _add(requests, [method, route, str(status)], durations)
    yield from (waited, ran, requests)


def _add(family: Any, labels: list[str], durations: Durations) -> None:
    bounds = [*map(str, durations.bounds), "+Inf"]
    family.add_metric(labels, list(zip(bounds, accumulate(durations.counts), strict=True)), durations.total)


ROUTES = (Route("GET", "/metrics", get_metrics, "bare"),)
