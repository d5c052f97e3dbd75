"""Damaged and hostile files end in a sentence."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from diffusion.errors import ModelFileError
from diffusion.tensor_file import TensorFile


def write(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_a_good_file_gives_its_tensors_and_metadata(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.bfloat16)}
    save_file(tensors, tmp_path / "good.safetensors", {"made": "here"})
    file = TensorFile(tmp_path / "good.safetensors")

    assert set(file) == {"a", "b"}
    assert torch.equal(file["a"], tensors["a"])
    assert file.shape("a") == (2, 3)
    assert file.dtype("b") == torch.bfloat16
    assert file.metadata["made"] == "here"


@pytest.mark.parametrize(
    ("header", "data", "length", "message"),
    [
        (b"", b"", 2**62, "claims a header of 4,611,686,018,427,387,904 bytes"),
        (b"{}", b"", 1000, "is cut short: its header of 1,000 bytes"),
        (b"not json", b"", None, "is not valid"),
        (b"[" * 100_000, b"", None, "is not valid"),
        ([], b"", None, "is a list, not an object"),
        (b'{"a": 1, "a": 2}', b"", None, "'a' appears twice"),
        ({"__metadata__": {"a": 1}}, b"", None, "must map names to texts"),
        ({"a": 3}, b"", None, "not an object"),
        ({"a": entry([1], 0, 4, "F99")}, b"1234", None, "unknown dtype 'F99'"),
        ({"a": entry([-1], 0, 4)}, b"1234", None, "no usable shape"),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, b"1234", None, "no usable shape"),
        ({"a": entry([2], 0, 4)}, b"1234", None, "needs 8 bytes, its span has 4"),
        ({"a": entry([4], 0, 16)}, b"1234", None, "is cut short: tensor 'a' ends at byte 16"),
        ({"a": entry([1], 0, 4), "b": entry([1], 2, 6)}, b"123456", None, "overlaps"),
        ({"a": entry([1], 4, 8)}, b"12345678", None, "leaves a hole"),
    ],
)
def test_a_hostile_header_is_refused(
    tmp_path: Path, header: Any, data: bytes, length: int | None, message: str
) -> None:
    path = write(tmp_path / "bad.safetensors", header, data, length)

    with pytest.raises(ModelFileError, match=message) as caught:
        TensorFile(path)
    assert "bad.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("head", "message"),
    [(b"GGUF\x03\0\0\0", "GGUF"), (b"PK\x03\x04\x14\0\0\0", "pickle file of PyTorch"), (b"\x80\x02}q\0X\0\0", "pickle"),
     (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"), (b"<!DOCTYPE html><html>", "web page")],
)  # fmt: skip
def test_other_files_by_the_name_of_a_model_are_called_what_they_are(tmp_path: Path, head: bytes, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(head.ljust(64, b"\0"))

    with pytest.raises(ModelFileError, match=message):
        TensorFile(path)


def test_a_missing_and_a_tiny_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        TensorFile(tmp_path / "none.safetensors")
    (tmp_path / "tiny.safetensors").write_bytes(b"abc")
    with pytest.raises(ModelFileError, match="3 bytes long"):
        TensorFile(tmp_path / "tiny.safetensors")


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 200), flips=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4))
def test_random_damage_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    save_file({"a": torch.arange(8.0)}, folder / "x.safetensors")
    blob = bytearray((folder / "x.safetensors").read_bytes())
    for position, value in flips:
        blob[position % len(blob)] = value
    (folder / "x.safetensors").write_bytes(bytes(blob[: max(0, len(blob) - cut)]))

    try:
        file = TensorFile(folder / "x.safetensors")
        shapes = {name: file[name].shape for name in file}
    except ModelFileError:
        return
    assert all(isinstance(shape, torch.Size) for shape in shapes.values())


def test_tensors_in_memory_load_as_their_file_would(tiny_path: Path) -> None:
    from diffusion.loading import load_checkpoint
    from diffusion.tensor_file import TensorsInMemory

    file = TensorFile(tiny_path)
    loaded = load_checkpoint(TensorsInMemory(dict(file), "a pack's tensors", file.metadata))

    again = load_checkpoint(tiny_path)
    assert loaded.model.network.weights.keys() == again.model.network.weights.keys()
    assert loaded.vae is not None and loaded.clip is not None
