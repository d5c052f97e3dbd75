"""What an attempt wrote can be taken back, and nothing else ever is."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph_runtime.attempts import AttemptJournal, journals, published_files, remove_unpublished
from graph_runtime.errors import HeddleError
from graph_runtime.files import Files
from graph_runtime.folders import Folders


@pytest.fixture
def folders(data_dir: Path) -> Folders:
    made = Folders(data_dir)
    made.create()
    return made


def writer(folders: Folders, attempt: int = 1, job: str = "a job/with ✓") -> tuple[Files, AttemptJournal]:
    journal = AttemptJournal(folders.data_dir, job, attempt)
    return Files(folders).noted_in(journal), journal


def left(folders: Folders) -> list[str]:
    return sorted(path.relative_to(folders.output).as_posix() for path in folders.output.rglob("*") if path.is_file())


def test_what_was_not_published_goes_and_what_was_stays(folders: Folders) -> None:
    files, journal = writer(folders)
    kept = files.write("a/x", ".png", b"1")
    files.write("a/x", ".png", b"2")
    published = published_files({"9": {"images": [kept.to_data()]}}, folders)

    assert [path.name for path in remove_unpublished(journal, published)] == ["x_00002_.png"]
    assert left(folders) == ["a/x_00001_.png"]


def test_a_file_of_the_same_name_by_somebody_else_is_left_alone(folders: Folders) -> None:
    files, journal = writer(folders)
    files.write("x", ".png", b"mine")
    (folders.output / "x_00001_.png").unlink()
    Files(folders).write("x", ".png", b"another's")

    assert remove_unpublished(journal, ()) == []
    assert (folders.output / "x_00001_.png").read_bytes() == b"another's"


def test_a_name_that_was_taken_in_the_last_moment_is_left_alone(folders: Folders, monkeypatch) -> None:
    monkeypatch.setattr("graph_runtime.files._highest", lambda directory, name: 0)
    Files(folders).write("x", ".png", b"first")
    files, journal = writer(folders)
    files.write("x", ".png", b"second")
    remove_unpublished(journal, ())

    assert left(folders) == ["x_00001_.png"]


def test_half_written_files_of_a_dead_process_go(folders: Folders) -> None:
    _, journal = writer(folders)
    half = folders.output / ".x.1.2.part"
    journal.begins(half)
    half.write_bytes(b"half")
    remove_unpublished(journal, ())

    assert not half.exists()


def test_a_write_that_fails_leaves_nothing(folders: Folders) -> None:
    files, journal = writer(folders)

    def full(file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(HeddleError, match="No space left"):
        files.write("x", ".png", full)
    assert left(folders) == [] and remove_unpublished(journal, ()) == []


def test_open_journals_are_found_until_they_are_closed(folders: Folders) -> None:
    for attempt in (1, 2):
        writer(folders, attempt)[0].write("x", ".png", b"1")
    found = list(journals(folders.data_dir))
    found[0].close()

    assert [(journal.job, journal.attempt) for journal in found] == [("a job/with ✓", 1), ("a job/with ✓", 2)]
    assert [journal.attempt for journal in journals(folders.data_dir)] == [2]


def test_a_line_that_was_cut_off_counts_as_not_written(folders: Folders) -> None:
    files, journal = writer(folders)
    files.write("x", ".png", b"1")
    with open(journal.path, "ab") as file:
        file.write(b'{"final": "/tmp/')
    empty = AttemptJournal(folders.data_dir, "empty", 1)
    empty.path.touch()

    assert [item.job for item in journals(folders.data_dir)] == ["a job/with ✓"]
    assert len(remove_unpublished(journal, ())) == 1 and not empty.path.exists()


def test_what_nodes_show_may_be_anything(folders: Folders) -> None:
    odd = {"1": None, "2": {"text": ["x"], "images": [None, {"filename": 3}, {"filename": "x", "type": "elsewhere"}]}}

    assert published_files(odd, folders) == set()  # type: ignore[arg-type]
