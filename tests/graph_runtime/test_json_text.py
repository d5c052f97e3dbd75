"""JSON that every reader accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graph_runtime.json_text import json_text


@pytest.mark.parametrize("spaced", [False, True])
def test_numbers_that_json_does_not_have_become_null(spaced: bool) -> None:
    value = {"a": [float("nan"), 1.5], "b": (float("inf"),), "c": {"d": -float("inf")}}

    assert json.loads(json_text(value, spaced=spaced)) == {"a": [None, 1.5], "b": [None], "c": {"d": None}}


def test_what_json_does_not_know_becomes_a_text() -> None:
    assert json_text({"path": Path("a/b")}) == '{"path":"a/b"}'


def test_everything_is_ascii_and_may_have_spaces() -> None:
    assert json_text({"é": [1, 2]}, spaced=True) == '{"\\u00e9": [1, 2]}'
