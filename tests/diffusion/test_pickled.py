"""Pickle files are opened only where the process permits it, and only for their weights."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from diffusion.errors import ModelFileError
from diffusion.pickle_permission import permit
from diffusion.tensor_file import open_tensors


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture
def _permitted() -> Iterator[None]:
    permit(True)
    yield
    permit(False)


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".bin", ".CKPT"])
def test_a_pickle_file_is_not_opened_and_the_way_to_open_it_is_named(tmp_path: Path, suffix: str) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / f"model{suffix}")

    with pytest.raises(ModelFileError, match="--allow-pickle"):
        open_tensors(tmp_path / f"model{suffix}")


@pytest.mark.usefixtures("_permitted")
@pytest.mark.parametrize("new_format", [True, False])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "params_ema"])
def test_weights_are_taken_out_of_a_permitted_file(tmp_path: Path, wrapper: str | None, new_format: bool) -> None:
    weights = {"first.weight": torch.arange(6.0).reshape(2, 3), "step": 5}
    torch.save(
        {wrapper: weights, "epoch": 3} if wrapper else weights,
        tmp_path / "model.ckpt",
        _use_new_zipfile_serialization=new_format,
    )
    file = open_tensors(tmp_path / "model.ckpt")

    assert list(file) == ["first.weight"] and file.shape("first.weight") == (2, 3)
    assert torch.equal(file["first.weight"], torch.arange(6.0).reshape(2, 3))
    assert file.dtype("first.weight") == torch.float32


@pytest.mark.usefixtures("_permitted")
@pytest.mark.parametrize("plain", [True, False])
def test_a_program_in_a_permitted_file_is_not_run(tmp_path: Path, plain: bool) -> None:
    marker, path = tmp_path / "pwned", tmp_path / "model.ckpt"
    hostile = {"state_dict": {"a": torch.zeros(2)}, "callbacks": Bomb(marker)}
    if plain:
        path.write_bytes(pickle.dumps({"callbacks": Bomb(marker)}))
    else:
        torch.save(hostile, path)

    with pytest.raises(ModelFileError, match="weights alone"):
        open_tensors(path)
    assert not marker.exists()


@pytest.mark.usefixtures("_permitted")
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"\x80\x04.", b"\x80\x04}.", b"no pickle at all"])
def test_what_holds_no_weights_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pt").write_bytes(content)

    with pytest.raises(ModelFileError, match=r"model\.pt"):
        open_tensors(tmp_path / "model.pt")
