"""Loading packs: import each one in a thread of its own, and let none stop the others.

Packs are untrusted code that does anything at import: downloads, `sys.exit`, waiting for input. A pack that takes long
does not hold up the next ones; one that is not done at its deadline is reported and left behind.
Source: protocol §5.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from graph_runtime.catalogue import NodeSpec
from graph_runtime.folders import Folders
from interop import routes
from interop.crashes import CrashRecord
from interop.discovery import Pack, find_packs
from interop.errors import BadPack
from interop.host import Host, Send, _nowhere, use
from interop.importing import PackImports
from interop.namespace import SHARED
from interop.reading import Contribution, read_again, read_module
from interop.report import PackReport, explain

__all__ = ["LoadedPacks", "close_packs", "load_packs"]

PATIENCE = 10.0
"""Seconds after which the next pack starts beside one that is still importing."""
DEADLINE = 60.0
"""Seconds after which a pack that is still importing is given up."""

Report = Callable[[PackReport], None]


class LoadedPacks(list[PackReport]):
    """The reports of one load, in the order in which the packs were found.

    Attributes:
        host: what the stand-ins ask.
        imports: the packs' view of the import system.
    """

    def __init__(self, host: Host, imports: PackImports) -> None:
        super().__init__()
        self.host = host
        self.imports = imports

    def specs(self) -> list[NodeSpec]:
        """Every node of every pack, each id once: a later pack replaces an earlier one's."""
        return list({spec.id: spec for report in self for spec in report.specs}.values())

    def relist(self) -> list[NodeSpec]:
        """`specs` with the declarations of foreign classes read anew: lists of files change while a worker runs.

        A class that cannot be read any more keeps the declaration it had.
        """
        return [read_again(spec) for spec in self.specs()]


def load_packs(
    dirs: Sequence[Path],
    folders: Folders,
    catalogue: Mapping[str, NodeSpec],
    *,
    disabled: bool = False,
    whitelist: Collection[str] = (),
    on_report: Report = lambda report: None,
    settings: Mapping[str, object] | None = None,
    project: Path | None = None,
    send: Send = _nowhere,
    patience: float = PATIENCE,
    deadline: float = DEADLINE,
) -> LoadedPacks:
    """Import every pack and read its nodes.

    Blocks until every pack is loaded, has failed or is past its deadline: call it in a thread.

    Args:
        dirs: `custom_nodes` directories.
        catalogue: the built-in nodes; their ids cannot be replaced.
        disabled: load only the packs in `whitelist`.
        on_report: told of each pack as soon as it is done, from the calling thread.
        settings: launch options under their established names.
        project: the folder that packs take for the host's, by default that of this package.
        send: takes messages that packs send outside a run: (event, data, socket id or None).
        patience, deadline: seconds.
    Returns:
        One report a pack; see `LoadedPacks`.
    """
    project = project or Path(__file__).resolve().parent.parent
    host = Host(folders, catalogue, project, dict(settings or {}), send)
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
    attempts = [_Attempt(pack, imports, host, record) for pack in packs]
    _run_prestartup(attempts, deadline)
    loaded = LoadedPacks(host, imports)
    loaded.extend(_collect(attempts, on_report, patience, deadline))
    record.close()
    routes.pack_routes().start()
    return loaded


