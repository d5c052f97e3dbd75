"""Tiny models for the tests of diffusion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.testing import tiny_checkpoint
from diffusion.text.towers import T5Tower
from tests.diffusion import tiny_videos


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Checkpoint:
    return load_checkpoint(tiny_path, device="cpu")


class Letters:
    """A vocabulary of letters."""

    def __call__(self, text: str) -> list[int]:
        return [2 + ord(letter) % 90 for letter in text]


@pytest.fixture
def tiny_t5() -> T5Tower:
    from transformers import T5Config, T5EncoderModel

    from diffusion.assembly.texts import t5_tower
    from diffusion.tensor_file import TensorsInMemory

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = T5EncoderModel(
            T5Config(
                vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4,
                feed_forward_proj="gated-gelu", dropout_rate=0.0,
            )
        )  # fmt: skip
    file = TensorsInMemory({name: tensor.half() for name, tensor in module.state_dict().items()}, "tiny T5")
    return replace(t5_tower(file, "", torch.device("cpu"), ()), find_tokenizer=lambda: Letters())


@pytest.fixture(scope="session")
def svd_unet() -> Any:
    return tiny_videos.unet()


@pytest.fixture(scope="session")
def svd_autoencoder() -> Any:
    return tiny_videos.autoencoder()


@pytest.fixture(scope="session")
def svd_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("svd") / "svd.safetensors"
    save_file(tiny_videos.svd_tensors(), path)
    return path


@pytest.fixture(scope="session")
def svd(svd_path: Path) -> Checkpoint:
    return load_checkpoint(svd_path, device="cpu")
