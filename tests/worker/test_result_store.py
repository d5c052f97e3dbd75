"""Result files stay within their bound, whoever writes them, and never appear half written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worker.result_store import ResultStore

KILO = b"x" * 1000


def names(store: ResultStore) -> set[str]:
    return {path.parent.name + path.stem for path in store.folder.rglob("*.safetensors")}


def test_what_is_written_is_read(tmp_path) -> None:
    store = ResultStore(tmp_path, 10_000)

    assert store.write("abc", b"content") and store.has("abc") and store.read("abc") == b"content"
    assert store.read("other") is None and not store.has("other")


def test_the_files_used_least_recently_go_first(tmp_path) -> None:
    store = ResultStore(tmp_path, 4 * 1600)
    for index, name in enumerate(("aa1", "bb2", "cc3", "dd4")):
        store.write(name, KILO)
        os.utime(store._path(name), (index, index))
    store.read("aa1")
    store.write("ee5", KILO)

    assert {"aa1", "ee5"} <= names(store) and "bb2" not in names(store)
    assert store.nbytes <= store.max_bytes


def test_what_is_larger_than_the_bound_is_not_kept_and_removes_nothing(tmp_path) -> None:
    store = ResultStore(tmp_path, 2000)
    store.write("aa1", KILO)

    assert store.write("bb2", KILO * 3) is False
    assert names(store) == {"aa1"}


def test_several_processes_keep_one_bound_together(tmp_path) -> None:
    code = (
        "import sys; from pathlib import Path; from worker.result_store import ResultStore\n"
        "store = ResultStore(Path(sys.argv[1]), 50_000)\n"
        "for n in range(100): store.write(f'{sys.argv[2]}{n:03}', b'x' * 1000)\n"
    )
    root = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=root) for name in ("aa", "bb", "cc")
    ]

    assert [process.wait(60) for process in running] == [0, 0, 0]
    sizes = [path.stat().st_size for path in tmp_path.rglob("*.safetensors")]
    assert 10_000 < sum(sizes) <= 50_000
    assert all(size == 1000 for size in sizes) and not list(tmp_path.rglob("*.part"))


def test_what_a_dead_process_left_half_written_goes_when_room_is_made(tmp_path) -> None:
    store = ResultStore(tmp_path, 4000)
    left = tmp_path / "aa" / "1.77.part"
    left.parent.mkdir()
    left.write_bytes(KILO)
    os.utime(left, (time.time() - 3600,) * 2)
    store.clear()

    assert not left.exists()


def test_a_full_disk_makes_it_give_space_back_and_harms_nobody(tmp_path, monkeypatch, caplog) -> None:
    store = ResultStore(tmp_path, 10_000)
    for name in ("aa1", "bb2", "cc3", "dd4", "ee5"):
        store.write(name, KILO)

    def full(self: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert store.write("ff6", KILO) is False
    assert len(names(store)) == 3 and "No space left" in caplog.text


@pytest.mark.parametrize("damage", ["", "many"])
def test_a_damaged_sum_is_summed_up_again(tmp_path, damage: str) -> None:
    store = ResultStore(tmp_path, 10_000)
    store.write("aa1", KILO)
    (tmp_path / "total").write_text(damage)

    assert store.nbytes == 1512
