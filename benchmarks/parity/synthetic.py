"""Synthetic checkpoints in true key layouts, bit-identical on every machine.

A keys file maps tensor names to `[shape, dtype, init, scale]`. Values come from PCG64's raw bit stream (seeded by
SHA-256 of salt and name), sixteen bits at a time through a table of the inverse normal distribution, so no floating
point generator is involved. An init may name a structure (`normal+pm_in:1.0`) that makes a random network behave like
a denoiser: its output then correlates with the noise in its input, and sampling ends at latents of ordinary size.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import statistics
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

WIDTHS = {"F16": 2, "BF16": 2, "F32": 4, "I64": 8}
CHUNK = 1 << 22  # values drawn at a time


@cache
def quantiles() -> np.ndarray:
    """Inverse normal distribution at the 65536 midpoints, symmetric to the last bit."""
    upper = np.array([round(statistics.NormalDist().inv_cdf((i + 0.5) / 65536.0), 9) for i in range(32768, 65536)])
    return np.concatenate([-upper[::-1], upper]).astype(np.float32)


def normal(name: str, salt: str, count: int) -> np.ndarray:
    """Standard normal values of one tensor."""
    seed = int.from_bytes(hashlib.sha256(f"{salt}/{name}".encode()).digest()[:16], "little")
    bits = np.random.PCG64(seed)
    result = np.empty(count, dtype=np.float32)
    for start in range(0, count, CHUNK):
        end = min(count, start + CHUNK)
        raw = np.asarray(bits.random_raw((end - start + 3) // 4), dtype="<u8").view("<u2")[: end - start]
        np.take(quantiles(), raw, out=result[start:end])
    return result


def values(name: str, shape: list[int], init: str, scale: float, salt: str) -> np.ndarray:
    """One tensor, float32."""
    kind, _, structure = init.partition("+")
    count = math.prod(shape)
    if kind in ("empty", "zeros"):
        return np.zeros(shape, dtype=np.float32)
    if kind == "const":
        return np.full(shape, scale, dtype=np.float32)
    if kind == "arange":
        return np.arange(count, dtype=np.float32).reshape(shape)
    if kind not in ("normal", "ones"):
        raise ValueError(f"unknown init {init!r} of {name}")
    weight = normal(name, salt, count)
    weight *= np.float32(scale)
    if kind == "ones":
        weight += np.float32(1.0)
    weight = weight.reshape(shape)
    if structure:
        _add_structure(weight, structure)
    return weight


def _add_structure(weight: np.ndarray, structure: str) -> None:
    tag, _, text = structure.partition(":")
    gain = float(text)
    rows, columns = weight.shape[:2]
    if tag == "pm_in":
        for row in range(rows):
            weight[row, (row // 2) % min(columns, 4), 1, 1] += np.float32(gain if row % 2 == 0 else -gain)
    elif tag == "skip_eye":
        for row in range(rows):
            weight[row, columns - rows + row, 0, 0] += np.float32(gain)
    elif tag == "pm_out":
        pairs = columns // 2
        share = np.float32(gain / (pairs / rows))
        for pair in range(pairs):
            weight[pair % rows, 2 * pair, 1, 1] += share
            weight[pair % rows, 2 * pair + 1, 1, 1] -= share
    else:
        raise ValueError(f"unknown structure {structure!r}")


def encoded(array: np.ndarray, dtype: str) -> bytes:
    """The bytes of a tensor in a file's dtype; bfloat16 rounds to nearest even."""
    array = np.ascontiguousarray(array)
    if dtype == "BF16":
        bits = array.astype("<f4").view("<u4")
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    return array.astype({"F16": "<f2", "F32": "<f4", "I64": "<i8"}[dtype]).tobytes()


def read_keys(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A keys file with what it is based on: (meta, entries)."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    meta = entries.pop("__meta__", {})
    if meta.get("base"):
        base_meta, base = read_keys(path.parent / meta["base"])
        for name in meta.get("drop", []):
            base.pop(name, None)
        return {**base_meta, **meta}, {**base, **entries}
    return meta, entries


def write_checkpoint(keys: Path, target: Path) -> None:
    """Write the file that a keys file describes, one tensor at a time."""
    meta, entries = read_keys(keys)
    header: dict[str, Any] = {
        "__metadata__": {str(k): str(v) for k, v in meta.get("metadata", {"synthetic": "1"}).items()}
    }
    position = 0
    for name in sorted(entries):
        shape, dtype = entries[name][:2]
        size = WIDTHS[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    with partial.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(entries):
            shape, dtype, init, scale = entries[name]
            file.write(encoded(values(name, shape, init, scale, meta.get("salt", "")), dtype))
    os.replace(partial, target)


def ensure_model(keys: Path, models: Path, target: str) -> Path:
    """The model file a manifest names, written if it is not there."""
    manifest = json.loads((keys / "manifest.json").read_text(encoding="utf-8"))["files"]
    for name, place in manifest.items():
        if place == target:
            path = models / place
            if not path.exists():
                print(f"writing {path} …", flush=True)
                write_checkpoint(keys / f"{name}.json", path)
            return path
    raise KeyError(f"'{target}' is not in {keys / 'manifest.json'}")
