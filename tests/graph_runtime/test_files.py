"""Results appear finished, under names that nothing else has."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from graph_runtime.errors import HeddleError
from graph_runtime.files import Files, SavedFile
from graph_runtime.folders import Folders

NOON = time.struct_time((2026, 3, 4, 12, 5, 6, 0, 63, 0))


@pytest.fixture
def files(data_dir: Path) -> Files:
    folders = Folders(data_dir)
    folders.create()
    return Files(folders, now=lambda: NOON)


def test_numbers_go_on_from_the_highest_in_the_folder(files: Files) -> None:
    (files.folders.output / "x_00041_.png").write_bytes(b"")
    (files.folders.output / "x_y_00099_.png").write_bytes(b"")

    names = [files.write("x", ".png", b"data").filename for _ in range(2)]

    assert names == ["x_00042_.png", "x_00043_.png"]
    assert (files.folders.output / "x_00042_.png").read_bytes() == b"data"


def test_tokens_and_subfolders_in_the_prefix(files: Files) -> None:
    saved = files.write(
        "%year%-%month%/%width%x%height%-%batch_num%-%hour%%minute%%second%-%day%",
        ".png",
        b"",
        width=8,
        height=9,
        batch=2,
    )

    assert saved == SavedFile("8x9-2-120506-04_00001_.png", "2026-03", "output")
    assert (files.folders.output / "2026-03" / saved.filename).exists()


def test_temporary_results_are_marked_as_such(files: Files) -> None:
    saved = files.write("p", ".png", b"", folder="temp")

    assert saved.to_data() == {"filename": "p_00001_.png", "subfolder": "", "type": "temp"}
    assert (files.folders.temp / "p_00001_.png").exists()


def test_a_function_may_write_the_data(files: Files) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"written")

    assert (files.folders.output / files.write("x", ".bin", write).filename).read_bytes() == b"written"


def test_a_failing_writer_leaves_nothing_behind(files: Files) -> None:
    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        files.write("x", ".bin", fail)
    assert list(files.folders.output.iterdir()) == []


@pytest.mark.parametrize("prefix", ["../x", "a/../../x", "/etc/x"])
def test_names_that_lead_outside_are_refused(files: Files, prefix: str) -> None:
    with pytest.raises(HeddleError, match="leads outside the output folder"):
        files.write(prefix, ".png", b"")


def test_threads_never_take_the_same_name(files: Files) -> None:
    saved: list[str] = []
    threads = [
        threading.Thread(target=lambda: saved.append(files.write("x", ".png", b"1").filename)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(saved)) == 16 and len(list(files.folders.output.iterdir())) == 16


def test_a_disk_that_refuses_is_named(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(HeddleError, match="No space left on device") as caught:
        files.write("x", ".png", b"data")
    assert str(files.folders.output / "x") in str(caught.value) and "Free some space" in caught.value.fix
    assert list(files.folders.output.iterdir()) == []


def test_a_file_system_without_hard_links_works_too(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    assert [files.write("x", ".png", b"1").filename for _ in range(2)] == ["x_00001_.png", "x_00002_.png"]


@pytest.mark.parametrize(("folder", "synced"), [("output", 2), ("temp", 0)])
def test_bytes_and_name_of_a_result_are_on_disk_and_passing_files_cost_no_flush(
    files: Files, monkeypatch: pytest.MonkeyPatch, folder: str, synced: int
) -> None:
    flushed: list[bool] = []
    monkeypatch.setattr("os.fsync", lambda handle: flushed.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    files.write("x", ".bin", b"1", folder=folder)

    assert flushed == [False, True][:synced]
