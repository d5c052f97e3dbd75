"""The node that a worker began last is known after any death."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graph_runtime.last_node import LastNode, LastWords, read_last_node

ROOT = Path(__file__).resolve().parents[2]
DIES = """
import os, sys
from pathlib import Path
from graph_runtime.last_node import LastNode
last = LastNode(Path(sys.argv[1]), 7)
last.run("a job ✓", 3)
last.begin("12")
last.begin("12/0")
os.kill(os.getpid(), 9)
"""


def test_it_is_legible_after_a_sigkill(tmp_path: Path) -> None:
    process = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], cwd=ROOT)

    assert process.returncode == -9
    assert read_last_node(tmp_path, 7, "a job ✓", 3) == LastWords(True, "12/0")
    assert read_last_node(tmp_path, 7, "a job ✓", 3) is None, "it is read once"


@pytest.mark.parametrize(("job", "attempt"), [("other", 1), ("job", 2)])
def test_another_run_is_not_mistaken_for_it(tmp_path: Path, job: str, attempt: int) -> None:
    last = LastNode(tmp_path, 7)
    last.run("job", 1)
    last.begin("1")

    assert read_last_node(tmp_path, 7, job, attempt) == LastWords(False)


def test_a_worker_that_had_not_begun_with_anything_says_so(tmp_path: Path) -> None:
    LastNode(tmp_path, 7)

    assert read_last_node(tmp_path, 7, "job", 1) == LastWords(False)


def test_a_run_that_began_no_node_names_none(tmp_path: Path) -> None:
    last = LastNode(tmp_path, 7)
    last.run("job", 1)
    last.begin("1")
    last.run("job", 2)
    assert read_last_node(tmp_path, 7, "job", 2) == LastWords(True, None)
    last = LastNode(tmp_path, 7)
    last.run("job", 3)
    last.begin("x" * 9000)
    last.close()

    assert not list(tmp_path.rglob("7")) and read_last_node(tmp_path, 8, "job", 1) is None


def test_pages_of_processes_long_gone_go(tmp_path: Path) -> None:
    gone, living = tmp_path / "cache" / "workers" / "999999999", tmp_path / "cache" / "workers" / str(os.getpid())
    LastNode(tmp_path, 999_999_999)
    LastNode(tmp_path, os.getpid())
    for page in (gone, living):
        os.utime(page, (0, 0))
    LastNode(tmp_path, 999_999_998)

    assert (gone.exists(), living.exists()) == (False, True)


def test_a_folder_that_refuses_costs_the_note_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    last = LastNode(tmp_path, 7)
    last.run("job", 1)
    last.begin("1")

    assert read_last_node(tmp_path, 7, "job", 1) is None
