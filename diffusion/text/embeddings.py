"""Textual-inversion embeddings: learned vectors that stand for words. Source: Gal et al. 2022, arXiv:2208.01618."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from diffusion.network import check_finite
from diffusion.pickled import read_pickled
from diffusion.tensor_file import TensorFile

SUFFIXES = ("", ".safetensors", ".pt", ".bin")


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Folders that are searched for embeddings, subfolders included."""

    folders: tuple[Path, ...] = ()

    def find(self, name: str, width: int, tower: str) -> Tensor | None:
        """The vectors of an embedding.

        Args:
            name: with or without suffix.
            width: an embedding of another width is not used.
            tower: picks the part meant for this encoder where a file has several.
        Returns:
            float32 [vectors, width], or None.
        Raises:
            ModelFileError: if the file is damaged, or its vectors are no numbers.
        """
        path = self._path(name)
        if path is None:
            return None
        found = _vectors(path, tower if tower.startswith("t5") else f"clip_{tower}")
        if found is None or found.ndim == 0 or found.shape[-1] != width:
            return None
        check_finite({name: found}, str(path))
        return found.float().reshape(-1, width)

    def _path(self, name: str) -> Path | None:
        for folder in self.folders:
            root = folder.resolve()
            places = [root, *sorted(p for p in root.rglob("*") if p.is_dir())] if root.is_dir() else []
            for place in places:
                for suffix in SUFFIXES:
                    path = (place / (name + suffix)).resolve()
                    if path.is_file() and path.is_relative_to(root):
                        return path
        return None


def _vectors(path: Path, part: str) -> Tensor | None:
    data: Mapping[str, Any]
    if path.suffix == ".safetensors":
        data = TensorFile(path)
    else:
        data = read_pickled(path)
    if isinstance(data, Mapping) and "string_to_param" in data:
        data = data["string_to_param"]
    if isinstance(data, Mapping):
        if part in data:
            return data[part]
        tensors = [value for value in (data[key] for key in data) if isinstance(value, Tensor)]
        return tensors[0] if tensors else None
    return data if isinstance(data, Tensor) else None


__all__ = ["SUFFIXES", "Embeddings"]
