"""Prompt weights: `(a cat:1.3)`, `((strong))`, `\\(literal\\)`."""

from __future__ import annotations

from typing import NamedTuple

EMPHASIS = 1.1  # what a pair of parentheses without a number multiplies by


class Segment(NamedTuple):
    """A piece of prompt and how much it counts."""

    text: str
    weight: float


def parse_weights(prompt: str) -> list[Segment]:
    """Split a prompt into weighted segments.

    Parentheses nest, each level multiplies by 1.1; `(text:w)` sets the weight to w. `\\(` and `\\)` are literal, and
    so is everything unbalanced.
    """
    escaped = prompt.replace("\\)", "\0\1").replace("\\(", "\0\2")
    result: list[Segment] = []
    waiting = [Segment(escaped, 1.0)]
    while waiting:
        text, weight = waiting.pop()
        pieces: list[tuple[bool, Segment]] = []
        for piece in _split(text):
            if len(piece) >= 2 and piece[0] == "(" and piece[-1] == ")":
                pieces.append((True, _inside(piece[1:-1], weight)))
            else:
                pieces.append((False, Segment(piece, weight)))
        if any(group for group, _ in pieces):
            waiting += [
                segment if group else Segment("\3" + segment.text, segment.weight) for group, segment in pieces[::-1]
            ]
        else:
            result += [segment for _, segment in pieces]
    return [Segment(_literal(text), weight) for text, weight in result]


def _inside(text: str, weight: float) -> Segment:
    colon = text.rfind(":")
    if colon > 0:
        try:
            return Segment(text[:colon], float(text[colon + 1 :]))
        except ValueError:
            pass
    return Segment(text, weight * EMPHASIS)


def _split(text: str) -> list[str]:
    """Top-level groups, with their parentheses, and what lies between them."""
    if text.startswith("\3"):  # known to hold no group
        return [text[1:]] if len(text) > 1 else []
    pieces, start, depth = [], 0, 0
    for position, char in enumerate(text):
        if char == "(":
            if depth == 0 and position > start:
                pieces.append(text[start:position])
                start = position
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                pieces.append(text[start : position + 1])
                start = position + 1
    if start < len(text):
        pieces.append(text[start:])
    return pieces


def _literal(text: str) -> str:
    return text.replace("\0\1", ")").replace("\0\2", "(")


__all__ = ["EMPHASIS", "Segment", "parse_weights"]
