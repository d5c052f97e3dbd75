"""How CLIP's tokenizer cuts texts that are not plain English."""

from __future__ import annotations

import pytest

from diffusion.text.vocabulary import ClipTokenizer, byte_characters, cleaned


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a \u7ea2\u8272 fox", "a \u7ea2 \u8272 fox"),
        ("\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8", "\u65e5 \u672c \u8a9e \u306e\u30c6\u30b9\u30c8"),
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffone\x07 two\x00", "one two"),
        ("tab\there\u00a0and\r\nthere", "tab here and there"),
        ("CAFE\u0301", "caf\u00e9"),
        ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"),
    ],
)
def test_ideographs_are_words_and_invisible_characters_are_nothing(text: str, read: str) -> None:
    assert cleaned(text) == read


def test_every_ideograph_ends_a_word_of_its_own() -> None:
    letters = byte_characters()
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = ClipTokenizer({word: index for index, word in enumerate(words)}, [])

    ends = [tokenizer.words[token] for token in tokenizer("\u7ea2\u8272") if tokenizer.words[token].endswith("</w>")]

    assert len(ends) == 2
    assert tokenizer("\u7ea2\u8272") == tokenizer("\u7ea2 \u8272") == tokenizer("\u200b\u7ea2\u8272")
