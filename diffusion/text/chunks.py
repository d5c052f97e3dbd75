"""Tokens in chunks of the length a text encoder reads."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from diffusion.text.vocabulary import Tokenizer
from diffusion.text.weights import parse_weights

log = logging.getLogger(__name__)

LONG_GROUP = 8  # tokens; shorter groups are not torn apart at the end of a chunk
MARK = "embedding:"

FindEmbedding = Callable[[str], Tensor | None]  # name → [vectors, width]


class Token(NamedTuple):
    """One position: a token id, or a vector that stands in for one; and its weight.

    Attributes:
        word: which stretch of the prompt it comes from, counted from 1; 0 for what the encoder adds by itself.
    """

    token: int | Tensor
    weight: float
    word: int = 0


@dataclass(frozen=True, slots=True)
class ChunkRules:
    """How an encoder wants its tokens.

    Attributes:
        length: of a chunk; None puts everything into one.
        start, end, pad: token ids; None where there is none.
        shortest: a lone chunk is padded at least to this length.
        padding: pad tokens that follow the last chunk's end in any case.
    """

    length: int | None
    start: int | None
    end: int | None
    pad: int
    shortest: int | None = None
    padding: int = 0


def tokenize(
    text: str, tokenizer: Tokenizer, rules: ChunkRules, find: FindEmbedding | None = None
) -> list[list[Token]]:
    """Tokenise a prompt with weights and embeddings.

    Args:
        find: looks up `embedding:name`; without it the words are tokenised like any other.
    Returns:
        Chunks of equal length, each with start and end tokens.
    """
    groups: list[list[Token]] = []

    def add(tokens: Iterable[int | Tensor], weight: float) -> None:
        groups.append([Token(token, weight, len(groups) + 1) for token in tokens])

    for segment in parse_weights(text):
        for word in _words(segment.text):
            rest: str | None = word
            if find is not None and word.startswith(MARK):
                vectors, rest = _embedding(word[len(MARK) :].strip("\n"), find)
                if vectors is not None:
                    add(vectors, segment.weight)
            if rest:
                add(tokenizer(rest), segment.weight)
    return _chunked(groups, rules)


def empty_chunk(rules: ChunkRules, length: int) -> list[Token]:
    """The chunk of an empty prompt."""
    tokens = [Token(token, 1.0) for token in (rules.start, rules.end) if token is not None]
    return tokens + [Token(rules.pad, 1.0)] * (length - len(tokens))


def _words(text: str) -> list[str]:
    first, *others = re.split(rf" {MARK}|\n{MARK}", text)
    return [word for word in [first, *(MARK + other for other in others)] if word]


def _embedding(text: str, find: FindEmbedding) -> tuple[Tensor | None, str]:
    """The vectors named at the start of a text, and the text that follows the name."""
    parts = text.split()
    if not parts:
        return None, ""
    name, rest = parts[0], " ".join(parts[1:])
    vectors = find(name)
    stripped = name.strip(",")
    if vectors is None and len(stripped) < len(name):
        vectors, rest = find(stripped), f"{name[len(stripped) :]} {rest}"
    if vectors is None:
        log.warning("The embedding '%s' was not found, or is of another width; it is left out.", name)
        return None, rest
    return (vectors[None] if vectors.ndim == 1 else vectors), rest


def _chunked(groups: Sequence[list[Token]], rules: ChunkRules) -> list[list[Token]]:
    opening = [] if rules.start is None else [Token(rules.start, 1.0)]
    closing = [] if rules.end is None else [Token(rules.end, 1.0)]
    pad = Token(rules.pad, 1.0)
    chunks = [list(opening)]
    for group in groups:
        may_tear = len(group) >= LONG_GROUP
        while group:
            chunk = chunks[-1]
            room = len(group) if rules.length is None else rules.length - len(chunk) - len(closing)
            if len(group) <= room:
                chunk += group
                break
            if may_tear or len(chunk) == len(opening):
                chunk += [*group[:room], *closing]
                group = group[room:]
            else:
                chunk += [*closing, *[pad] * room]
            chunks.append(list(opening))
    chunks[-1] += [*closing, *[pad] * rules.padding]
    target = max(rules.length or 0, rules.shortest or 0)
    chunks[-1] += [pad] * (target - len(chunks[-1]))
    return chunks


__all__ = ["LONG_GROUP", "MARK", "ChunkRules", "FindEmbedding", "Token", "empty_chunk", "tokenize"]
