"""One run of one graph: from the first key to the last event.

A run's loop holds the device thread (`Run.drive`) and runs device nodes there, one after the other, without changing
threads. Nodes that do not need the device run beside it in a pool, coroutines on the event loop; whoever finishes a
node starts what became ready. All state is guarded by one lock, which is never held while node code runs. Events are
emitted under it, so that their order is the order of what happened.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from graph_runtime import events
from graph_runtime.behaviour import Behaviour, Blocker, Result
from graph_runtime.cache import Entry
from graph_runtime.collector import paused_collection
from graph_runtime.context import Context, Services
from graph_runtime.errors import Cancelled, DependencyCycleError, HeddleError, UnknownNode
from graph_runtime.explain import RunRecord
from graph_runtime.failure import current_inputs, exception_type, fix_for, message_of, traceback_lines
from graph_runtime.graph import Graph, Link, Node
from graph_runtime.growth import Growth
from graph_runtime.hidden import HiddenValues
from graph_runtime.identity import Identities
from graph_runtime.keys import NO_TOKEN, Key, node_key
from graph_runtime.lists import append_values, merge_ui
from graph_runtime.live_prompt import LivePrompt
from graph_runtime.plan import Plan
from graph_runtime.prompt import is_link, to_prompt
from graph_runtime.spec import NodeSpec
from graph_runtime.steps import work_on, work_on_loop
from graph_runtime.tokens import change_token
from graph_runtime.work import Work, dependencies, gather

if TYPE_CHECKING:
    from graph_runtime.engine import Engine

__all__ = ["Outcome", "Run"]

_NO_BEHAVIOUR = Behaviour()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Args:
        outputs: what nodes show, by node id; from the cache too.
        meta: for each of them, the established identity record.
        executed: ids of nodes that have a result from this run, in order of completion.
        error: set if the run failed.
    """

    status: Literal["succeeded", "failed", "cancelled"]
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    meta: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    executed: tuple[str, ...] = ()
    error: events.RunFailed | None = None


