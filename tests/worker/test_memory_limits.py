"""Limits of control groups are found in both hierarchies, and what is left is reckoned."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.memory_limits import Limit, limits, tightest

GB = 10**9


def group(folder: Path, names: tuple[str, str, str], most: str, used: int, droppable: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{most}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {droppable}\n")


V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.fixture
def found(tmp_path: Path):
    def read(cgroup: str, own: int = 0) -> list[Limit]:
        (tmp_path / "cgroup").write_text(cgroup)
        return list(limits(own, tmp_path / "fs", tmp_path / "cgroup"))

    return read


def test_every_group_up_to_the_root_counts_in_version_2(tmp_path, found) -> None:
    group(tmp_path / "fs" / "a", V2, str(8 * GB), 3 * GB, GB)
    group(tmp_path / "fs" / "a" / "b", V2, "max", GB, 0)
    group(tmp_path / "fs", V2, str(16 * GB), 5 * GB, 0)

    assert [(limit.total, limit.left) for limit in found("0::/a/b\n")[:-1]] == [(8 * GB, 6 * GB), (16 * GB, 11 * GB)]


def test_version_1_is_read_where_memory_is_mounted(tmp_path, found) -> None:
    group(tmp_path / "fs" / "memory" / "job", V1, str(4 * GB), 2 * GB, GB // 2)
    group(tmp_path / "fs" / "memory", V1, "9223372036854771712", 9 * GB, 0)

    (limit, machine) = found("4:memory:/job\n2:cpu:/other\n0::/\n")
    assert (limit.total, limit.left, limit.hard) == (4 * GB, 2 * GB + GB // 2, True)
    assert machine.name == "this machine" and not machine.hard


def test_a_group_that_is_not_mounted_where_it_says_is_found_at_the_top(tmp_path, found) -> None:
    group(tmp_path / "fs", V2, str(4 * GB), GB, 0)

    assert found("0::/host/name/of/container\n")[0].total == 4 * GB


def test_without_groups_the_machine_is_the_limit(found) -> None:
    assert [limit.name for limit in found("")] == ["this machine"]


def test_what_the_process_was_told_comes_first_and_the_tightest_wins(found) -> None:
    (own, _) = found("", own=1 << 50)

    assert own.name == "--memory-limit" and 0 < own.used < 20 * GB
    assert tightest(10_000_000).name == "--memory-limit", "this process takes more than that"