def close_packs(loaded: LoadedPacks) -> None:
    """End the packs' routes and forget host modules and packs, as if nothing had been loaded."""
    routes.stop()
    loaded.imports.uninstall()
    for name in [name for name in sys.modules if name.startswith("custom_nodes.")]:
        if loaded.imports.is_pack_path(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
    use(None)


@dataclass(eq=False)
class _Attempt:
    """Importing one pack."""

    pack: Pack
    imports: PackImports
    host: Host
    record: CrashRecord
    error: BaseException | None = None
    contribution: Contribution = field(default_factory=Contribution)
    started: float = 0.0
    seconds: float = 0.0
    thread: threading.Thread | None = None
    given_up: bool = False
    hung_before: bool = False

    def __post_init__(self) -> None:
        self.hung_before = self.record.hung(self.pack.name, self.pack.path)
        if self.record.ended_workers(self.pack.name, self.pack.path):
            self.error = BadPack(
                "importing it ended the whole worker process the last times. "
                "Correct or remove the pack; it is tried again once its files change."
            )

    def start(self, work: Callable[[], None]) -> None:
        self.record.begin(self.pack.name, self.pack.path)
        self.started = time.monotonic()
        self.thread = threading.Thread(target=self._guard, args=(work,), name=f"pack {self.pack.name}", daemon=True)
        self.thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether the work ended within so many seconds."""
        assert self.thread is not None
        self.thread.join(max(0.0, seconds))
        return not self.thread.is_alive()

    def give_up(self, what: str) -> None:
        """Stop waiting; code that is running Python is told to end, code that waits elsewhere is left to itself."""
        assert self.thread is not None and self.thread.ident is not None
        self.given_up = True
        self.record.hang(self.pack.name, self.pack.path)
        self.seconds = time.monotonic() - self.started
        self.error = TimeoutError(what)
        frame = sys._current_frames().get(self.thread.ident)
        stack = []
        while frame is not None:
            stack.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        mine = next((place for place in stack if self.imports.is_pack_path(place[0])), None)
        if mine is not None:
            where = f"{Path(mine[0]).relative_to(self.pack.path.parent)}:{mine[1]}"
            self.error = TimeoutError(f"{what}, at {where}")
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread.ident), ctypes.py_object(SystemExit))

    def _guard(self, work: Callable[[], None]) -> None:
        routes.loading.pack = self.pack.name
        asyncio.set_event_loop(routes.pack_routes().loop)  # packs ask for the host's loop while they are imported
        here = Path.cwd()
        try:
            work()
        except BaseException as error:
            if not self.given_up:
                self.error = error
        if Path.cwd() != here:  # names of files given on the command line are relative to where the worker started
            os.chdir(here)
        if not self.given_up:
            self.seconds = time.monotonic() - self.started
            self.record.end(self.pack.name)

    def prestartup(self) -> None:
        script = self.pack.prestartup
        assert script is not None
        module = importlib.util.module_from_spec(self.imports.spec(f"{self.pack.module}.prestartup_script", script))
        _execute(module)

    def load(self) -> None:
        module = _import(self.pack, self.imports)
        contribution = read_module(self.pack, module, self.imports, self.host.catalogue)
        if not self.given_up:
            self.contribution = contribution


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


def _run_prestartup(attempts: list[_Attempt], deadline: float) -> None:
    for attempt in attempts:
        if attempt.pack.prestartup is not None and attempt.error is None:
            attempt.start(attempt.prestartup)
            if not attempt.wait(deadline):
                attempt.give_up(f"its prestartup_script.py did not end within {deadline:g} seconds")


def _collect(
    attempts: list[_Attempt],
    on_report: Report,
    patience: float,
    deadline: float,
) -> list[PackReport]:
    """Import in order, no pack longer than `patience` alone; report each as it ends."""
    reports: dict[int, PackReport] = {}
    waiting: list[tuple[int, _Attempt]] = []

    def report(index: int, attempt: _Attempt) -> None:
        reports[index] = _report(attempt)
        with contextlib.suppress(Exception):
            on_report(reports[index])

    for index, attempt in enumerate(attempts):
        if attempt.error is not None:
            report(index, attempt)
            continue
        attempt.start(attempt.load)
        if attempt.wait(min(patience, deadline)):
            report(index, attempt)
        else:
            waiting.append((index, attempt))
    for index, attempt in waiting:
        limit = min(deadline, patience) if attempt.hung_before else deadline
        if not attempt.wait(attempt.started + limit - time.monotonic()):
            attempt.give_up(f"it was still importing after {limit:g} seconds")
        report(index, attempt)
    return [reports[index] for index in sorted(reports)]


def _report(attempt: _Attempt) -> PackReport:
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
        web_directory=found.web_directory,
        web_name=found.web_name,
        routes=tuple(found.routes),
        routes_port=routes.port() if found.routes else None,
    )
