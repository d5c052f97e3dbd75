"""Prompts in chunks."""

from __future__ import annotations

import torch

from diffusion.text.chunks import ChunkRules, empty_chunk, tokenize

RULES = ChunkRules(length=77, start=1, end=2, pad=2)


def letters(text: str) -> list[int]:
    """One token a letter."""
    return [ord(letter) for letter in text]


def ids(chunk: list) -> list[int]:  # type: ignore[type-arg]
    return [token.token for token in chunk]


def test_a_short_prompt_is_one_padded_chunk() -> None:
    (chunk,) = tokenize("ab", letters, RULES)

    assert ids(chunk) == [1, 97, 98] + [2] * 74


def test_a_long_segment_is_torn_at_the_end_of_a_chunk() -> None:
    first, second = tokenize("a" * 80, letters, RULES)

    assert ids(first) == [1] + [97] * 75 + [2]
    assert ids(second)[:7] == [1] + [97] * 5 + [2]


def test_a_short_group_moves_to_the_next_chunk_whole() -> None:
    first, second = tokenize("a" * 72 + "(bcdef)", letters, RULES)

    assert ids(first) == [1] + [97] * 72 + [2] * 4
    assert ids(second)[1:6] == letters("bcdef")
    assert second[1].weight == 1.1


def test_an_embedding_takes_one_position_a_vector() -> None:
    vectors = torch.ones(3, 8)
    (chunk,) = tokenize("x embedding:star, y", letters, RULES, lambda name: vectors if name == "star" else None)

    assert ids(chunk)[1] == ord("x")
    assert all(isinstance(token.token, torch.Tensor) for token in chunk[2:5])
    assert ids(chunk)[5:8] == letters(", y")


def test_an_unknown_embedding_is_left_out_with_a_warning(caplog) -> None:  # type: ignore[no-untyped-def]
    (chunk,) = tokenize("embedding:nothing", letters, RULES, lambda name: None)

    assert ids(chunk) == [1] + [2] * 76
    assert "'nothing' was not found" in caplog.text


def test_encoders_without_a_fixed_length_get_one_chunk() -> None:
    rules = ChunkRules(length=None, start=None, end=1, pad=0, shortest=10)
    (short,) = tokenize("ab", letters, rules)
    (long,) = tokenize("a" * 100, letters, rules)

    assert ids(short) == [97, 98, 1] + [0] * 7
    assert len(long) == 101


def test_an_empty_chunk_has_start_end_and_padding() -> None:
    assert ids(empty_chunk(RULES, 77)) == [1, 2] + [2] * 75


def test_padding_follows_a_prompt_of_any_length() -> None:
    rules = ChunkRules(None, None, 1, 0, shortest=6, padding=2)

    assert [ids(chunk) for chunk in tokenize("a", letters, rules)] == [[97, 1, 0, 0, 0, 0]]
    assert [ids(chunk) for chunk in tokenize("a" * 6, letters, rules)] == [[97] * 6 + [1, 0, 0]]
