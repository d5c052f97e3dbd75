"""A pack that ends the process while it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interop.crashes import CrashRecord
from tests.interop.conftest import Open

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
import nodes
from graph_runtime.folders import Folders
from interop import load_packs
root = Path(sys.argv[1])
for report in load_packs([root / "custom_nodes"], Folders(root), nodes.catalogue()):
    print(report.name, report.ok, report.error)
"""


def start(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, str(root)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_pack_that_ends_the_process_twice_is_left_out_until_it_changes(tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "a_ends"
    other = tmp_path / "custom_nodes" / "b_fine"
    for folder in (pack, other):
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
    (pack / "__init__.py").write_text("import os\nos._exit(7)\n")

    statuses = [start(tmp_path).returncode for _ in range(2)]
    third = start(tmp_path)
    (pack / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}  # corrected\n")
    fourth = start(tmp_path)

    assert statuses == [7, 7]
    assert third.returncode == 0, third.stderr
    assert "a_ends False" in third.stdout
    assert "importing it ended the whole worker process" in third.stdout
    assert "b_fine True" in third.stdout
    assert fourth.stdout.splitlines() == ["a_ends True ", "b_fine True "]


def test_a_slow_pack_is_not_blamed_for_the_one_beside_it(tmp_path: Path) -> None:
    packs = tmp_path / "custom_nodes"
    packs.mkdir()
    (packs / "a_slow.py").write_text("import time\ntime.sleep(3)\nNODE_CLASS_MAPPINGS = {}\n")
    (packs / "b_ends.py").write_text("import os\nos._exit(7)\n")

    statuses = [start(tmp_path).returncode for _ in range(2)]
    third = start(tmp_path)

    assert statuses == [7, 7]
    assert third.returncode == 0, third.stderr
    assert "a_slow True" in third.stdout
    assert "b_ends False" in third.stdout


def test_stopping_a_worker_once_blames_nobody(tmp_path: Path) -> None:
    pack = tmp_path / "pack.py"
    pack.write_text("")
    (tmp_path / "record").mkdir()
    (tmp_path / "record" / "importing-999999999.json").write_text('{"pack": "some state"}')

    record = CrashRecord(tmp_path / "record")

    assert not record.ended_workers("pack", pack)
    assert not (tmp_path / "record" / "importing-999999999.json").exists()


@pytest.mark.parametrize("innocent", ["server", "killed", None])
def test_workers_that_somebody_killed_blame_nobody(tmp_path: Path, monkeypatch, innocent: str | None) -> None:
    pack = tmp_path / "pack.py"
    pack.write_text("x = 1\n")
    state = f"pack.py:{pack.stat().st_mtime_ns}:{pack.stat().st_size}"
    server = 999_999_998 if innocent == "server" else os.getppid()
    if innocent == "killed":
        monkeypatch.setenv("HEDDLE_KILLED_WORKERS", "999999990,999999991")
    for pid in (999_999_990, 999_999_991):
        (tmp_path / f"importing-{pid}-{server}.json").write_text(json.dumps({"pack": state}))

    record = CrashRecord(tmp_path)

    assert record.ended_workers("pack", pack) is (innocent is None)
    assert not list(tmp_path.glob("importing-*"))


def test_a_pack_that_hung_is_waited_for_less_the_next_time(house: Open) -> None:
    import time

    house("hostile/c_blocks", patience=0.1, deadline=1.0)
    began = time.monotonic()
    again = house("sinks", patience=0.1, deadline=30.0)

    assert time.monotonic() - began < 15
    assert again.report("c_blocks").error.count("still importing after 0.1 seconds") == 1
    assert again.report("sinks").ok


def test_a_damaged_record_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "ended-workers.json").write_text("[1, 2")

    assert not CrashRecord(tmp_path).ended_workers("pack", tmp_path)
