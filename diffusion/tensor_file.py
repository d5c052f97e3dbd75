"""Safetensors files, checked before they are trusted and mapped instead of read.

Layout of the file: eight bytes little-endian header length, the header (JSON: name → dtype, shape, data_offsets),
then the data. Every claim the header makes is checked against the file before a tensor is handed out, so that a
damaged or hostile file ends in a sentence and not in a crash.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.pickled import PICKLED, read_tensors

LARGEST_HEADER = 32 * 1024 * 1024  # bytes; the largest published models need less than two million
LARGEST_COUNT = 200_000  # tensors

_DTYPES: dict[str, tuple[torch.dtype, int]] = {
    "F64": (torch.float64, 8),
    "F32": (torch.float32, 4),
    "F16": (torch.float16, 2),
    "BF16": (torch.bfloat16, 2),
    "F8_E4M3": (torch.float8_e4m3fn, 1),
    "F8_E5M2": (torch.float8_e5m2, 1),
    "I64": (torch.int64, 8),
    "I32": (torch.int32, 4),
    "I16": (torch.int16, 2),
    "I8": (torch.int8, 1),
    "U8": (torch.uint8, 1),
    "BOOL": (torch.bool, 1),
}


def dtype_name(dtype: torch.dtype) -> str:
    """What files call a dtype.

    Raises:
        ModelFileError: if they have no name for it.
    """
    for name, (known, _) in _DTYPES.items():
        if known is dtype:
            return name
    raise ModelFileError(f"Tensors of {dtype} cannot be written. Known: {', '.join(_DTYPES)}.")


class TensorFile(Mapping[str, Tensor]):
    """The tensors of one file by name; data stays on disk, mapped, until it is touched.

    Args:
        path: a `.safetensors` file.
    Raises:
        ModelFileError: naming file, fault and cure.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.header, self.metadata = read_header(self.path)
        try:
            self._file = safe_open(str(self.path), framework="pt", device="cpu")
        except (SafetensorError, OSError) as error:
            raise ModelFileError(f"'{self.path}' cannot be opened as safetensors: {error}. {_CURE}") from error
        self._open: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.header:
            raise KeyError(name)
        if name not in self._open:
            self._open[name] = self._file.get_tensor(name)
        return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.header)

    def __len__(self) -> int:
        return len(self.header)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, from the header alone."""
        return tuple(self.header[name]["shape"])

    def dtype(self, name: str) -> torch.dtype:
        """The dtype of a tensor, from the header alone."""
        return _DTYPES[self.header[name]["dtype"]][0]


class TensorsInMemory(TensorFile):
    """Tensors that somebody read already, where a file of them is expected.

    Args:
        tensors: by name.
        source: what to call them in messages.
        metadata: what a file would say about itself.
    """

    def __init__(self, tensors: Mapping[str, Tensor], source: str, metadata: Mapping[str, str] | None = None) -> None:
        self.path = Path(source)
        self.metadata = dict(metadata or {})
        self._open = dict(tensors)
        self.header = {name: {"shape": list(tensor.shape)} for name, tensor in self._open.items()}

    def dtype(self, name: str) -> torch.dtype:
        """The dtype of a tensor."""
        return self._open[name].dtype


def open_tensors(path: str | Path) -> TensorFile:
    """Open a file of weights: safetensors, or a pickle file where the process permits them.

    Raises:
        ModelFileError: naming file, fault and cure.
    """
    path = Path(path)
    if path.suffix.lower() in PICKLED:
        return TensorsInMemory(read_tensors(path), str(path))
    return TensorFile(path)


_CURE = "Download or copy the file again"


def read_header(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Read and check the header of a safetensors file.

    Returns:
        Entries by tensor name, and the file's metadata.
    Raises:
        ModelFileError: if anything the header says is not so.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
            if len(head) < 8:
                raise ModelFileError(f"'{path}' is {size} bytes long: too short for a safetensors file. {_CURE}.")
            (length,) = struct.unpack("<Q", head)
            if 8 + length > min(size, LARGEST_HEADER):
                _refuse_other_formats(path, head)
            if length > LARGEST_HEADER:
                raise ModelFileError(
                    f"'{path}' claims a header of {length:,} bytes; at most {LARGEST_HEADER:,} are allowed. "
                    "It is not a safetensors file, or it was made to do harm: do not use it."
                )
            if 8 + length > size:
                raise ModelFileError(
                    f"'{path}' is cut short: its header of {length:,} bytes does not fit into {size:,}. {_CURE}."
                )
            text = file.read(length)
    except OSError as error:
        raise ModelFileError(f"'{path}' cannot be read: {error.strerror or error}.") from error
    try:
        data = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The header of '{path}' is not valid: {error}. {_CURE}.") from error
    if not isinstance(data, dict):
        raise ModelFileError(f"The header of '{path}' is a {type(data).__name__}, not an object. {_CURE}.")
    metadata = data.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ModelFileError(f"The metadata of '{path}' must map names to texts. Save the file again with texts only.")
    _check_entries(path, data, size - 8 - length)
    return data, metadata


_OTHER_FORMATS = {
    b"GGUF": "a GGUF file, whose quantised weights are not read here. Use the safetensors file of the model",
    b"PK\x03\x04": "a pickle file of PyTorch in spite of its name. Convert it to safetensors, or name it .ckpt and "
    "start with --allow-pickle if you trust where it comes from",
    b"\x80\x02": "a pickle file in spite of its name. Convert it to safetensors",
    b"version ": "a pointer that git-lfs leaves in place of a large file. Download the file itself (git lfs pull)",
    b"<!DOCTYP": "a web page in place of the file. Download the file itself, signed in where the page asks for it",
    b"<!doctyp": "a web page in place of the file. Download the file itself, signed in where the page asks for it",
    b"<html": "a web page in place of the file. Download the file itself, signed in where the page asks for it",
}
"""What other files begin with that come by the name of a model."""


def _refuse_other_formats(path: Path, head: bytes) -> None:
    for start, what in _OTHER_FORMATS.items():
        if head.startswith(start):
            raise ModelFileError(f"'{path}' is {what}.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name '{twice}' appears twice")
    return result


def _check_entries(path: Path, entries: dict[str, Any], available: int) -> None:
    if len(entries) > LARGEST_COUNT:
        raise ModelFileError(f"'{path}' lists {len(entries):,} tensors; at most {LARGEST_COUNT:,} are allowed.")
    spans = []
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise ModelFileError(f"'{path}': the entry of tensor '{name}' is not an object. {_CURE}.")
        dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
        if dtype not in _DTYPES:
            raise ModelFileError(f"'{path}': tensor '{name}' has unknown dtype {dtype!r}; known: {', '.join(_DTYPES)}.")
        if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
            raise ModelFileError(f"'{path}': tensor '{name}' has no usable shape or data_offsets. {_CURE}.")
        start, end = offsets
        needed = math.prod(shape) * _DTYPES[dtype][1]
        if end - start != needed:
            raise ModelFileError(
                f"'{path}': tensor '{name}' of shape {shape} needs {needed:,} bytes, its span has {end - start:,}. "
                f"{_CURE}."
            )
        if end > available:
            raise ModelFileError(
                f"'{path}' is cut short: tensor '{name}' ends at byte {end:,} of the data, the file has {available:,}. "
                f"{_CURE}."
            )
        spans.append((start, end, name))
    spans.sort()
    position = 0
    for start, end, name in spans:
        if start != position:
            raise ModelFileError(f"'{path}': data of tensor '{name}' overlaps another or leaves a hole. {_CURE}.")
        position = end


def _are_counts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in values)


__all__ = [
    "LARGEST_COUNT",
    "LARGEST_HEADER",
    "TensorFile",
    "TensorsInMemory",
    "dtype_name",
    "open_tensors",
    "read_header",
]
