"""Text encoders one by one: tokens in, features and a pooled vector out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from diffusion.network import Network, Patches
from diffusion.text.chunks import ChunkRules, FindEmbedding, Token, empty_chunk, tokenize
from diffusion.text.vocabulary import ClipTokenizer, Tokenizer


class Encoded(NamedTuple):
    """Features [1, tokens, width] and the pooled vector [1, width] (None where the encoder has none)."""

    features: Tensor
    pooled: Tensor | None


@dataclass(frozen=True)
class ClipTower:
    """A CLIP text encoder.

    Attributes:
        name: the key of its tokens: `l`, `g` or `h`.
        find_tokenizer: finds the vocabulary when it is first needed.
        layer: hidden state counted from the end that is used unless asked otherwise.
        normed: whether the final norm is applied to it.
        projection: [width, projected] for the pooled vector, or None to leave it.
        pad_with_zero: pads with token 0 instead of the end token.
    """

    name: str
    network: Network
    find_tokenizer: Callable[[], ClipTokenizer]
    layer: int = -1
    normed: bool = True
    projection: Tensor | None = None
    pad_with_zero: bool = False

    @cached_property
    def tokenizer(self) -> ClipTokenizer:
        """The vocabulary."""
        return self.find_tokenizer()

    @property
    def rules(self) -> ChunkRules:
        """Chunks as long as the position table, 77 as a rule."""
        length = self.network.weights["embeddings.position_embedding.weight"].shape[0]
        start, end = self.tokenizer.start, self.tokenizer.end
        return ChunkRules(length, start, end, 0 if self.pad_with_zero else end)

    @property
    def width(self) -> int:
        """Channels of the features."""
        return int(self.network.weights["embeddings.token_embedding.weight"].shape[1])

    def tokenize(self, text: str, find: FindEmbedding | None = None) -> list[list[Token]]:
        """A prompt in chunks."""
        return tokenize(text, self.tokenizer, self.rules, find)

    def encode(
        self, chunks: Sequence[Sequence[Token]], layer: int | None = None, patches: Patches | None = None
    ) -> Encoded:
        """Encode chunks; weights pull each token away from or towards the empty prompt."""
        return _weighted(chunks, self.rules, lambda rows: self._hidden(rows, layer or self.layer, patches))

    def _hidden(self, rows: Sequence[Sequence[Token]], layer: int, patches: Patches | None) -> tuple[Tensor, Tensor]:
        module = self.network.prepare(patches)
        inner = getattr(module, "text_model", module)
        hidden = _embedded(rows, inner.embeddings.token_embedding, self.tokenizer.end)
        hidden = hidden + inner.embeddings.position_embedding.weight[: hidden.shape[1]].to(hidden.dtype)
        length = hidden.shape[1]
        mask = torch.full((length, length), float("-inf"), dtype=hidden.dtype, device=hidden.device).triu(1)
        states = []
        for block in inner.encoder.layers:
            out = block(hidden, attention_mask=mask[None, None])
            hidden = out[0] if isinstance(out, tuple) else out
            states.append(hidden)
        there = -len(states) <= layer < 0
        chosen = states[layer] if there else states[-1]
        if self.normed or not there:  # what is asked for a layer that it lacks gives its usual output
            chosen = inner.final_layer_norm(chosen)
        ends = [
            next((i for i, t in enumerate(row) if t.token is not None and _is(t, self.tokenizer.end)), 0)
            for row in rows
        ]
        pooled = inner.final_layer_norm(hidden)[torch.arange(len(rows)), torch.tensor(ends, device=hidden.device)]
        if self.projection is not None:
            pooled = pooled @ self.projection.to(pooled)
        return chosen.float(), pooled.float()


@dataclass(frozen=True)
class T5Tower:
    """A T5 encoder.

    Attributes:
        shortest: prompts are padded at least to this many tokens.
        padding: pad tokens that follow a prompt in any case.
    """

    name: str
    network: Network
    find_tokenizer: Callable[[], Tokenizer]
    shortest: int = 77
    padding: int = 0

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary."""
        return self.find_tokenizer()

    @property
    def rules(self) -> ChunkRules:
        """One chunk of any length, ended by token 1, padded with 0."""
        return ChunkRules(None, None, 1, 0, self.shortest, self.padding)

    @property
    def width(self) -> int:
        """Channels of the features."""
        return int(self.network.weights["shared.weight"].shape[1])

    def tokenize(self, text: str, find: FindEmbedding | None = None) -> list[list[Token]]:
        """A prompt in one chunk."""
        return tokenize(text, self.tokenizer, self.rules, find)

    def encode(
        self, chunks: Sequence[Sequence[Token]], layer: int | None = None, patches: Patches | None = None
    ) -> Encoded:
        """Encode a prompt; T5 has no pooled vector, and the norm is applied to whatever layer is asked for."""
        return _weighted(chunks, self.rules, lambda rows: (self._hidden(rows, layer or -1, patches), None))

    def _hidden(self, rows: Sequence[Sequence[Token]], layer: int, patches: Patches | None) -> Tensor:
        module = self.network.prepare(patches)
        embeds = _embedded(rows, module.shared, 1)
        if -len(module.encoder.block) <= layer < -1:
            found = module(inputs_embeds=embeds, return_dict=True, output_hidden_states=True).hidden_states[layer]
            return module.encoder.final_layer_norm(found).float()
        return module(inputs_embeds=embeds, return_dict=True).last_hidden_state.float()


Tower = ClipTower | T5Tower


def _is(token: Token, number: int) -> bool:
    return not isinstance(token.token, Tensor) and token.token == number


def _embedded(rows: Sequence[Sequence[Token]], table: nn.Embedding, placeholder: int) -> Tensor:
    """Token vectors, with given vectors in their places."""
    ids = [[placeholder if isinstance(t.token, Tensor) else t.token for t in row] for row in rows]
    vectors = table(torch.tensor(ids, device=table.weight.device)).clone()
    for r, row in enumerate(rows):
        for c, token in enumerate(row):
            if isinstance(token.token, Tensor):
                vectors[r, c] = token.token.to(vectors)
    return vectors


@torch.inference_mode()
def _weighted(
    chunks: Sequence[Sequence[Token]],
    rules: ChunkRules,
    encode: Callable[[Sequence[Sequence[Token]]], tuple[Tensor, Tensor | None]],
) -> Encoded:
    """Encode chunks together with an empty one, and move each token by its weight from that."""
    rows = [list(chunk) for chunk in chunks]
    weighted = any(token.weight != 1.0 for row in rows for token in row)
    if weighted:
        rows.append(empty_chunk(rules, max(len(row) for row in rows)))
    features, pooled = encode(rows)
    features = features.cpu().clone()
    if weighted:
        empty, features = features[-1:], features[:-1]
        weights = torch.tensor([[token.weight for token in chunk] for chunk in chunks])[..., None]
        features = torch.where(weights == 1.0, features, (features - empty) * weights + empty)
    return Encoded(features.reshape(1, -1, features.shape[-1]), None if pooled is None else pooled[:1].cpu().clone())


__all__ = ["ClipTower", "Encoded", "T5Tower", "Tower"]
