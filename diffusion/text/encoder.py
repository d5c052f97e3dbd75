"""The text side of a model as nodes hand it around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from torch import Tensor

from diffusion.network import Patches, WeightPatch
from diffusion.text.chunks import FindEmbedding, Token, empty_chunk
from diffusion.text.embeddings import Embeddings
from diffusion.text.towers import Encoded, T5Tower, Tower

Tokens = dict[str, list[list[Token]]]  # chunks by tower


class Joining(Protocol):
    """How a family makes one conditioning from the outputs of its text encoders."""

    def __call__(self, encoded: Mapping[str, Encoded]) -> tuple[Tensor, Tensor | None]:
        """Features [1, tokens, width] and the pooled vector, or None."""
        ...


def alone(encoded: Mapping[str, Encoded]) -> tuple[Tensor, Tensor | None]:
    """The output of a single encoder."""
    (only,) = encoded.values()
    return only.features, only.pooled


@dataclass(frozen=True, slots=True)
class Version:
    """One way to read a prompt, beside others.

    Attributes:
        patches: weight changes by tower name, after the encoder's own.
        options: what the conditioning says of itself.
    """

    patches: Mapping[str, Patches]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """One or more text encoders that read the same prompt; never changed in place.

    Attributes:
        towers: in the order in which they run.
        joining: makes one conditioning of their outputs.
        layer: hidden state to take, counted from the end (−1 is the last); None leaves each encoder its own.
        patches: weight changes by tower name.
        embeddings: where `embedding:name` is looked up.
        versions: if there are any, a prompt becomes one conditioning for each.
    """

    towers: tuple[Tower, ...]
    joining: Joining = alone
    layer: int | None = None
    patches: Mapping[str, Patches] = field(default_factory=dict)
    embeddings: Embeddings = field(default_factory=Embeddings)
    versions: tuple[Version, ...] = ()

    def clone(self) -> TextEncoder:
        """A copy that shares the networks."""
        return replace(self)

    def clip_layer(self, layer: int) -> TextEncoder:
        """The same encoders, read at another layer: −1 the last, −2 the one before."""
        return replace(self, layer=layer)

    def with_padding(self, padding: int, shortest: int) -> TextEncoder:
        """The same encoders, where those of any length (T5) pad prompts otherwise; see `T5Tower`."""
        towers = (replace(t, padding=padding, shortest=shortest) if isinstance(t, T5Tower) else t for t in self.towers)
        return replace(self, towers=tuple(towers))

    def with_weights(self, tower: str, patches: Mapping[str, WeightPatch]) -> TextEncoder:
        """The same encoders with weight patches added to one of them."""
        own = self.patches.get(tower, Patches()).with_patches(patches)
        return replace(self, patches={**self.patches, tower: own})

    def with_embeddings(self, embeddings: Embeddings) -> TextEncoder:
        """The same encoders with other folders for `embedding:name`."""
        return replace(self, embeddings=embeddings)

    def tokenize(self, text: str) -> Tokens:
        """A prompt as every encoder reads it."""
        return {tower.name: tower.tokenize(text, self._finder(tower)) for tower in self.towers}

    def encode_tokens(self, tokens: Mapping[str, Sequence[Sequence[Token]]]) -> tuple[Tensor, Tensor | None]:
        """Features and pooled vector of tokens that may differ from encoder to encoder; of the first version."""
        return self._encoded(tokens, self.versions[0] if self.versions else None)

    def _encoded(
        self, tokens: Mapping[str, Sequence[Sequence[Token]]], version: Version | None
    ) -> tuple[Tensor, Tensor | None]:
        added = {} if version is None else version.patches
        patches = {**self.patches, **{n: self.patches.get(n, Patches()).then(p) for n, p in added.items()}}
        outputs = {
            tower.name: tower.encode(tokens[tower.name], self.layer, patches.get(tower.name))
            for tower in self.towers
            if tower.name in tokens
        }
        return self.joining(outputs)

    def encode(self, text: str) -> list[list[Any]]:
        """A prompt as conditioning: `[[features, {"pooled_output": …}]]`."""
        return self.conditioning(self.tokenize(text))

    def conditioning(self, tokens: Mapping[str, Sequence[Sequence[Token]]]) -> list[list[Any]]:
        """Tokens as conditioning, once for each version."""
        result: list[list[Any]] = []
        for version in self.versions or (None,):
            features, pooled = self._encoded(tokens, version)
            result.append([features, {"pooled_output": pooled, **({} if version is None else version.options)}])
        return result

    def balanced(self, texts: Mapping[str, str], *, drop_empty: bool = False) -> Tokens:
        """One text for each encoder, padded with empty chunks to the same number of chunks.

        Args:
            texts: by tower name; towers without a text are left out.
            drop_empty: an empty text has no chunk of its own.
        """
        tokens = {
            t.name: [] if drop_empty and not texts[t.name] else t.tokenize(texts[t.name], self._finder(t))
            for t in self.towers
            if t.name in texts
        }
        chunked = [t for t in self.towers if t.name in tokens and t.rules.length is not None]
        most = max((len(tokens[tower.name]) for tower in chunked), default=0)
        for tower in chunked:
            own = tokens[tower.name]
            own += [empty_chunk(tower.rules, tower.rules.length or 0) for _ in range(most - len(own))]
        return tokens

    def encode_parts(self, texts: Mapping[str, str], *, drop_empty: bool = False) -> list[list[Any]]:
        """Conditioning from one text for each encoder.

        Args:
            drop_empty: what reads only empty texts is not padded: CLIPs are left out (unless another CLIP has a
                text), and T5 reads nothing but its end token.
        """
        tokens = self.balanced(texts, drop_empty=drop_empty)
        for tower in self.towers:
            if tower.rules.length is None and tokens.get(tower.name) == []:
                tokens[tower.name] = [empty_chunk(tower.rules, 0)]
        return self.conditioning({name: chunks for name, chunks in tokens.items() if chunks})

    def _finder(self, tower: Tower) -> FindEmbedding | None:
        if not self.embeddings.folders:
            return None
        return lambda name: self.embeddings.find(name, tower.width, tower.name)


__all__ = ["Joining", "TextEncoder", "Tokens", "Version", "alone"]
