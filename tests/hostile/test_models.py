"""Model files as weapons: headers that lie, pickles that run, names that reach into classes."""

from __future__ import annotations

import json
import os
import pickle
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


def file_of(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape: list[Any], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HOSTILE = {
    "empty": b"",
    "short": b"\x01\x02",
    "claims 16 EiB of header": file_of(b"{}", length=2**64 - 1),
    "claims 90 MB of header": file_of(b"{}" + b" " * 90_000_000),
    "cut in the header": file_of({"a": entry([2], 0, 8)}, length=5000),
    "cut in the data": file_of({"a": entry([1000], 0, 4000)}, b"\0" * 100),
    "overlapping": file_of({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, b"\0" * 12),
    "a hole": file_of({"a": entry([2], 0, 8), "b": entry([2], 16, 24)}, b"\0" * 24),
    "backwards": file_of({"a": entry([2], 8, 0)}, b"\0" * 8),
    "negative": file_of({"a": entry([-2], 0, 8)}, b"\0" * 8),
    "huge shape": file_of({"a": entry([2**40, 2**40], 0, 8)}, b"\0" * 8),
    "shape that overflows": file_of({"a": entry([2**32, 2**32], 0, 0)}),
    "unknown dtype": file_of({"a": entry([2], 0, 8, "EVIL")}, b"\0" * 8),
    "twice": file_of(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}', b"\0" * 4),
    "deep": file_of(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a list": file_of([1, 2]),
    "not JSON": file_of(b"\xff\xfe"),
    "half a million tensors": file_of({f"t{n}": entry([0], 0, 0) for n in range(300_000)}),
    "metadata of numbers": file_of({"__metadata__": {"a": 1}}),
    "class names": file_of(
        {
            name: entry([1], 4 * n, 4 * n + 4)
            for n, name in enumerate(
                [
                    "model.diffusion_model.__class__.__init__.__globals__.os",
                    "model.diffusion_model.input_blocks.__class__.__name__",
                    "__init__.__globals__.__builtins__.print",
                    "first_stage_model.__dict__.x",
                    "model.diffusion_model.input_blocks.0.0.weight.__setattr__",
                    "",
                    ".",
                    "a..b",
                ]
            )
        },
        b"\0" * 32,
    ),
}


def load(server: Any, name: str) -> dict[str, Any]:
    """Run a checkpoint of this name; returns its history entry."""
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    entry: dict[str, Any] = server.history(server.run(graph))
    return entry


def failure(entry: dict[str, Any]) -> str:
    """Why a run failed."""
    assert entry["status"]["status_str"] == "error"
    found = [data for kind, data in entry["status"]["messages"] if kind == "execution_error"]
    return str(found[0]["exception_message"])


@pytest.fixture(scope="module")
def models(victim: Any) -> Path:
    """The folder of checkpoints, with every hostile file in it."""
    folder: Path = victim.data_dir / "models" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in HOSTILE.items():
        (folder / f"{name}.safetensors").write_bytes(data)
    return folder


@pytest.mark.parametrize("name", HOSTILE)
def test_a_header_that_lies_ends_in_a_sentence_and_not_in_the_worker(victim: Any, models: Path, name: str) -> None:
    workers = {child.pid for child in psutil.Process(victim.process.pid).children()}
    said = failure(load(victim, f"{name}.safetensors"))
    shown = victim.get(f"/view_metadata/checkpoints?filename={name.replace(' ', '%20')}.safetensors")

    assert f"{name}.safetensors" in said
    assert {child.pid for child in psutil.Process(victim.process.pid).children()} == workers
    assert shown.status in (200, 404)


def test_a_pickle_is_refused_whatever_it_is_called(victim: Any, models: Path, tmp_path: Path) -> None:
    marker = tmp_path / "pwned"
    for name in ("evil.ckpt", "evil.pt", "evil.safetensors", "evil.bin"):
        (models / name).write_bytes(pickle.dumps({"state_dict": Bomb(marker)}))
    said = {name: failure(load(victim, name)) for name in ("evil.ckpt", "evil.pt", "evil.safetensors", "evil.bin")}

    assert not marker.exists()
    assert all("--allow-pickle" in said[name] for name in ("evil.ckpt", "evil.pt", "evil.bin")), said
    assert "safetensors" in said["evil.safetensors"]


def test_where_pickles_are_permitted_their_programs_are_not(attack: Callable[..., Any], tmp_path: Path) -> None:
    server, marker = attack("--allow-pickle"), tmp_path / "pwned"
    folder = server.data_dir / "models" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evil.ckpt").write_bytes(pickle.dumps({"state_dict": Bomb(marker)}))
    server.wait()
    said = failure(load(server, "evil.ckpt"))

    assert "weights alone" in said
    assert not marker.exists()


def test_names_that_reach_into_classes_change_nothing_for_the_next_job(victim: Any, models: Path) -> None:
    load(victim, "class names.safetensors")
    start = time.monotonic()
    entry = load(victim, "heddle-shapes-128.safetensors")

    assert entry["status"]["status_str"] == "success"
    assert time.monotonic() - start < 30
