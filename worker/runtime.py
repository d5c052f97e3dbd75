"""The composition of a run: folders, catalogue, packs, engine and device put together.

The worker process and headless runs are the same thing around one `Runtime`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

import nodes
from diffusion.pickle_permission import permit
from graph_runtime import failure
from graph_runtime.attempts import AttemptJournal, published_files, remove_unpublished
from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import Catalogue
from graph_runtime.context import RunExtra
from graph_runtime.engine import Engine
from graph_runtime.events import Custom, Event, NodeBlocked, NodeFinished, NodeStarted
from graph_runtime.files import Files
from graph_runtime.graph import Graph
from graph_runtime.hooks import run_hooks
from graph_runtime.last_node import LastNode
from graph_runtime.problems import Problem
from graph_runtime.prompt import parse_prompt
from graph_runtime.shipped import copy_examples
from graph_runtime.validate import Validation, validate
from nodes.preview_encoding import encode_preview
from worker import devices, memory
from worker.keeping import Keeping
from worker.runner import DeviceRunner
from worker.settings import PROJECT, Settings
from worker.upkeep import Upkeep

if TYPE_CHECKING:
    from interop import LoadedPacks, PackReport

__all__ = ["Job", "Runtime"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One graph to run.

    Args:
        prompt: the validated graph in the API format.
        targets: ids of the outputs to produce.
        extra_data: what the client sent along: `extra_pnginfo`, `client_id`, secrets.
        previews: says whether anybody watches.
        graph: the same graph, where it has been read already.
        attempt: number of the attempt at it; 0 if nobody would run the job again.
    """

    id: str
    prompt: Mapping[str, Any]
    targets: tuple[str, ...]
    extra_data: Mapping[str, Any] = field(default_factory=dict)
    previews: Callable[[], bool] = lambda: False
    graph: Graph | None = None
    attempt: int = 0


