"""Textual-inversion embeddings out of files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.errors import ModelFileError
from diffusion.text.embeddings import Embeddings

VECTORS = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))


def written(folder: Path, name: str, tensors: dict[str, Tensor]) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / name)
    return folder


@pytest.mark.parametrize("name", ["style", "style.safetensors", "below/style"])
def test_an_embedding_is_found_with_or_without_its_suffix_and_below_its_folder(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, "below/style.safetensors", {"emb_params": VECTORS})

    found = Embeddings((folder,)).find(name, 8, "l")

    assert found is not None and torch.equal(found, VECTORS)


def test_each_encoder_takes_the_part_that_is_meant_for_it(tmp_path: Path) -> None:
    parts = {"clip_l": VECTORS, "clip_g": torch.ones(1, 12), "t5xxl": torch.zeros(1, 12)}
    folder = written(tmp_path, "xl.safetensors", parts)

    first, second, third = (
        Embeddings((folder,)).find("xl", width, name) for width, name in ((8, "l"), (12, "g"), (12, "t5xxl"))
    )

    assert first is not None and torch.equal(first, VECTORS)
    assert second is not None and torch.equal(second, torch.ones(1, 12))
    assert third is not None and torch.equal(third, torch.zeros(1, 12))


@pytest.mark.parametrize("odd", [torch.ones(1, 9), torch.ones(()), torch.ones(0)])
def test_vectors_of_another_width_are_not_used(tmp_path: Path, odd: Tensor) -> None:
    assert Embeddings((written(tmp_path, "odd.safetensors", {"x": odd}),)).find("odd", 8, "l") is None


def test_vectors_that_are_no_numbers_are_refused_by_name(tmp_path: Path) -> None:
    folder = written(tmp_path, "broken.safetensors", {"x": VECTORS / 0.0})

    with pytest.raises(ModelFileError, match=r"broken.safetensors' has NaN or infinite values"):
        Embeddings((folder,)).find("broken", 8, "l")


def test_a_name_cannot_leave_the_folders(tmp_path: Path) -> None:
    folder = written(tmp_path / "inside", "a.safetensors", {"x": VECTORS})
    written(tmp_path, "secret.safetensors", {"x": VECTORS})

    assert Embeddings((folder,)).find("../secret", 8, "l") is None
    assert Embeddings((tmp_path / "absent",)).find("a", 8, "l") is None
