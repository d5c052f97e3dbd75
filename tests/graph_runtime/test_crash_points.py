"""A process dies where it is told to, and nowhere else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graph_runtime.crash_points import POINTS

ROOT = Path(__file__).resolve().parents[2]


def reach(*names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "import sys\nfrom graph_runtime.crash_points import crash_point\n"
    program += "for name in sys.argv[1:]:\n    print(name, flush=True)\n    crash_point(name)\n"
    command = [sys.executable, "-c", program, *names]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=30)


def test_nothing_happens_unless_the_environment_asks_for_it() -> None:
    assert reach(*POINTS).returncode == 0


def test_a_process_is_killed_the_nth_time_it_reaches_the_named_point() -> None:
    ended = reach("file.after_rename", "claim.before_start", "file.after_rename", HEDDLE_CRASH_AT="file.after_rename:2")

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["file.after_rename", "claim.before_start", "file.after_rename"]


def test_each_point_ends_only_one_process_where_that_is_asked(tmp_path: Path) -> None:
    asked = {"HEDDLE_CRASH_AT": "file.after_rename", "HEDDLE_CRASH_ONCE": str(tmp_path)}

    assert reach("file.after_rename", **asked).returncode == -signal.SIGKILL
    assert reach("file.after_rename", **asked).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["file.after_rename"]


def test_an_unknown_point_is_refused() -> None:
    ended = reach(HEDDLE_CRASH_AT="nowhere")

    assert ended.returncode == 1 and "names no crash point: 'nowhere'" in ended.stderr


@pytest.mark.parametrize("name", POINTS)
def test_every_listed_point_is_somewhere_in_the_code(name: str) -> None:
    places = [
        path
        for folder in ("server", "worker", "graph_runtime")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(rf'crash_point\("{re.escape(name)}"\)', path.read_text(encoding="utf-8"))
    ]

    assert len(places) == 1
