"""Loading packs: find them, import each, read its nodes, and let none stop the others.

Packs are untrusted code that does anything at import: downloads, `sys.exit`, waiting for input. They are imported one
after the other, so that later ones find what earlier ones brought; one that hangs loses its turn (`attempt`). Each is
published as soon as it is done.
Source: protocol §5.1.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

from graph_runtime.catalogue import Catalogue, NodeSpec
from graph_runtime.folders import Folders
from interop import overrides, routes
from interop.attempt import IDLE, Attempt
from interop.crashes import CrashRecord
from interop.discovery import Pack, find_packs
from interop.errors import BadPack
from interop.host import Host, Send, _nowhere, use
from interop.importing import PackImports
from interop.job_queue import ServerAddress
from interop.namespace import SHARED
from interop.reading import read_again, read_module
from interop.report import PackReport, explain

__all__ = ["LoadedPacks", "close_packs", "load_packs"]

_log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds after which the next pack starts beside one that is still bringing in libraries."""
DEADLINE = 60.0
"""Seconds after which a pack that is still importing is given up."""

Report = Callable[["LoadedPacks", PackReport], None]


class LoadedPacks(list[PackReport]):
    """The reports of one load, in the order in which the packs were done.

    Attributes:
        host: what the stand-ins ask.
        imports: the packs' view of the import system.
        pending: names of the packs that are still importing.
    """

    def __init__(self, host: Host, imports: PackImports, record: CrashRecord) -> None:
        super().__init__()
        self.host = host
        self.imports = imports
        self.record = record
        self.pending: list[str] = []
        self._waiting: threading.Thread | None = None

    def specs(self) -> list[NodeSpec]:
        """Every node of every pack, each id once: a pack that was done later replaces an earlier one's."""
        return list({spec.id: spec for report in list(self) for spec in report.specs}.values())

    def relist(self) -> None:
        """Read the declarations of foreign classes anew: lists of files change while a worker runs.

        A class that cannot be read any more keeps the declaration it had.
        """
        for index, report in enumerate(list(self)):
            self[index] = report.with_specs([read_again(spec) for spec in report.specs])

    def catalogue(self) -> Catalogue:
        """The built-in nodes, with what packs changed about them, and the nodes of packs."""
        specs = self.specs()
        replaced = {spec.id for spec in specs}
        own = overrides.changed(self.host.catalogue, self.host.titles)
        return Catalogue([spec for spec in own if spec.id not in replaced]).merged(specs)

    def wait(self) -> None:
        """Wait until every pack is done or given up."""
        if self._waiting is not None:
            self._waiting.join()


def load_packs(
    dirs: Sequence[Path],
    folders: Folders,
    catalogue: Mapping[str, NodeSpec],
    *,
    disabled: bool = False,
    whitelist: Collection[str] = (),
    on_report: Report = lambda loaded, report: None,
    settings: Mapping[str, object] | None = None,
    project: Path | None = None,
    send: Send = _nowhere,
    server: ServerAddress | None = None,
    patience: float = PATIENCE,
    deadline: float = DEADLINE,
    idle: float = IDLE,
    wait: bool = True,
) -> LoadedPacks:
    """Import every pack and read its nodes. Blocks while packs have their turns: call it in a thread.

    Args:
        dirs: `custom_nodes` directories.
        catalogue: the built-in nodes; their ids cannot be replaced.
        disabled: load only the packs in `whitelist`.
        on_report: told of each pack as soon as it is done, from some thread, one at a time.
        settings: launch options under their established names.
        project: the folder that packs take for the host's, by default the data folder: models, input and output lie
            in it, and what packs copy into its `web/extensions` is served.
        send: takes messages that packs send outside a run: (event, data, socket id or None).
        server: where packs submit jobs and ask for the queue.
        patience, deadline, idle: seconds, see `Attempt`.
        wait: wait for packs that lost their turn as well; else they go on, and are reported when they are done.
    Returns:
        One report a pack; see `LoadedPacks`.
    """
    host = Host(folders, catalogue, project or folders.data_dir, server, settings=dict(settings or {}), send=send)
    imports = PackImports([path for path in dirs if path.is_dir()])
    use(host)
    imports.install()
    packs = list(find_packs(dirs, disabled=disabled, whitelist=whitelist))
    for pack in packs:
        imports.add_root(pack.path)
    if packs:
        for name in sorted(SHARED):  # before threads can ask for them at the same time
            imports.module(name)
    record = CrashRecord(folders.user / "packs")
    loaded = LoadedPacks(host, imports, record)
    host.everything = loaded.catalogue
    attempts = [Attempt(pack, imports, record, patience, deadline, idle) for pack in packs]
    attempts.sort(key=lambda attempt: attempt.hung_before)  # those that hung at the last start come last
    _Load(loaded, attempts, on_report).run()
    if wait:
        loaded.wait()
    return loaded


