"""Disks that are full in the middle of a file, and files that may not grow: no half result, no lost job."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.checker import check, present
from tests.chaos.site import Gone, Site, graph


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system in memory of this size, if we may mount one."""
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.chaos
def test_a_disk_that_is_full_in_the_middle_of_a_picture_fails_the_job_and_leaves_no_file(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "data" / "output", "3m") as output:
        site = new_site().start()
        job = site.submit(graph(1, size=1000, count=5))
        detail = site.until(job, "failed", "succeeded", "dead")

        assert detail["state"] == "failed" and "No space left" in detail["error"]["message"]
        assert detail["error"]["node"] == "3" and "Free some space" in detail["error"]["fix"]
        assert list(present(output)) == [], "what the failed node had written must be gone"
        again = site.submit(graph(2, size=1000, count=2))
        assert site.until(again, "succeeded", "failed")["state"] == "succeeded"
        check(site)
        site.stop()


@pytest.mark.chaos
def test_a_job_database_on_a_full_disk_refuses_clearly_and_keeps_what_it_accepted(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "data", "6m") as data:
        site = new_site().start()
        filler = data / "filler"
        refused: list[str] = []
        with open(filler, "wb") as file, contextlib.suppress(OSError):
            while True:
                file.write(os.urandom(65536))
                file.flush()
        for value in range(40):
            try:
                site.submit(graph(value, 0.01))
            except Gone as gone:
                refused.append(str(gone)[:3])
        assert site.alive and refused, "a full disk must be told to the client"
        assert set(refused) <= {"500", "503", "507"}, refused
        filler.unlink()
        site.submit(graph(100))
        states = check(site)
        site.stop()
        assert states[site.accepted[-1]] == "succeeded"


def test_a_picture_that_may_not_grow_fails_its_job_and_leaves_no_file(site: Site) -> None:
    worker = site.workers()[0]
    worker.rlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    job = site.submit(graph(1, size=1000))
    detail = site.until(job, "failed", "succeeded", "dead")
    worker.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    follower = site.submit(graph(2, size=1000))

    assert detail["state"] == "failed" and "File too large" in detail["error"]["message"]
    assert site.until(follower, "succeeded", "failed")["state"] == "succeeded"
    check(site)
