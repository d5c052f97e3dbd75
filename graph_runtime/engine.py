"""The engine: runs graphs, keeps results between runs, explains what it did.

engine = Engine(catalogue, cache=Cache(8 * 2**30), files=Files(folders))
outcome = await engine.run(graph, targets, job="7", emit=print)
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from graph_runtime.behaviour import Behaviour
from graph_runtime.cache import Cache
from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import Catalogue
from graph_runtime.context import Context, RunExtra, Services
from graph_runtime.events import Event
from graph_runtime.explain import Explainer
from graph_runtime.files import Files
from graph_runtime.graph import Graph
from graph_runtime.outcome import Outcome
from graph_runtime.run import Run
from graph_runtime.runner import Runner, ThreadRunner

__all__ = ["Engine", "Outcome"]


def _no_recovery(error: BaseException) -> bool:
    return False


def _ignore(event: Event) -> None:
    pass


class Engine:
    """Runs one job at a time over one catalogue; results of earlier jobs are reused.

    Args:
        catalogue: what can be run; may be replaced between jobs.
        cache: keeps results; default: unbounded, least recently used.
        files: where nodes write; None if they cannot.
        clock: monotonic seconds, for durations and rate limits.
        runner: where node code runs.
        recover: called with an error of a node; True means "memory was freed, try that call once more".
        encode_preview: turns a preview picture into `(format, bytes)`.
        max_expanded: bound on the nodes that expansions may add to one run.
        checkpoints: opens the place where a call keeps its state, by its node's key and list index.
        patience: seconds that a stopped run waits for coroutines that do not end.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        cache: Cache | None = None,
        files: Files | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        runner: Runner | None = None,
        recover: Callable[[BaseException], bool] = _no_recovery,
        encode_preview: Callable[[Any], tuple[str, bytes] | None] | None = None,
        max_expanded: int = 200_000,
        checkpoints: Callable[[bytes, int], Any] | None = None,
        patience: float = 5.0,
    ) -> None:
        self.catalogue = catalogue
        self.cache = cache if cache is not None else Cache()
        self.files = files
        self.clock = clock
        self.runner: Runner = runner if runner is not None else ThreadRunner()
        self.recover = recover
        self.encode_preview = encode_preview
        self.max_expanded = max_expanded
        self.checkpoints = checkpoints
        self.patience = patience
        self.explainer = Explainer(self.cache)
        self.latest: Context | None = None
        self._instances: dict[tuple[str, str], Any] = {}
        self._one_at_a_time = asyncio.Lock()
        self._guard = threading.RLock()

    async def run(
        self,
        graph: Graph,
        targets: Iterable[str] | None = None,
        *,
        job: str = "",
        extra: RunExtra | None = None,
        emit: Callable[[Event], None] = _ignore,
        cancel: CancelToken | None = None,
        files: Files | None = None,
    ) -> Outcome:
        """Run a validated graph.

        Args:
            targets: terminal nodes to run; None means all.
            emit: takes every event, in order, from any thread but one at a time; it must not block or raise.
            cancel: asks the run to stop.
            files: where this run's nodes write, if not where the engine's do.
        """
        token = cancel if cancel is not None else CancelToken()
        async with self._one_at_a_time:
            services = Services(
                job,
                emit,
                token,
                extra if extra is not None else RunExtra(),
                files if files is not None else self.files,
                self.clock,
                self.encode_preview,
                catalogue=self.catalogue,
                checkpoints=self.checkpoints,
            )
            chosen = self._terminals(graph) if targets is None else targets
            self._forget_instances(graph)
            run = Run(self, graph, chosen, services, asyncio.get_running_loop())
            self._guard = run.lock
            driving = asyncio.wrap_future(self.runner.start_device(run.drive))
            try:
                await asyncio.shield(driving)
            except asyncio.CancelledError:
                token.cancel()
                await driving
                raise
            finally:
                self.latest = None
            return run.outcome()

    def clear(self) -> None:
        """Drop all results and the state that nodes keep between runs."""
        self.cache.clear()
        self._instances.clear()

    def shrink(self, max_bytes: int) -> int:
        """Drop kept results down to so many bytes, also while a job runs; returns the bytes dropped. Any thread."""
        with self._guard:
            return self.cache.shrink(max_bytes)

    def close(self) -> None:
        """End the threads. The engine can be used again afterwards."""
        self.runner.close()

    def instance(self, node_id: str, node_type: str, behaviour: Behaviour) -> Any:
        """Return the object that keeps a node's own state; made when the node first runs."""
        key = (node_id, node_type)
        found = self._instances.get(key)
        if found is None:
            found = behaviour.new_instance()
            if found is not None:
                self._instances[key] = found
        return found

    def _terminals(self, graph: Graph) -> list[str]:
        catalogue = self.catalogue
        return [n.id for n in graph.nodes.values() if n.type in catalogue and catalogue[n.type].terminal]

    def _forget_instances(self, graph: Graph) -> None:
        for key in [key for key in self._instances if key[0] not in graph]:
            del self._instances[key]
