"""Sampling survives its worker: what was saved on disk is read by the next one."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
import torch

from diffusion.sampling.checkpoint import Evaluation
from worker import checkpoints
from worker.checkpoints import Checkpoints

KEY = b"k" * 16


def opened(folder: Path, mark: str = "this") -> Checkpoints:
    return Checkpoints(folder, 2, lambda: mark)


def evaluations(count: int, start: int = 0) -> list[Evaluation]:
    return [Evaluation(n, n / 10, (torch.full((1, 4), float(n)),)) for n in range(start, start + count)]


def asked(found: list[Evaluation]) -> list[int]:
    return [item.asked for item in found]


def test_what_one_process_saved_another_reads_in_order(tmp_path) -> None:
    first = opened(tmp_path)(KEY, 0)
    assert list(first.read()) == []
    first.append(evaluations(2))
    first.append(evaluations(3, 2))
    second = opened(tmp_path)(KEY, 0)
    found = second.read()
    second.append(evaluations(1, 5))

    assert asked(found) == [0, 1, 2, 3, 4]
    assert torch.equal(found[3].estimates[0], torch.full((1, 4), 3.0)) and found[3].sigma == 0.3
    assert asked(opened(tmp_path)(KEY, 0).read()) == [0, 1, 2, 3, 4, 5]


def test_another_call_and_another_version_of_the_code_find_nothing(tmp_path) -> None:
    opened(tmp_path)(KEY, 0).append(evaluations(1))

    assert not opened(tmp_path)(KEY, 1).read() and not opened(tmp_path, "other")(KEY, 0).read()


def test_a_damaged_file_ends_what_is_resumed(tmp_path) -> None:
    place = opened(tmp_path)(KEY, 0)
    place.append(evaluations(2))
    place.append(evaluations(2, 2))
    last = sorted(tmp_path.rglob("*.safetensors"))[-1]
    last.write_bytes(last.read_bytes()[:-3])

    assert asked(opened(tmp_path)(KEY, 0).read()) == [0, 1]


def test_a_run_that_ended_well_leaves_nothing(tmp_path) -> None:
    place = opened(tmp_path)(KEY, 0)
    place.append(evaluations(2))
    place.discard()

    assert not list(tmp_path.rglob("*.safetensors"))


def test_what_nobody_came_back_for_goes(tmp_path) -> None:
    opened(tmp_path)(KEY, 0).append(evaluations(1))
    folder = next(tmp_path.iterdir())
    old = time.time() - checkpoints.KEPT - 60
    os.utime(folder, (old, old))
    opened(tmp_path)

    assert not folder.exists()


def test_a_full_disk_costs_only_the_chance_to_resume(tmp_path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    opened(tmp_path)(KEY, 0).append(evaluations(1))

    assert not list(tmp_path.rglob("*.safetensors")) and "is not saved" in caplog.text
