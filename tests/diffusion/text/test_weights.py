"""How prompts are weighted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion.text.weights import Segment, parse_weights


@pytest.mark.parametrize(
    ("prompt", "segments"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("((a))", [("a", 1.21)]),
        ("(a (b:2) c:0.5)", [("a ", 0.5), ("b", 2.0), (" c", 0.5)]),
        ("(:1.5)", [(":1.5", 1.1)]),
        ("(a:1.2:1.3)", [("a:1.2", 1.3)]),
        ("(a:1.5) ((b):2)", [("a", 1.5), (" ", 1.0), ("b", 2.2)]),
        (r"\(literal\) (b)", [("(literal) ", 1.0), ("b", 1.1)]),
        ("[a] {b}", [("[a] {b}", 1.0)]),
        ("(a:-1)", [("a", -1.0)]),
        ("", []),
    ],
)
def test_a_prompt_splits_into_weighted_segments(prompt: str, segments: list[tuple[str, float]]) -> None:
    found = parse_weights(prompt)

    assert [segment.text for segment in found] == [text for text, _ in segments]
    assert [segment.weight for segment in found] == pytest.approx([weight for _, weight in segments])


@pytest.mark.parametrize("prompt", ["a) b", "(a", "a (b", ")("])
def test_unbalanced_parentheses_are_kept_literally(prompt: str) -> None:
    assert "".join(segment.text for segment in parse_weights(prompt)) == prompt


def test_depth_is_no_limit() -> None:
    assert parse_weights("(" * 5000 + "a" + ")" * 5000)[0].text == "a"


@given(st.text(alphabet="ab (:)\\1.", max_size=40))
def test_any_text_is_parsed(prompt: str) -> None:
    assert all(isinstance(segment, Segment) and segment.text for segment in parse_weights(prompt))
