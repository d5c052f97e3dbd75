"""A tiny diffusion model with random weights, in the original single-file layout."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`models/checkpoints/tiny.safetensors`, written once a session."""
    import torch

    from diffusion.testing import tiny_checkpoint

    torch.set_num_threads(1)  # networks this small only wait for each other's threads
    folder = tmp_path_factory.mktemp("models") / "checkpoints"
    folder.mkdir()
    return tiny_checkpoint(folder / "tiny.safetensors")
