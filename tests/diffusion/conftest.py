"""Tiny models for the tests of diffusion."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.testing import tiny_checkpoint


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Checkpoint:
    return load_checkpoint(tiny_path, device="cpu")
