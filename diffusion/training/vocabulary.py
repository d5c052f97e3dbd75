"""A small byte-pair vocabulary in CLIP's format, learnt from the captions.

Every byte is a token (alone and at the end of a word), so any text can be tokenised; each word of
the captions becomes one token. Built in CLIP's order: bytes, bytes with ``</w>``, merges, then
``<|startoftext|>`` and ``<|endoftext|>``. Source: Radford et al., "Learning transferable visual
models from natural language supervision" (2021), and GPT-2's byte alphabet.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from transformers import CLIPTokenizer

from diffusion.training.captions import sample_captions

START = "<|startoftext|>"
END = "<|endoftext|>"
LENGTH = 77


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Token ids by token text, and the merges in the order in which they apply."""

    ids: dict[str, int]
    merges: tuple[tuple[str, str], ...]

    def to_data(self) -> dict[str, object]:
        """Return what the model file carries: ``vocab`` and ``merges`` as in CLIP's two files."""
        return {"vocab": self.ids, "merges": [" ".join(pair) for pair in self.merges]}

    def tokenizer(self) -> CLIPTokenizer:
        """Build transformers' tokenizer over this vocabulary."""
        return CLIPTokenizer(vocab=self.ids, merges=list(self.merges), model_max_length=LENGTH)

    def encode(self, captions: list[str]) -> list[list[int]]:
        """Return 77 token ids a caption: start, words, end, then end again as padding."""
        encoded = self.tokenizer()(captions, padding="max_length", max_length=LENGTH, truncation=True)
        return list(encoded["input_ids"])


def byte_alphabet() -> list[str]:
    """Return the 256 printable characters that stand for the bytes, in CLIP's order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + k) for k in range(len(hidden))]


def learn_merges(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Merge the most frequent neighbours until every word is one token; ties go to the alphabet."""
    spelled = {word: [*word[:-1], word[-1] + "</w>"] for word in set(words)}
    merges: list[tuple[str, str]] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word in sorted(spelled):
            pairs.update(zip(spelled[word], spelled[word][1:], strict=False))
        if not pairs:
            return tuple(merges)
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, parts in spelled.items():
            spelled[word] = _merged(parts, best)


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    position = 0
    while position < len(parts):
        if tuple(parts[position : position + 2]) == pair:
            merged.append("".join(pair))
            position += 2
        else:
            merged.append(parts[position])
            position += 1
    return merged


def build_vocabulary(captions: Iterable[str]) -> Vocabulary:
    """Build the vocabulary whose whole words are the words of `captions`."""
    words = {word for caption in captions for word in re.findall(r"[a-z]+", caption.lower())}
    merges = learn_merges(words)
    bytes_alone = byte_alphabet()
    tokens = [*bytes_alone, *(f"{token}</w>" for token in bytes_alone)]
    tokens += list(dict.fromkeys("".join(pair) for pair in merges))
    tokens += [START, END]
    return Vocabulary({token: index for index, token in enumerate(tokens)}, merges)


def caption_vocabulary() -> Vocabulary:
    """Build the vocabulary of the drawn pictures' captions; the same at every call."""
    return build_vocabulary(sample_captions(Random(5), 6000))
