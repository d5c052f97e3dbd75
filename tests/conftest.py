"""Fixtures for every test: a data folder of its own, and offline model libraries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # a busy machine is no fault of what is tested


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty DATA folder; the programs under test make their own subfolders in it."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder
