"""Specimen packs, loaded as a worker loads them and run by the real engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import nodes
from graph_runtime.cache import Cache
from graph_runtime.cancel import CancelToken
from graph_runtime.context import RunExtra
from graph_runtime.engine import Engine, Outcome
from graph_runtime.files import Files
from graph_runtime.folders import Folders
from graph_runtime.prompt import parse_prompt
from graph_runtime.testing import Recorder
from graph_runtime.validate import Validation, node_errors, validate
from interop import LoadedPacks, PackReport, close_packs, load_packs
from nodes.preview_encoding import encode_preview

SPECIMENS = Path(__file__).parent / "packs"


@dataclass
class Ran:
    """One run of the engine."""

    outcome: Outcome
    seen: Recorder

    def shown(self, node: str, key: str) -> Any:
        """What a node shows under a key."""
        return self.outcome.outputs[node][key]

    @property
    def message(self) -> str:
        """Why it failed."""
        return self.seen.of("run_failed")[0].message


@dataclass
class House:
    """Loaded packs with an engine around them."""

    packs: LoadedPacks
    folders: Folders
    engine: Engine
    sent: list[tuple[Any, ...]] = field(default_factory=list)

    def report(self, name: str) -> PackReport:
        """The report of a pack."""
        return next(report for report in self.packs if report.name == name)

    def module(self, name: str) -> Any:
        """A pack's module."""
        import sys

        return sys.modules[f"custom_nodes.{name}"]

    def check(self, prompt: dict[str, Any]) -> Validation:
        """Validate as the server does, on plain data."""
        from graph_runtime.catalogue import Catalogue

        data = Catalogue.from_data(self.engine.catalogue.to_data())
        return validate(parse_prompt(prompt), data, self.folders.choices)

    def errors(self, prompt: dict[str, Any]) -> dict[str, list[str]]:
        """Established error types by node."""
        validation = self.check(prompt)
        found = node_errors(validation, self.engine.catalogue)
        return {node: [error["type"] for error in entry["errors"]] for node, entry in found.items()}

    async def run(
        self, prompt: dict[str, Any], *, valid: bool = True, cancel: CancelToken | None = None, **extra: Any
    ) -> Ran:
        """Validate and run a prompt."""
        validation = self.check(prompt)
        if valid:
            assert validation.problems == (), validation.problems
        seen = Recorder()
        outcome = await self.engine.run(
            validation.graph,
            job="job-1",
            extra=RunExtra(prompt=prompt, **extra),
            emit=seen,
            cancel=cancel,
        )
        return Ran(outcome, seen)


Open = Callable[..., House]


def open_house(root: Path, names: tuple[str, ...], cache: Cache | None = None, **options: Any) -> House:
    """Copy specimens into a data folder and load them."""
    folders = Folders(root)
    folders.create()
    for name in names:
        source = SPECIMENS / name
        target = root / "custom_nodes" / source.name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    sent: list[tuple[Any, ...]] = []
    catalogue = nodes.catalogue()
    loaded = load_packs(
        [root / "custom_nodes"], folders, catalogue, send=lambda *message: sent.append(message), **options
    )
    engine = Engine(
        loaded.catalogue(),
        cache=cache or Cache.classic(),
        files=Files(folders),
        encode_preview=encode_preview,
    )
    return House(loaded, folders, engine, sent)


@contextmanager
def open_studio(places: pytest.TempPathFactory, *names: str) -> Iterator[House]:
    """Specimens and a tiny checkpoint for a whole module; results that tests share are kept in the engine's cache."""
    from diffusion.testing import tiny_checkpoint

    root = places.mktemp("studio")
    (root / "models" / "checkpoints").mkdir(parents=True)
    tiny_checkpoint(root / "models" / "checkpoints" / "tiny.safetensors")
    opened = open_house(root, names, cache=Cache())
    yield opened
    opened.engine.close()
    close_packs(opened.packs)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Open]:
    """Opens a house with the named specimens; everything is forgotten afterwards."""
    opened: list[House] = []

    def open_named(*names: str, **options: Any) -> House:
        opened.append(open_house(tmp_path, names, **options))
        return opened[-1]

    yield open_named
    for one in opened:
        one.engine.close()
        close_packs(one.packs)


def show(source: list[Any]) -> dict[str, Any]:
    """A node that shows a value."""
    return {"class_type": "Show", "inputs": {"value": source}}