class Runtime:
    """Everything needed to run workflows in this process.

    Args:
        settings: folders, device, cache and previews.
        on_message: takes what packs send outside of a run, from any thread.
    """

    def __init__(self, settings: Settings, on_message: Callable[[Custom], None] = lambda message: None) -> None:
        devices.restrict(settings)
        permit(settings.allow_pickle)
        self.settings = settings
        self.on_message = on_message
        self.folders = settings.folders()
        self.folders.create()
        copy_examples(PROJECT / "workflows" / "inputs", self.folders)
        self._built_in = nodes.catalogue()
        self.packs: list[dict[str, Any]] = []
        self._loaded: LoadedPacks | None = None
        self._runner = DeviceRunner()
        self._importing = threading.Lock()
        self.warming = False
        self._keeping = Keeping(settings, self.folders.data_dir, self._pack_dirs())
        self.engine = Engine(
            self._built_in,
            cache=self._keeping.cache,
            files=Files(self.folders),
            runner=self._runner,
            encode_preview=self._encode_preview,
            checkpoints=self._keeping.checkpoints,
        )
        self.last_node = LastNode(self.folders.data_dir, os.getpid())
        self._upkeep = Upkeep(self.engine, self._runner, settings.memory_limit)

    @property
    def catalogue(self) -> Catalogue:
        """Built-in nodes, and those of packs once they are loaded."""
        return self.engine.catalogue

    def announcement(self) -> dict[str, Any]:
        """What a server is told of the catalogue."""
        return {"catalogue": self.catalogue.to_data(), "digest": self.catalogue.digest(), "packs": self.packs}

    def knows(self, prompt: Mapping[str, Any]) -> bool:
        """Whether the catalogue has every node of a graph."""
        return all(node.get("class_type") in self.catalogue for node in prompt.values())

    def load_packs(self, on_report: Callable[[], None] = lambda: None, *, wait: bool = True) -> None:
        """Import the packs; what is done is in the catalogue at once. Failures are in `packs`.

        Args:
            on_report: told of each pack that is done, from some thread.
            wait: wait for packs that hang as well, up to their deadlines.
        """
        from interop import ServerAddress, load_packs

        def done(loaded: LoadedPacks, report: PackReport) -> None:
            self._use_packs(loaded)
            on_report()

        loaded = load_packs(
            self._pack_dirs(),
            self.folders,
            self._built_in,
            disabled=self.settings.disable_custom_nodes,
            whitelist=self.settings.whitelist_custom_nodes,
            settings={
                "disable_metadata": self.settings.disable_metadata,
                "preview_method": self.settings.preview_method,
                "cpu": self.settings.cpu,
                "port": self.settings.server_port,
            },
            send=self._send,
            server=ServerAddress.told(),
            on_report=done,
            wait=wait,
        )
        self._use_packs(loaded)

    @property
    def pending_packs(self) -> list[str]:
        """Names of the packs that are still importing."""
        return [] if self._loaded is None else list(self._loaded.pending)

    def relist(self) -> None:
        """Read what packs declare anew: their lists of files change while a worker runs."""
        if self._loaded is not None:
            self._loaded.relist()
            self._use_packs(self._loaded)

    def _use_packs(self, loaded: LoadedPacks) -> None:
        self._loaded = loaded
        self.packs = [report.to_data() for report in loaded]
        self.engine.catalogue = loaded.catalogue()

    def _send(self, event: str | int, data: Any, sid: str | None) -> None:
        """Pass on what a pack sends outside of a run."""
        binary = isinstance(data, bytes | bytearray | memoryview)
        self.on_message(Custom(event, None if binary else data, sid, bytes(data) if binary else None))

    def warm(self) -> dict[str, Any]:
        """Bring in torch and the model library, and describe the devices."""
        with self._importing:
            import diffusion.loading  # noqa: F401  (brings torch, diffusers and transformers)

        return {"devices": devices.describe_devices(), "versions": devices.versions()}

    def warm_models(self) -> None:
        """Bring in the classes of models, which takes longer than torch itself, before the first job asks for them.

        Both libraries import their parts on demand, which two threads must not do at once: while `warming` is set,
        jobs that use the device come here first and wait for the end.
        """
        with self._importing:
            if self.warming:
                from diffusers import AutoencoderKL, UNet2DConditionModel  # noqa: F401
                from transformers import CLIPTextModel, CLIPTokenizer  # noqa: F401

                gc.collect()
                gc.freeze()  # a million objects of these libraries live as long as the process; do not look again
            self.warming = False

    async def validate(self, graph: Graph, targets: Iterable[str] | None = None) -> Validation:
        """Everything that is wrong with a graph, the findings of nodes' own hooks included."""
        validation = validate(graph, self.catalogue, self.folders.choices, targets)
        return validation.with_problems(await self.check_hooks(validation.graph, validation.good_outputs))

    async def check_hooks(self, graph: Graph, targets: Iterable[str] | None = None) -> list[Problem]:
        """What the validation hooks of nodes find, without waiting for a running job."""
        if targets is None:
            specs = {node_id: self.catalogue.get(graph[node_id].type) for node_id in graph}
            targets = [node_id for node_id, spec in specs.items() if spec is not None and spec.terminal]
        return list(await run_hooks(graph, self.catalogue, targets, files=self.engine.files))

    async def run(self, job: Job, emit: Callable[[Event], None], cancel: CancelToken) -> dict[str, Any]:
        """Run a job; what happens is told to `emit` from any thread.

        Returns:
            outcome, outputs, meta, error and produced (ids of targets that gave a result), as data.
        """
        graph = job.graph if job.graph is not None else parse_prompt(job.prompt)
        specs = [self.catalogue.get(type) for type in {node.type for node in graph.nodes.values()}]
        self._runner.needs_torch = any(spec is not None and spec.device for spec in specs)
        if self._runner.needs_torch and self.warming:
            await asyncio.to_thread(self.warm_models)
        await self._upkeep.before_job()
        heard = _Heard(emit, self.last_node)
        journal = AttemptJournal(self.folders.data_dir, job.id, job.attempt) if job.attempt else None
        self.last_node.run(job.id, job.attempt)
        outcome = await self.engine.run(
            graph,
            job.targets,
            job=job.id,
            extra=self._extra(job),
            emit=heard,
            cancel=cancel,
            files=self._files(journal),
        )
        if journal is not None and outcome.status != "succeeded":
            await asyncio.to_thread(remove_unpublished, journal, published_files(outcome.outputs, self.folders))
        await self._upkeep.after_job()
        return {
            "outcome": outcome.status,
            "outputs": dict(outcome.outputs),
            "meta": dict(outcome.meta),
            "error": None if outcome.error is None else outcome.error.to_data(),
            "produced": [target for target in job.targets if target in heard.produced],
        }

    async def free(self, *, unload_models: bool, clear_results: bool) -> None:
        """Give memory back; call it between jobs.

        Args:
            unload_models: let loaded models give their memory back; they are brought in again when next used.
            clear_results: drop every kept result as well.
        """
        if clear_results:
            self.engine.clear()
        if unload_models or clear_results:
            await asyncio.to_thread(memory.release_models)

    def stats(self) -> dict[str, Any]:
        """Memory of this process and, once torch is there, of its devices."""
        process = psutil.Process()
        return {
            "rss": process.memory_info().rss,
            "cache": {"entries": len(self.engine.cache), "bytes": self.engine.cache.nbytes},
            "devices": devices.describe_devices() if devices.is_warm() else [],
        }

    def describe_failure(self, error: BaseException) -> dict[str, Any]:
        """An error outside of any node, as the data of a failed run."""
        return {
            "node": None, "node_type": None, "executed": [], "message": failure.message_of(error),
            "exception_type": failure.exception_type(error), "traceback": list(failure.traceback_lines(error)),
            "current_inputs": {}, "current_outputs": [], "fix": failure.fix_for(error),
        }  # fmt: skip

    async def close(self) -> None:
        """End the threads, and the packs' routes; waits for what runs."""
        await asyncio.to_thread(self._upkeep.close)
        self.last_node.close()
        await asyncio.to_thread(self.engine.close)
        await asyncio.to_thread(self._keeping.close)
        if self._loaded is not None:
            from interop import close_packs

            await asyncio.to_thread(close_packs, self._loaded)
            self._loaded = None

    def _extra(self, job: Job) -> RunExtra:
        """What the nodes of a job may ask for besides their inputs."""
        return RunExtra(
            prompt=job.prompt,
            extra_pnginfo=job.extra_data.get("extra_pnginfo"),
            metadata=not self.settings.disable_metadata,
            auth_token=job.extra_data.get("auth_token_comfy_org"),
            api_key=job.extra_data.get("api_key_comfy_org"),
            client_id=job.extra_data.get("client_id"),
            previews=job.previews,
            preview_method=self.settings.preview_method,
        )

    def _pack_dirs(self) -> list[Path]:
        return [PROJECT / "custom_nodes", *self.folders.model_dirs("custom_nodes")]

    def _files(self, journal: AttemptJournal | None) -> Files | None:
        files = self.engine.files
        return files if files is None or journal is None else files.noted_in(journal)

    def _encode_preview(self, picture: Any) -> tuple[str, bytes] | None:
        return encode_preview(picture, self.settings.preview_size)


class _Heard:
    """Passes the events of a run on, notes where it is, and which nodes gave a result."""

    def __init__(self, emit: Callable[[Event], None], last_node: LastNode) -> None:
        self._emit = emit
        self._last_node = last_node
        self._finished: set[str] = set()
        self._blocked: set[str] = set()

    @property
    def produced(self) -> set[str]:
        """Nodes of the submitted graph that finished, and were not kept from it by a blocker."""
        return self._finished - self._blocked

    def __call__(self, event: Event) -> None:
        """Take the next event, from any thread."""
        match event:
            case NodeStarted(real=node):
                self._last_node.begin(node)
            case NodeFinished(node=node):
                self._finished.add(node)
            case NodeBlocked(node=node):
                self._blocked.add(node)
        self._emit(event)
