"""Every proof that the guarantees name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\btest_\w+\b(?!\.py)", TEXT))))
def test_a_test_that_is_named_exists(name: str) -> None:
    assert name in TESTS


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\b(?:tests|server|graph_runtime|benchmarks)/[\w/.]+\w", TEXT)))
)
def test_a_file_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()
