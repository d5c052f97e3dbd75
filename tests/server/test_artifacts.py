"""The files of a run are found by what nodes show and by what the attempt has noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph_runtime.attempts import AttemptJournal
from graph_runtime.folders import Folders
from server.artifacts import artifacts_of
from server.store.rows import Artifact


@pytest.fixture
def folders(data_dir: Path) -> Folders:
    folders = Folders(data_dir)
    folders.create()
    return folders


@pytest.fixture
def journal(data_dir: Path) -> AttemptJournal:
    return AttemptJournal(data_dir, "job", 1)


def put(folder: Path, name: str, content: bytes = b"12345") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def shown(name: str, subfolder: str = "", type: str = "output") -> dict[str, object]:
    return {"images": [{"filename": name, "subfolder": subfolder, "type": type}]}


def test_files_that_nodes_show_are_registered_with_their_node_and_size(folders, journal) -> None:
    put(folders.output, "a.png")
    put(folders.output, "sub/b.png", b"12")
    found = artifacts_of(folders, journal, {"3": shown("a.png"), "4": shown("b.png", "sub")})

    assert found == (Artifact("output", "a.png", 5, "3"), Artifact("output", "sub/b.png", 2, "4"))


def test_files_that_were_noted_are_registered_though_no_node_shows_them(folders, journal) -> None:
    journal.appears(put(folders.output, "c.bin"), folders.output.resolve() / "c.bin")
    journal.appears(put(folders.temp, "d.png"), folders.temp.resolve() / "d.png")

    assert artifacts_of(folders, journal, {}) == (Artifact("output", "c.bin", 5, None),)


def test_what_is_not_there_or_leads_outside_is_not_registered(folders, journal) -> None:
    put(folders.output.parent, "secret.png")
    put(folders.temp, "e.png")
    outputs = {
        "1": shown("missing.png"),
        "2": shown("secret.png", ".."),
        "3": shown("e.png", type="temp"),
        "4": {"text": ["x"], "images": [None, {"filename": 7}], "animated": (True,)},
        "5": None,
    }

    assert artifacts_of(folders, journal, outputs) == ()