class Run:
    """The state of one run. Made by the engine, driven once."""

    def __init__(
        self, engine: Engine, graph: Graph, targets: Iterable[str], services: Services, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.engine = engine
        self.runner = engine.runner
        self.catalogue = engine.catalogue
        self.cache = engine.cache
        self.graph = graph
        self.targets = tuple(dict.fromkeys(targets))
        self.services = services
        self.loop = loop
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.nodes: dict[str, Node] = dict(graph.nodes)
        self.identities = Identities()
        self.keys: dict[str, Key] = {}
        self.tokens: dict[str, Any] = {}
        self.results: dict[str, Entry] = {}
        self.outputs: dict[str, Mapping[str, Any]] = {}
        self.executed: list[str] = []
        self.working: dict[str, Work] = {}
        self.staged: dict[str, Work] = {}
        self.listeners: dict[str, list[Callable[[], None]]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.waits: set[Future[Any]] = set()
        self.active = 0
        self.beside = 0
        self.growth = Growth(engine.max_expanded)
        self.completed = False
        self.failure: events.RunFailed | None = None
        self.stopped_at: Work | None = None
        self.cached_at_start: tuple[str, ...] = ()
        self._users: dict[str, int] = {}
        self._inflight: dict[bytes, str] = {}
        self._by_key: dict[bytes, Entry] = {}
        self._twins: dict[str, str] = {}
        self._original = services.extra.prompt
        self._live: LivePrompt | None = None
        self.plan = Plan(self._sources, self._available, lane=self._lane, first=self._comes_first)
        self.record = RunRecord(graph, self.keys, self.tokens, {})

    # -- the loop

    def drive(self) -> None:
        """Run everything; returns when no node of this run is active any more."""
        services = self.services
        services.emit(events.RunStarted())
        services.cancel.on_cancel(self._on_cancel)
        try:
            with self.runner.scope():
                with paused_collection():
                    self._prepare()
                self._loop()
        except Exception as error:  # the engine's own steps: tokens, keys, planning
            with self.lock:
                self._stop(None, error)
        finally:
            self._settle_down()
        self._end()

    def _prepare(self) -> None:
        graph, keys = self.graph, self.keys
        for node in graph.nodes.values():
            self._take_token(node)
            if self.services.stopping.is_set():
                raise Cancelled
        self.compute_keys(graph)
        with self.lock:
            self.cache.begin(keys.values())
            cached = tuple(node_id for node_id in graph.nodes if keys[node_id] in self.cache)
            self.cached_at_start = cached
            self.services.emit(events.NodesCached(cached))
            for node_id in cached:
                entry = self.cache.get(keys[node_id])
                if entry is not None and entry.ui is not None:
                    self.outputs[node_id] = entry.ui
            self.want(self.targets, even_if_available=True)

    def _loop(self) -> None:
        plan, lock = self.plan, self.lock
        while True:
            with lock:
                work: Work | None = None
                while work is None:
                    if self.services.stopping.is_set():
                        return
                    self._dispatch()
                    node_id = plan.take("device")
                    if node_id is not None:
                        work = self._begin(node_id)
                    elif plan.finished and not self.active:
                        self.completed = True
                        return
                    elif not self.active and not plan.has_ready:
                        self._report_cycle()
                    else:
                        self.changed.wait()
            work_on(self, work)

    def _dispatch(self) -> None:
        """Start whatever is ready on the event loop and, up to its size, in the pool."""
        while (node_id := self.plan.take("loop")) is not None:
            work = self._begin(node_id)
            if work is not None:
                self.loop.call_soon_threadsafe(self._spawn, work)
        while self.beside < self.runner.beside_limit and (node_id := self.plan.take("beside")) is not None:
            work = self._begin(node_id)
            if work is not None:
                self.beside += 1
                self.runner.start_beside(lambda work=work: self._run_beside(work))  # type: ignore[misc]

    def _run_beside(self, work: Work) -> None:
        try:
            with self.runner.scope():
                work_on(self, work)
        finally:
            with self.lock:
                self.beside -= 1
                if not self.services.stopping.is_set():
                    self._dispatch()
                self.changed.notify_all()

    def _spawn(self, work: Work) -> None:
        task = self.loop.create_task(work_on_loop(self, work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if self.services.stopping.is_set():
            task.cancel()

    # -- what the plan asks

    def _sources(self, node_id: str) -> Iterable[str]:
        node = self.nodes[node_id]
        return dependencies(node, self.catalogue.get(node.type), self.nodes)

    def _available(self, node_id: str) -> bool:
        if node_id in self.results:
            return True
        key = self.keys.get(node_id)
        entry = self.cache.get(key) or (self._by_key.get(key) if key is not None else None)
        if entry is None:
            return False
        self.results[node_id] = entry
        return True

    def _lane(self, node_id: str) -> str:
        spec = self.catalogue.get(self.nodes[node_id].type)
        if spec is None or spec.behaviour is None:
            return "device"
        return "loop" if spec.behaviour.asynchronous else "device" if spec.device else "beside"

    def _comes_first(self, node_id: str) -> bool:
        spec = self.catalogue.get(self.nodes[node_id].type)
        return spec is not None and (spec.terminal or (spec.behaviour is not None and spec.behaviour.asynchronous))

    # -- keys

    def _take_token(self, node: Node) -> None:
        token = change_token(self, node)
        if token is not NO_TOKEN:
            self.tokens[node.id] = token

    def compute_keys(self, graph: Graph) -> None:
        """Give every node of a graph its key; sources outside of it must have theirs."""
        keys, catalogue, tokens, versions = self.keys, self.catalogue, self.tokens, self.record.versions
        order, cyclic = graph.order()
        for node_id in cyclic:
            keys[node_id] = None
        for node_id in order:
            node = graph.nodes[node_id]
            spec = catalogue.get(node.type)
            if spec is None:
                keys[node_id] = None
                continue
            versions[node.type] = spec.version  # type: ignore[index]
            keys[node_id] = node_key(spec, node, keys, tokens.get(node_id, NO_TOKEN))

    # -- a node's stages; all called under the lock

    def want(self, targets: Iterable[str], *, even_if_available: bool = False) -> None:
        """Schedule nodes; counts who will use which result."""
        users = self._users
        for node_id in self.plan.want(targets, even_if_available=even_if_available):
            for value in self.nodes[node_id].inputs.values():
                if type(value) is Link:
                    users[value.node] = users.get(value.node, 0) + 1

    def _begin(self, node_id: str) -> Work | None:
        """Start a node, or settle it without running: shared, cached, or an expansion that is complete."""
        work = self.staged.pop(node_id, None)
        node = self.nodes[node_id]
        try:
            if work is not None and work.pieces is not None:
                self._resolve(work)
                return None
            if work is None:
                if self._share(node_id):
                    return None
                spec = self.catalogue.get(node.type)
                if spec is None or spec.behaviour is None:
                    raise UnknownNode(node.type, self.catalogue, where=f"node {node_id}")
                work = Work(node, spec, spec.behaviour, self.services.clock())
                work.whole = spec.whole
            self._start(work)
        except Exception as error:
            self._stop(work or Work(node, NodeSpec(node.type), _NO_BEHAVIOUR, 0.0), error)
            return None
        return work

    def _share(self, node_id: str) -> bool:
        """Settle a node whose result exists, or let it wait for a twin that is being worked on."""
        twin = self._twins.pop(node_id, None)
        available = self._available(node_id)
        if not available and twin is not None and twin in self.results and self.keys.get(node_id) is not None:
            self.results[node_id] = self.results[twin]
            available = True
        if twin is not None:
            self._use_up(twin)
        if available:
            entry = self.results[node_id]
            self._show(node_id, entry.ui)
            for text in entry.warnings:
                self.services.emit(events.NodeText(node_id, text))
            self._finished(node_id, entry, cached=True, seconds=0.0)
            return True
        key = self.keys.get(node_id)
        if key is None:
            return False
        other = self._inflight.get(key)
        if other is None:
            self._inflight[key] = node_id
            return False
        self._twins[node_id] = other
        self._users[other] = self._users.get(other, 0) + 1
        self.plan.require(node_id, [other])
        return True

    def _start(self, work: Work) -> None:
        node_id = work.node.id
        identities = self.identities
        gather(work, self.results, self.hidden(node_id))
        if not work.explained:
            work.explained = True
            if node_id in self.graph:
                reasons = self.engine.explainer.reasons(work.node, work.spec, self.record)
                self.services.emit(events.NodeExplained(node_id, True, reasons))
        self.services.emit(
            events.NodeStarted(
                node_id, identities.display(node_id), identities.parent(node_id), identities.real(node_id)
            )
        )
        self.active += 1
        self.working[node_id] = work

    def context(self, work: Work, index: int) -> Context:
        """Make the context of one call."""
        node_id = work.node.id
        identities = self.identities
        context = Context(
            self.services,
            node_id,
            work.node.type,
            display_id=identities.display(node_id),
            parent_id=identities.parent(node_id),
            real_id=identities.real(node_id),
            list_index=index,
        )
        work.contexts.append(context)
        self.engine.latest = context
        return context

    def instance(self, work: Work) -> Any:
        """Return the object that keeps a node's own state between runs."""
        return self.engine.instance(work.node.id, work.node.type, work.behaviour)

    def hidden(self, node_id: str) -> HiddenValues:
        """Return the hidden values of one node by kind."""
        return HiddenValues(node_id, self.services.extra, self._prompt, self._live_prompt)

    def _prompt(self) -> Mapping[str, Any]:
        if self._original is None:
            self._original = to_prompt(self.graph, wrap=False)
        return self._original

    def _live_prompt(self) -> LivePrompt:
        if self._live is None:
            self._live = LivePrompt(self.nodes, self.identities, self._prompt(), self._adopt)
        return self._live

    def put_back(self, work: Work, names: Iterable[str]) -> bool:
        """Make a node wait for lazy inputs; True if they are all there already."""
        sources = [work.lazy[name].node for name in names]
        self.want(sources)
        self.staged[work.node.id] = work
        if self.plan.require(work.node.id, sources):
            del self.staged[work.node.id]
            gather(work, self.results, self.hidden(work.node.id))
            return True
        self._leave(work)
        return False

    def go_on(self) -> None:
        """Start what became ready, from a thread other than the device's."""
        with self.lock:
            if not self.services.stopping.is_set():
                self._dispatch()
            self.changed.notify_all()

    def await_result(self, work: Work, index: int, source: str) -> asyncio.Future[None] | None:
        """Have a lazy input evaluated; returns what to await, or None if the result is there."""
        with self.lock:
            if self._available(source):
                return None
            arrived: asyncio.Future[None] = self.loop.create_future()
            work.waits[index] = work.waits.get(index, 0) + 1

            def listener() -> None:
                work.waits[index] -= 1
                self.balance(work)
                self.loop.call_soon_threadsafe(_arrive, arrived)

            self.listeners.setdefault(source, []).append(listener)
            self.want([source])
            self.plan.watch(work.node.id, source)
            self.balance(work)
            self.go_on()
            return arrived

    def balance(self, work: Work) -> None:
        """Count a node as active unless all of its calls wait for lazy inputs."""
        idle = work.running > 0 and sum(1 for waits in work.waits.values() if waits) >= work.running
        if idle != work.idle:
            work.idle = idle
            self.active += -1 if idle else 1

    def leave_blocked(self, work: Work, blocker: Blocker) -> None:
        """Tell of a call that a blocker with a message prevented."""
        if blocker.message is not None:
            with self.lock:
                real = self.identities.real(work.node.id)
                self.services.emit(
                    events.NodeBlocked(real, self.nodes[real].type, tuple(self.executed), str(blocker.message))
                )

    def complete(self, work: Work, results: list[Result]) -> None:
        """Take what a node's calls gave: a result, or nodes to run first."""
        work.seconds += self.services.clock() - work.started
        shown = [result.ui for result in results if result.ui]
        shown.extend(context._ui for context in work.contexts if context._ui)
        ui = merge_ui(shown)
        if ui is not None:
            self._show(work.node.id, ui)
        if any(result.expand is not None for result in results):
            self._expand(work, results, ui)
            return
        outputs: list[list[Any]] = []
        for result in results:
            append_values(work.spec, outputs, result.values)
        self._leave(work)
        self._store(work, outputs, ui)

    def _store(self, work: Work, outputs: list[list[Any]], ui: Mapping[str, Any] | None) -> None:
        node_id = work.node.id
        warnings = tuple(text for context in work.contexts for text in context._warnings or ())
        owner = self.keys.get(self.identities.real(node_id)) if self.identities.is_ephemeral(node_id) else None
        if owner is None and self.identities.is_ephemeral(node_id):
            owner = b""
        entry = Entry(outputs, ui, warnings, owner)
        key = self.keys.get(node_id)
        if key is not None:
            self._inflight.pop(key, None)
            self._by_key[key] = entry
            self.cache.put(key, entry)
        self._finished(node_id, entry, cached=False, seconds=work.seconds)

    def _finished(self, node_id: str, entry: Entry, *, cached: bool, seconds: float) -> None:
        identities = self.identities
        self.results[node_id] = entry
        self.executed.append(node_id)
        self.services.emit(
            events.NodeFinished(
                node_id,
                identities.display(node_id),
                identities.parent(node_id),
                identities.real(node_id),
                cached,
                seconds,
            )
        )
        self.plan.finish(node_id)
        for listener in self.listeners.pop(node_id, ()):
            listener()
        for value in self.nodes[node_id].inputs.values():
            if type(value) is Link:
                self._use_up(value.node)
        if not self._users.get(node_id):
            self._release(node_id)

    def _use_up(self, source: str) -> None:
        left = self._users.get(source, 0) - 1
        if left > 0:
            self._users[source] = left
        else:
            self._users.pop(source, None)
            if not self.plan.is_wanted(source):
                self._release(source)

    def _release(self, node_id: str) -> None:
        """Drop a result that nobody in this run is known to need; the cache may still hold it."""
        entry = self.results.pop(node_id, None)
        if entry is None:
            return
        key = self.keys.get(node_id)
        if key is not None and self._by_key.get(key) is entry:
            del self._by_key[key]
        self.plan.forget(node_id)

    def _show(self, node_id: str, ui: Mapping[str, Any] | None) -> None:
        identities = self.identities
        if ui is not None:
            self.outputs[node_id] = ui
        self.services.emit(
            events.NodeShown(
                node_id, identities.display(node_id), identities.parent(node_id), identities.real(node_id), ui
            )
        )

    def _leave(self, work: Work) -> None:
        """A node's code is not running any more."""
        if self.working.pop(work.node.id, None) is not None and not work.idle:
            self.active -= 1
        self.changed.notify_all()

    # -- expansion

    def _expand(self, work: Work, results: list[Result], ui: Mapping[str, Any] | None) -> None:
        new = self.growth.read(results, self.nodes, self.catalogue, f"node {work.node.id}")
        for node in new:
            self.nodes[node.id] = node
            self.identities.add(node.id, work.node.id, node.display_id)
        for node in new:
            self._take_token(node)
        self.compute_keys(Graph(new))
        links = [value for r in results if r.expand is not None for value in r.values if is_link(value)]
        sources = tuple(link[0] for link in links)
        missing = next((source for source in sources if source not in self.nodes), None)
        if missing is not None:
            raise HeddleError(
                f"its result is linked to node '{missing}', which does not exist.", where=f"node {work.node.id}"
            )
        work.pieces, work.sources = results, sources
        for source in sources:
            self._users[source] = self._users.get(source, 0) + 1
        self.want([node.id for node in new if self._is_terminal(node)])
        self.want(sources)
        self._leave(work)
        if self.plan.require(work.node.id, sources):
            self._resolve(work)
        else:
            self.staged[work.node.id] = work

    def _is_terminal(self, node: Node) -> bool:
        spec = self.catalogue.get(node.type)
        return spec is not None and spec.terminal

    def _adopt(self, node: Node, parent: str, display: str | None) -> None:
        """Add one node that belongs to `parent` to the running graph."""
        with self.lock:
            self.nodes[node.id] = node
            self.identities.add(node.id, parent, display)
            self._take_token(node)
            self.compute_keys(Graph([node]))

    def _resolve(self, work: Work) -> None:
        """All nodes that a node expanded into are done: put its result together."""
        outputs: list[list[Any]] = []
        for result in work.pieces or ():
            if result.expand is None:
                append_values(work.spec, outputs, result.values)
                continue
            for index, value in enumerate(result.values):
                while index >= len(outputs):
                    outputs.append([])
                if is_link(value):
                    values = self.results[value[0]].outputs
                    slot = int(value[1])
                    outputs[index].extend(values[slot] if 0 <= slot < len(values) else [None])
                else:
                    is_list = index < len(work.spec.outputs) and work.spec.outputs[index].is_list
                    outputs[index].extend(value if is_list and isinstance(value, list) else [value])
        self._store(work, outputs, self.outputs.get(work.node.id))
        for source in work.sources:
            self._use_up(source)

    # -- stopping

    def _on_cancel(self) -> None:
        with self.lock:
            if not self.completed:
                self.stopped_at = next(iter(self.working.values()), None)
                self.services.stopping.set()
                self._cancel_waits()
                self.changed.notify_all()

    def fail(self, work: Work, error: BaseException) -> None:
        """A node's code raised: stop the run, unless it stops already."""
        with self.lock:
            if self.working.get(work.node.id) is work:
                self._stop(work, error)
                self._leave(work)
            else:
                self._stop(work, error)

    def _stop(self, work: Work | None, error: BaseException) -> None:
        stopping = self.services.stopping.is_set()
        cancelled = isinstance(error, Cancelled | asyncio.CancelledError)
        if cancelled and self.services.cancel.cancelled:
            self.stopped_at = self.stopped_at or work
        elif not stopping:
            if isinstance(error, Cancelled):
                self.stopped_at = work
                self.services.cancel.cancel()
            else:
                self.failure = self._describe(work, error)
        self.services.stopping.set()
        self._cancel_waits()
        self.changed.notify_all()

    def _describe(self, work: Work | None, error: BaseException) -> events.RunFailed:
        node_id = work.node.id if work is not None else next(iter(self.targets), "")
        blamed = self.identities.real(node_id)
        node = self.nodes.get(blamed)
        return events.RunFailed(
            node=blamed,
            node_type=node.type if node is not None else "",
            executed=tuple(self.executed),
            message=message_of(error),
            exception_type=exception_type(error),
            traceback=traceback_lines(error),
            current_inputs=current_inputs(work.lists) if work is not None else {},
            current_outputs=self.cached_at_start,
            fix=fix_for(error),
        )

    def _report_cycle(self) -> None:
        cycle = self.plan.find_cycle()
        ephemeral = next((node_id for node_id in cycle if self.identities.is_ephemeral(node_id)), None)
        blamed = self.identities.display(ephemeral) if ephemeral else (cycle or list(self.plan.open_nodes()))[0]
        node = self.nodes.get(blamed) or Node(blamed, "")
        shown = " → ".join([*cycle[:8], *(["…"] if len(cycle) > 8 else []), *cycle[:1]])
        error = DependencyCycleError(
            "Dependency cycle detected", fix=f"These nodes wait for each other: {shown}. Remove one of the links."
        )
        self._stop(Work(node, NodeSpec(node.type), _NO_BEHAVIOUR, 0.0), error)

    def _cancel_waits(self) -> None:
        for wait in list(self.waits):
            wait.cancel()
        if self.tasks:
            self.loop.call_soon_threadsafe(self._cancel_tasks)

    def _cancel_tasks(self) -> None:
        for task in list(self.tasks):
            task.cancel()

    def _settle_down(self) -> None:
        """Wait until no node of this run is active; coroutines that refuse to end are left behind after a while."""
        patience = self.engine.patience
        with self.lock:
            while self.working:
                if self.services.stopping.is_set():
                    self._cancel_waits()
                    only_coroutines = all(work.behaviour.asynchronous for work in self.working.values())
                    if not self.changed.wait(min(0.1, patience) if only_coroutines else None) and only_coroutines:
                        patience -= 0.1
                        if patience <= 0:
                            return
                else:
                    self.changed.wait()

    def settle(self, value: Awaitable[Any]) -> Any:
        """Wait, in a thread that is not the event loop's, for an awaitable that a hook returned."""
        if threading.get_ident() == self.engine.loop_thread:
            raise HeddleError("An awaitable cannot be waited for on the event loop's own thread.")

        async def wait() -> Any:
            return await value

        future = asyncio.run_coroutine_threadsafe(wait(), self.loop)
        with self.lock:
            self.waits.add(future)
        try:
            return future.result()
        finally:
            with self.lock:
                self.waits.discard(future)

    def _end(self) -> None:
        services = self.services
        for function in services.after_run:
            function()
        self.record.finished.update(self.executed, self.cached_at_start)
        self.engine.explainer.remember(self.record)
        executed = tuple(self.executed)
        if self.failure is not None:
            services.emit(self.failure)
        elif not self.completed:
            at = self.stopped_at
            real = self.identities.real(at.node.id) if at is not None else None
            services.emit(events.RunCancelled(real, self.nodes[real].type if real else None, executed))
        else:
            services.emit(events.RunSucceeded())

    def outcome(self) -> Outcome:
        """Return how it ended."""
        status: Literal["succeeded", "failed", "cancelled"] = "succeeded"
        if self.failure is not None:
            status = "failed"
        elif not self.completed:
            status = "cancelled"
        meta = {
            node_id: {
                "node_id": node_id,
                "display_node": self.identities.display(node_id),
                "parent_node": self.identities.parent(node_id),
                "real_node_id": self.identities.real(node_id),
            }
            for node_id in self.outputs
        }
        return Outcome(status, dict(self.outputs), meta, tuple(self.executed), self.failure)


def _arrive(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