def close_packs(loaded: LoadedPacks) -> None:
    """End the packs' routes and forget host modules and packs, as if nothing had been loaded."""
    loaded.record.close()
    routes.stop()
    overrides.forget()
    loaded.imports.uninstall()
    for name in [name for name in sys.modules if name.startswith("custom_nodes.")]:
        if loaded.imports.is_pack_path(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
    use(None)


class _Load:
    """One load: turns in order, then the rest in the background."""

    def __init__(self, loaded: LoadedPacks, attempts: list[Attempt], on_report: Report) -> None:
        self.loaded, self.attempts, self.on_report = loaded, attempts, on_report
        self._reporting = threading.Lock()

    def run(self) -> None:
        """Return when every pack had its turn."""
        self.loaded.pending = [attempt.pack.name for attempt in self.attempts]
        for attempt in self.attempts:
            if attempt.pack.prestartup is not None and attempt.error is None:
                attempt.start(partial(_prestartup, attempt))
                attempt.have_turn()
        waiting: list[Attempt] = []
        for attempt in self.attempts:
            if attempt.error is None and attempt.suspected:
                continue
            if attempt.error is None:
                attempt.start(partial(_load, attempt, self.loaded.host))
                if not attempt.have_turn():
                    waiting.append(attempt)
                    continue
            self._report(attempt)
        suspects = [attempt for attempt in self.attempts if attempt.suspected and attempt.error is None]
        if suspects:
            self._finish(waiting)
            for attempt in suspects:  # alone, so that it is clear whose import ends the process
                attempt.start(partial(_load, attempt, self.loaded.host))
                self._finish([attempt])
        elif waiting:
            rest = threading.Thread(target=self._finish, args=(waiting,), name="packs that take long", daemon=True)
            self.loaded._waiting = rest
            rest.start()

    def _finish(self, waiting: list[Attempt]) -> None:
        """Report those that lost their turn, each when it is done or its deadline is over."""

        def one(attempt: Attempt) -> None:
            attempt.finish("it was still importing after {limit} seconds")
            self._report(attempt)

        threads = [threading.Thread(target=one, args=(attempt,), daemon=True) for attempt in waiting]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _report(self, attempt: Attempt) -> None:
        with self._reporting:
            report = _report(attempt)
            self.loaded.append(report)
            self.loaded.pending = [name for name in self.loaded.pending if name != attempt.pack.name]
            if not report.ok:
                _log.warning("%s", report.error)
            for warning in report.warnings:
                _log.warning("%s", warning)
            with contextlib.suppress(Exception):
                self.on_report(self.loaded, report)


def _prestartup(attempt: Attempt) -> None:
    script = attempt.pack.prestartup
    assert script is not None
    name = f"{attempt.pack.module}.prestartup_script"
    _execute(importlib.util.module_from_spec(attempt.imports.spec(name, script)))


def _load(attempt: Attempt, host: Host) -> None:
    module = _import(attempt.pack, attempt.imports)
    contribution = read_module(attempt.pack, module, attempt.imports, host.catalogue)
    if not attempt.given_up:
        attempt.contribution = contribution


def _import(pack: Pack, imports: PackImports) -> ModuleType:
    known = sys.modules.get(pack.module)
    if known is not None and getattr(known, "__file__", None) != str(pack.entry):
        raise BadPack(
            f"A pack of this name is loaded already, from {getattr(known, '__file__', '?')}. Rename one of the two."
        )
    module = importlib.util.module_from_spec(imports.spec(pack.module, pack.entry))
    sys.modules[pack.module] = module
    try:
        _execute(module)
    except BaseException:
        sys.modules.pop(pack.module, None)
        raise
    return module


def _execute(module: ModuleType) -> None:
    spec = module.__spec__
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(module)


def _report(attempt: Attempt) -> PackReport:
    pack, found = attempt.pack, attempt.contribution
    if attempt.error is not None:
        message, where = explain(pack.name, pack.path, attempt.error)
        return PackReport(pack.name, pack.path, error=message, where=where, seconds=attempt.seconds)
    return PackReport(
        pack.name,
        pack.path,
        specs=tuple(found.specs),
        warnings=tuple(found.warnings),
        seconds=attempt.seconds,
        web=found.web,
        routes=found.answers.routes,
        on_prompt=found.answers.on_prompt,
        routes_port=found.answers.port,
        routes_key=found.answers.key,
        folders=found.folders,
    )
