"""Results as bytes: one safetensors file a result, with the shape of everything around the tensors in its header.

Only plain data is written: tensors, numbers, texts, bytes, lists, tuples and dictionaries of them. A result that holds
anything else (a model, a sampler, a hook) is not storable, and neither is read back what this module did not write:
nothing here can run code.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from collections.abc import Mapping
from typing import Any

import safetensors
from safetensors import SafetensorError

from graph_runtime.cache import Entry

__all__ = ["DamagedResult", "NotStorable", "decode", "encode"]

_FORMAT = "heddle-result-1"
_MOST_ITEMS = 200_000
_LENGTH = 8
_UNSEALED = b'"checksum":"00000000"'


class NotStorable(Exception):
    """A result holds something that is not plain data."""


class DamagedResult(Exception):
    """Bytes that are no result, or not the whole of one."""


def encode(entry: Entry) -> bytes:
    """Write a result.

    Raises:
        NotStorable: naming the type that is not plain data.
    """
    if entry.ui is not None:
        raise NotStorable("what a node shows")
    tensors: dict[str, Any] = {}
    structure = json.dumps(
        {"outputs": _Writer(tensors).written(entry.outputs), "warnings": list(entry.warnings)}, separators=(",", ":")
    )
    try:
        blob = _saved(tensors, {"format": _FORMAT, "checksum": "00000000", "structure": structure})
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise NotStorable(str(error)) from error
    return blob.replace(_UNSEALED, b'"checksum":"%08x"' % zlib.crc32(blob), 1)


def decode(data: bytes) -> Entry:
    """Read a result that `encode` wrote.

    Raises:
        DamagedResult: if a byte is missing or wrong.
    """
    header = data[: _LENGTH + int.from_bytes(data[:_LENGTH], "little")]
    try:
        metadata = json.loads(header[_LENGTH:])["__metadata__"]
        sealed = metadata["checksum"].encode()
        unsealed = header.replace(b'"checksum":"%s"' % sealed, _UNSEALED, 1)
        if zlib.crc32(memoryview(data)[len(header) :], zlib.crc32(unsealed)) != int(sealed, 16):
            raise DamagedResult("its checksum is wrong")
        if metadata["format"] != _FORMAT:
            raise DamagedResult(f"its format is {metadata['format']!r}")
        content = json.loads(metadata["structure"])
        outputs = _read(content["outputs"], _loaded(data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedResult(f"{type(error).__name__}: {error}") from error
    return Entry(outputs, warnings=tuple(content["warnings"]), durable=True)


def _saved(tensors: Mapping[str, Any], metadata: dict[str, str]) -> bytes:
    """A safetensors file; without tensors it is made without torch, which not every process has loaded."""
    if not tensors:
        return bytes(safetensors.serialize({}, metadata=metadata))
    from safetensors.torch import save

    return save(dict(tensors), metadata=metadata)


def _loaded(data: bytes) -> Mapping[str, Any]:
    if not safetensors.deserialize(data):
        return {}
    from safetensors.torch import load

    return load(data)


class _Writer:
    """Turns values into JSON, and puts tensors aside; one that appears twice is written once."""

    def __init__(self, tensors: dict[str, Any]) -> None:
        self._tensors = tensors
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []
        self._left = _MOST_ITEMS

    def written(self, value: Any) -> Any:
        kind = type(value)
        self._left -= 1
        if self._left < 0:
            raise NotStorable(f"more than {_MOST_ITEMS} items")
        if value is None or kind is bool or kind is int or kind is float or kind is str:
            return value
        if kind is list:
            return [self.written(item) for item in value]
        if kind is tuple:
            return {"tuple": [self.written(item) for item in value]}
        if kind is dict:
            return {"dict": [[self.written(key), self.written(item)] for key, item in value.items()]}
        if kind is bytes:
            return {"bytes": base64.b64encode(value).decode()}
        return self._tensor(value)

    def _tensor(self, value: Any) -> Any:
        torch = sys.modules.get("torch")
        if torch is None or type(value) is not torch.Tensor or value.requires_grad or value.layout is not torch.strided:
            raise NotStorable(f"{type(value).__module__}.{type(value).__qualname__}")
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = str(len(self._names))
            self._kept.append(value)  # its identity stays its own as long as this writer lives
            copy = value.to("cpu").contiguous()
            shared = copy.untyped_storage().nbytes() != copy.nbytes
            self._tensors[name] = copy.clone() if shared or copy.data_ptr() == value.data_ptr() else copy
        return {"tensor": name, "device": value.device.type}


def _read(value: Any, tensors: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_read(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(_read(item, tensors) for item in value["tuple"])
    if "dict" in value:
        return {_read(key, tensors): _read(item, tensors) for key, item in value["dict"]}
    if "bytes" in value:
        return base64.b64decode(value["bytes"])
    tensor = tensors[value["tensor"]]
    return tensor if value["device"] == "cpu" else tensor.to(value["device"])
