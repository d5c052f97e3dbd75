"""A tiny diffusion model with random weights, loaded by the node that loads checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph_runtime.files import Files
from graph_runtime.folders import Folders
from graph_runtime.testing import run_node


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Folders with `tiny.safetensors` among the checkpoints."""
    from diffusion.testing import tiny_checkpoint

    data_dir: Path = tmp_path_factory.mktemp("tiny")
    folders = Folders(data_dir)
    folders.create()
    tiny_checkpoint(folders.model_dirs("checkpoints")[0] / "tiny.safetensors")
    return Files(folders)


@pytest.fixture(scope="session")
def tiny(tiny_files):
    """The tiny model with its text encoder and autoencoder."""
    import torch

    from nodes.loaders import checkpoint_loader_simple

    torch.set_num_threads(1)  # networks this small only wait for each other's threads
    return run_node(checkpoint_loader_simple, files=tiny_files, ckpt_name="tiny.safetensors")
