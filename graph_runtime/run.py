"""One run of one graph: from the first key to the last event.

A run's loop holds the device thread (`Run.drive`) and runs device nodes there, one after the other, without changing
threads. Nodes that do not need the device run beside it in a pool, coroutines on the event loop; whoever finishes a
node starts what became ready. All state is guarded by one lock, which is never held while node code runs. Events are
emitted under it, so that their order is the order of what happened.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from graph_runtime import events
from graph_runtime.announcer import Announcer
from graph_runtime.behaviour import Result
from graph_runtime.cache import Entry
from graph_runtime.collector import paused_collection
from graph_runtime.context import Services
from graph_runtime.coroutines import Coroutines
from graph_runtime.ending import Ending
from graph_runtime.errors import Cancelled, HeddleError, UnknownNode
from graph_runtime.explain import RunRecord
from graph_runtime.graph import Graph, Node
from graph_runtime.growth import Growth, resolved_values
from graph_runtime.hidden import HiddenValues
from graph_runtime.identity import Identities
from graph_runtime.keys import NO_TOKEN, Key, compute_keys
from graph_runtime.ledger import Ledger
from graph_runtime.lists import append_values, merge_ui
from graph_runtime.live_prompt import LivePrompt
from graph_runtime.outcome import Outcome
from graph_runtime.plan import Plan
from graph_runtime.prompt import is_link, to_prompt, unwrapped
from graph_runtime.showing import shown
from graph_runtime.steps import work_on, work_on_loop
from graph_runtime.tokens import change_token
from graph_runtime.work import Work, dependencies, gather

if TYPE_CHECKING:
    from graph_runtime.engine import Engine

__all__ = ["Run"]


class Run:
    """The state of one run. Made by the engine, driven once."""

    def __init__(
        self, engine: Engine, graph: Graph, targets: Iterable[str], services: Services, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.engine = engine
        self.runner = engine.runner
        self.catalogue = engine.catalogue
        self.graph = graph
        self.targets = tuple(dict.fromkeys(targets))
        self.services = services
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.nodes: dict[str, Node] = dict(graph.nodes)
        self.identities = Identities()
        self.keys: dict[str, Key] = {}
        self.tokens: dict[str, Any] = {}
        self.announce = Announcer(services.emit, self.identities)
        self.coroutines = Coroutines(loop, services.stopping)
        self.plan = Plan(self._sources, self._available, lane=self._lane, first=self._comes_first)
        self.ledger = Ledger(engine.cache, self.keys, self.plan.is_wanted, self.plan.forget)
        self.ending = Ending(self)
        self.working: dict[str, Work] = {}
        self.active = 0
        self._staged: dict[str, Work] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._beside = 0
        self._growth = Growth(engine.max_expanded)
        self._prompt_data: Mapping[str, Any] | None = None
        self._live: LivePrompt | None = None
        self.record = RunRecord(graph, self.keys, self.tokens, {})

    # -- the loop

    def drive(self) -> None:
        """Run everything; returns when no node of this run is active any more."""
        self.services.emit(events.RunStarted())
        self.services.cancel.on_cancel(self.ending.cancel)
        try:
            with self.runner.scope():
                self._take_tokens()
                with paused_collection():
                    self._prepare()
                self._loop()
        except Exception as error:  # the engine's own steps: tokens, keys, planning
            self.ending.stop(None, error)
        finally:
            self.ending.settle_down()
        self.record.finished.update(self.announce.executed, self.ending.cached_at_start)
        self.engine.explainer.remember(self.record)
        self.engine.cache.end()
        self.ledger.clear()  # values must not wait for the garbage collector: they may fill a device
        self._staged.clear()
        self.ending.announce()

    def outcome(self) -> Outcome:
        """Return how it ended."""
        done = self.announce
        return Outcome(self.ending.status, dict(done.outputs), done.meta(), tuple(done.executed), self.ending.failure)

    def _take_tokens(self) -> None:
        for node in self.graph.nodes.values():
            spec = self.catalogue.get(node.type)
            if node.change_token is None and (spec is None or not spec.fingerprint):
                continue
            self._take_token(node)
            if self.services.stopping.is_set():
                raise Cancelled

    def _prepare(self) -> None:
        graph, keys, cache = self.graph, self.keys, self.engine.cache
        compute_keys(graph, self.catalogue, keys, self.tokens, self.record.versions)
        with self.lock:
            cache.begin(keys.values())
            cached = tuple(node_id for node_id in graph.nodes if keys[node_id] in cache)
            self.ending.cached_at_start = cached
            self.services.emit(events.NodesCached(cached))
            shown = ((node_id, cache.shown(keys[node_id])) for node_id in cached)
            self.announce.outputs.update((node_id, ui) for node_id, ui in shown if ui is not None)
            unknown = next((target for target in self.targets if target not in graph), None)
            if unknown is not None:
                raise HeddleError(f"The output '{unknown}' is not in the graph.", fix="Select one of its nodes.")
            self._want(self.targets, even_if_available=True)

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
                        self.ending.completed = True
                        return
                    elif not self.active and not plan.has_ready:
                        self.ending.report_cycle()
                    else:
                        self.changed.wait()
            work_on(self, work)

    def _dispatch(self) -> None:
        """Start whatever is ready on the event loop and, up to its size, in the pool."""
        while (node_id := self.plan.take("loop")) is not None:
            work = self._begin(node_id)
            if work is not None:
                self.coroutines.start(partial(work_on_loop, self, work), partial(self.leave, work, work.starts))
        while self._beside < self.runner.beside_limit and (node_id := self.plan.take("beside")) is not None:
            work = self._begin(node_id)
            if work is not None:
                self._beside += 1
                self.runner.start_beside(partial(self._run_beside, work))

    def _run_beside(self, work: Work) -> None:
        try:
            with self.runner.scope():
                work_on(self, work)
        finally:
            with self.lock:
                self._beside -= 1
                self.go_on()

    def go_on(self) -> None:
        """Start what became ready, from a thread other than the device's."""
        with self.lock:
            if not self.services.stopping.is_set():
                self._dispatch()
            self.changed.notify_all()

    # -- what the plan asks

    def _sources(self, node_id: str) -> Iterable[str]:
        node = self.nodes[node_id]
        return dependencies(node, self.catalogue.get(node.type), self.nodes)

    def _available(self, node_id: str) -> bool:
        available = self.ledger.available(node_id)
        if available:
            self.announce.reused(node_id, self.ledger.results[node_id])
        return available

    def _lane(self, node_id: str) -> str:
        spec = self.catalogue.get(self.nodes[node_id].type)
        return spec.lane if spec is not None else "device"

    def _comes_first(self, node_id: str) -> bool:
        spec = self.catalogue.get(self.nodes[node_id].type)
        return spec is not None and (spec.terminal or spec.lane == "loop")

    # -- keys, hidden values

    def _take_token(self, node: Node) -> None:
        token = change_token(self, node)
        if token is not NO_TOKEN:
            self.tokens[node.id] = token

    def hidden(self, node_id: str) -> HiddenValues:
        """Return the hidden values of one node by kind."""
        return HiddenValues(node_id, self.services.extra, self._prompt, self._live_prompt)

    def _prompt(self) -> Mapping[str, Any]:
        if self._prompt_data is None:
            given = self.services.extra.prompt
            self._prompt_data = to_prompt(self.graph, wrap=False) if given is None else unwrapped(given)
        return self._prompt_data

    def _live_prompt(self) -> LivePrompt:
        if self._live is None:
            self._live = LivePrompt(self.nodes, self.identities, self._prompt(), self._adopt)
        return self._live

    # -- a node's stages; all called under the lock

    def _want(self, targets: Iterable[str], *, even_if_available: bool = False) -> None:
        """Schedule nodes, and note who will use which result."""
        for node_id in self.plan.want(targets, even_if_available=even_if_available):
            self.ledger.reserve(node_id, self.nodes, self.catalogue)

    def _begin(self, node_id: str) -> Work | None:
        """Start a node, or settle it without running: shared, cached, or an expansion that is complete."""
        work = self._staged.pop(node_id, None)
        node = self.nodes[node_id]
        try:
            if work is not None and work.pieces is not None:
                self._resolve(work)
                return None
            if work is None:
                if self._share(node_id):
                    return None
                spec = self.catalogue.get(node.type)
                if spec is None:
                    raise UnknownNode(node.type, self.catalogue, where=f"node {node_id}")
                work = Work(node, spec, self.services.clock())
            self._start(work)
        except Exception as error:
            self.ending.stop(work or node, error)
            return None
        return work

    def _share(self, node_id: str) -> bool:
        """Settle a node whose result exists, or let it wait for a twin that is being worked on."""
        self.ledger.meet_twin(node_id)
        if self.ledger.available(node_id):
            entry = self.ledger.results[node_id]
            self.announce.shown(node_id, entry.ui)
            self.announce.warned(node_id, entry.warnings)
            self._finished(node_id, entry, cached=True, seconds=0.0)
            return True
        twin = self.ledger.claim(node_id)
        if twin is not None:
            self.plan.require(node_id, [twin])
        return twin is not None

    def _start(self, work: Work) -> None:
        node_id = work.node.id
        gather(work, self.ledger.results, self.hidden(node_id))
        if not work.starts and node_id in self.graph.nodes:
            self.announce.explained(node_id, self.engine.explainer.reasons(work.node, work.spec, self.record))
        self.announce.started(node_id)
        self.active += 1
        work.starts += 1
        self.working[node_id] = work

    def put_back(self, work: Work, names: Iterable[str]) -> bool:
        """Make a node wait for lazy inputs; True if they are all there already."""
        sources = [work.lazy[name].node for name in names]
        self._want(sources)
        if self.plan.require(work.node.id, sources):
            gather(work, self.ledger.results, self.hidden(work.node.id))
            return True
        self._staged[work.node.id] = work
        self.leave(work)
        return False

    def await_result(self, work: Work, index: int, source: str) -> asyncio.Future[None] | None:
        """Have a lazy input evaluated; returns what to await, or None if the result is there."""
        with self.lock:
            if self.ledger.available(source):
                return None
            arrived = self.coroutines.future()
            work.waits[index] = work.waits.get(index, 0) + 1

            def listener() -> None:
                work.waits[index] -= 1
                self.balance(work)
                self.coroutines.resolve(arrived)

            self._listeners.setdefault(source, []).append(listener)
            self._want([source])
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

    def complete(self, work: Work, results: list[Result]) -> None:
        """Take what a node's calls gave: a result, or nodes to run first."""
        work.seconds += self.services.clock() - work.started
        shown = [result.ui for result in results if result.ui]
        shown.extend(context.shown for context in work.contexts if context.shown)
        work.ui = merge_ui(shown)
        if work.ui is not None:
            self.announce.shown(work.node.id, work.ui)
        if any(result.expand is not None for result in results):
            self._expand(work, results)
            return
        outputs: list[list[Any]] = []
        for result in results:
            append_values(work.spec, outputs, result.values)
        self.leave(work)
        self._store(work, outputs)

    def _store(self, work: Work, outputs: list[list[Any]]) -> None:
        node_id = work.node.id
        warnings = tuple(text for context in work.contexts for text in context.warnings)
        ephemeral = self.identities.is_ephemeral(node_id)
        owner = (self.keys.get(self.identities.real(node_id)) or b"nobody") if ephemeral else None
        entry = Entry(outputs, work.ui, warnings, owner, work.seconds, work.spec.durable)
        self.ledger.store(node_id, entry)
        self._finished(node_id, entry, cached=False, seconds=work.seconds)

    def _finished(self, node_id: str, entry: Entry, *, cached: bool, seconds: float) -> None:
        self.announce.finished(node_id, cached=cached, seconds=seconds)
        self.plan.finish(node_id)
        self.ledger.settle(self.nodes[node_id], entry)
        for listener in self._listeners.pop(node_id, ()):
            listener()

    def leave(self, work: Work, start: int | None = None) -> None:
        """A node's code is not running any more; with `start`, unless it was started once more since then."""
        with self.lock:
            if self.working.get(work.node.id) is work and start in (None, work.starts):
                del self.working[work.node.id]
                self.active -= 0 if work.idle else 1
            self.changed.notify_all()

    # -- expansion

    def _expand(self, work: Work, results: list[Result]) -> None:
        own, submitted = work.node.id, self.identities.real(work.node.id)
        where = f"node {shown(submitted, 80)}" + ("" if own == submitted else f", in its expansion {shown(own, 40)}")
        new = self._growth.read(results, self.nodes, self.catalogue, where)
        for node in new:
            self.nodes[node.id] = node
            self.identities.add(node.id, work.node.id, node.display_id)
        for node in new:
            self._take_token(node)
        compute_keys(Graph(new), self.catalogue, self.keys, self.tokens, self.record.versions)
        sources = tuple(v[0] for r in results if r.expand is not None for v in r.values if is_link(v))
        missing = next((source for source in sources if source not in self.nodes), None)
        if missing is not None:
            raise HeddleError(f"its result is linked to node '{missing}', which does not exist.", where=where)
        work.pieces, work.sources = results, sources
        self.ledger.expect(sources)
        self._want([node.id for node in new if self.catalogue[node.type].terminal])
        self._want(sources)
        self.leave(work)
        if self.plan.require(work.node.id, sources):
            self._resolve(work)
        else:
            self._staged[work.node.id] = work

    def _adopt(self, node: Node, parent: str, display: str | None) -> None:
        """Add one node that belongs to `parent` to the running graph."""
        with self.lock:
            self.nodes[node.id] = node
            self.identities.add(node.id, parent, display)
            self._take_token(node)
            compute_keys(Graph([node]), self.catalogue, self.keys, self.tokens, self.record.versions)

    def _resolve(self, work: Work) -> None:
        """All nodes that a node expanded into are done: put its result together."""
        self._store(work, resolved_values(work.spec, work.pieces or (), self.ledger.results))
        self.ledger.use_up(work.sources)
