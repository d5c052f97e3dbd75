"""Several text encoders that read one prompt, or one each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch

from diffusion.loading import Checkpoint
from diffusion.text.chunks import ChunkRules, Token
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import Encoded, T5Tower


@dataclass
class Reader:
    """An encoder that notes what it is given; every character is a token."""

    name: str
    rules: ChunkRules
    width: int = 8
    read: list[list[int]] = field(default_factory=list)

    def tokenize(self, text: str, find: Any = None) -> list[list[Token]]:
        length = self.rules.length or len(text)
        pieces = [text[start : start + length] for start in range(0, len(text), length)] or [""]
        return [[Token(ord(letter), 1.0) for letter in piece] for piece in pieces]

    def encode(self, chunks: Sequence[Sequence[Token]], layer: Any = None, patches: Any = None) -> Encoded:
        self.read = [[int(token.token) for token in chunk] for chunk in chunks]
        return Encoded(torch.zeros(1, len(chunks), self.width), torch.zeros(1, self.width))


def readers() -> dict[str, Reader]:
    clip = ChunkRules(4, 1, 2, 0)
    return {"l": Reader("l", clip), "g": Reader("g", clip), "t5xxl": Reader("t5xxl", ChunkRules(None, None, 9, 0))}


def encode(texts: dict[str, str]) -> dict[str, Reader]:
    towers = readers()
    joined: list[set[str]] = []

    def joining(encoded: Any) -> Any:
        joined.append(set(encoded))
        return torch.zeros(1, 1, 8), None

    TextEncoder(tuple(towers.values()), joining).encode_parts(texts, drop_empty=True)  # type: ignore[arg-type]
    assert joined == [{name for name, reader in towers.items() if reader.read}]
    return towers


@pytest.mark.parametrize(("empty", "full"), [("l", "g"), ("g", "l")])
def test_an_empty_clip_text_is_padded_where_the_other_clip_has_one(empty: str, full: str) -> None:
    read = encode({empty: "", full: "abcdef", "t5xxl": "x"})

    assert read[empty].read == [[1, 2, 0, 0]] * 2
    assert len(read[full].read) == 2


def test_two_empty_clip_texts_are_left_out() -> None:
    read = encode({"l": "", "g": "", "t5xxl": "x"})

    assert read["l"].read == read["g"].read == []


def test_an_empty_t5_text_is_its_end_token_alone() -> None:
    assert encode({"l": "a", "g": "a", "t5xxl": ""})["t5xxl"].read == [[9]]


def test_a_layer_beyond_the_first_gives_the_normed_output(tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    (tower,) = tiny.clip.towers
    unnormed = type(tower)(tower.name, tower.network, tower.find_tokenizer, layer=-2, normed=False)  # type: ignore[call-arg]
    chunks = tower.tokenize("red")

    usual = tower.encode(chunks, -1).features
    assert torch.equal(unnormed.encode(chunks, -24).features, usual)
    assert not torch.allclose(unnormed.encode(chunks, -1).features, usual)


def test_only_encoders_of_any_length_are_padded_otherwise(tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    t5 = T5Tower("t5xxl", None, lambda: lambda text: [ord(letter) for letter in text])  # type: ignore[arg-type, return-value]
    clip = replace(tiny.clip, towers=(*tiny.clip.towers, t5))

    usual, padded = clip.tokenize("ab"), clip.with_padding(3, 0).tokenize("ab")

    assert usual["l"] == padded["l"]
    assert (len(usual["t5xxl"][0]), len(padded["t5xxl"][0])) == (77, 6)


def test_an_earlier_layer_of_t5_is_normed(tiny_t5: T5Tower) -> None:
    module = tiny_t5.network.prepare()
    chunks = tiny_t5.tokenize("red")
    seen: list[torch.Tensor] = []
    hook = module.encoder.block[0].register_forward_hook(lambda layer, given, out: seen.append(out[0]))

    usual, earlier, beyond = (tiny_t5.encode(chunks, layer).features for layer in (None, -2, -9))
    hook.remove()

    torch.testing.assert_close(earlier, module.encoder.final_layer_norm(seen[1]).float())
    assert torch.equal(usual, beyond)
    assert not torch.allclose(usual, earlier)
