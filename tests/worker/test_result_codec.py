"""Results survive a round trip bit by bit, and damage is found."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_runtime.cache import Entry
from worker.result_codec import DamagedResult, NotStorable, decode, encode

IMAGE = torch.rand(1, 6, 5, 3)
PLAIN = {
    "image": IMAGE,
    "mask": torch.rand(1, 6, 5),
    "latent": {"samples": torch.randn(1, 4, 8, 8), "noise_mask": torch.ones(1, 1, 8, 8), "batch_index": [3]},
    "conditioning": [[torch.randn(1, 77, 16), {"pooled_output": torch.randn(1, 16), "area": (8, 8, 0, 0)}]],
    "sigmas": torch.linspace(1, 0, 5),
    "half": torch.randn(3).bfloat16(),
    "flags": torch.tensor([True, False]),
    "scalar": torch.tensor(3),
    "empty": torch.zeros(0, 4),
    "view": IMAGE[:, ::2, :, 1],
    "numbers": [1, 1.5, True, None, 10**30, float("inf")],
    "bytes": b"\x00\xff",
    "text": '"checksum":"00000000" ✓',
    "keys": {1: "one", None: "none", "dict": {"tuple": 1}},
}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, dict):
        return type(one) is type(other) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("name", PLAIN)
def test_plain_data_comes_back_as_it_was(name: str) -> None:
    entry = decode(encode(Entry([[PLAIN[name]], []], warnings=("careful",))))

    assert same(entry.outputs, [[PLAIN[name]], []])
    assert entry.warnings == ("careful",)


def test_the_file_is_a_safetensors_file_that_other_tools_open(tmp_path) -> None:
    from safetensors.torch import load_file

    path = tmp_path / "result.safetensors"
    path.write_bytes(encode(Entry([[IMAGE, IMAGE]])))

    tensors = load_file(path)
    assert len(tensors) == 1, "a tensor that appears twice is written once"
    assert torch.equal(next(iter(tensors.values())), IMAGE)


@pytest.mark.parametrize("value", [object(), torch.nn.Linear(1, 1), torch.randn(2, requires_grad=True), {1, 2}, min])
def test_what_is_not_plain_data_is_not_storable(value: Any) -> None:
    with pytest.raises(NotStorable):
        encode(Entry([[[{"deep": value}]]]))


def test_what_shows_something_is_not_storable() -> None:
    with pytest.raises(NotStorable):
        encode(Entry([[1]], ui={"text": ["shown"]}))


@given(st.integers(0, 10_000), st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_one_wrong_bit_anywhere_is_found(place: int, bit: int) -> None:
    data = bytearray(encode(Entry([[torch.arange(64.0), "text", 5]])))
    data[place % len(data)] ^= 1 << bit

    with pytest.raises(DamagedResult):
        decode(bytes(data))


@given(st.integers(0, 2000))
@settings(max_examples=50, deadline=None)
def test_a_file_that_ends_early_is_found(length: int) -> None:
    data = encode(Entry([[torch.arange(64.0)]]))

    with pytest.raises(DamagedResult):
        decode(data[: length % len(data)])
