"""What packs see inside of a CLIP: its encoders one by one, and their vocabularies (`CLIP.cond_stage_model`).

Source: protocol §5.8; pack_surface, tier 2 (`comfy.sdxl_clip`, `comfy.sd1_clip`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diffusion.text.chunks import Token
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import ClipTower, Tower
from interop.errors import ClosedAttribute, NotSupported

if TYPE_CHECKING:
    from interop.models.text import ClipHandle

__all__ = ["STAGES", "TextStage", "Vocabularies", "as_tokens", "stage_of", "unprojected", "with_words"]


def with_words(chunks: Iterable[Iterable[Token]], words: bool) -> list[list[tuple[Any, ...]]]:
    """Chunks as packs know them: (token, weight), or (token, weight, number of its word)."""
    return [[tuple(token) if words else (token.token, token.weight) for token in chunk] for chunk in chunks]


def as_tokens(chunks: Iterable[Iterable[Sequence[Any]]]) -> list[list[Token]]:
    """The other way round."""
    return [[Token(*pair[:2]) for pair in chunk] for chunk in chunks]


def unprojected(encoder: TextEncoder) -> TextEncoder:
    """The same text encoders, whose pooled vectors are left as they come out of the network."""
    return replace(encoder, towers=tuple(_unprojected(tower) for tower in encoder.towers))


def _unprojected(tower: Tower) -> Tower:
    if not isinstance(tower, ClipTower) or tower.projection is None:
        return tower
    tokenizer = tower.tokenizer
    return replace(tower, projection=None, find_tokenizer=lambda: tokenizer)


def _named(tower: Tower) -> str:
    """How packs call an encoder: "clip_l", "clip_g", "t5xxl"."""
    return tower.name if tower.name.startswith("t5") else f"clip_{tower.name}"


class TextStage:
    """The encoders of a CLIP; each is an attribute: `clip_l`, `clip_g`, `clip_h`, `t5xxl`.

    Args:
        clip: whose encoders they are.
    """

    def __init__(self, clip: ClipHandle) -> None:
        self._clip = clip
        self.dtypes = {tower.network.compute for tower in clip.heddle_object.towers}

    @property
    def heddle_encoder(self) -> TextEncoder:
        """The text encoder of `diffusion`."""
        return self._clip.heddle_object

    @property
    def dtype(self) -> Any:
        """In which format they compute."""
        return self.heddle_encoder.towers[0].network.compute

    def encode_token_weights(self, token_weight_pairs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Tokens by encoder as an embedding and its pooled vector."""
        features, pooled = self._clip.encode_from_tokens(token_weight_pairs, return_pooled=True)
        return features, pooled

    def set_clip_options(self, options: Mapping[str, Any]) -> None:
        """Read another layer ("layer") or leave pooled vectors unprojected ("projected_pooled"), in place.

        Raises:
            NotSupported: for other options.
        """
        self._clip.set_clip_options(options)

    def reset_clip_options(self) -> None:
        """Read what the encoders are made for."""
        self._clip.set_clip_options({"layer": None, "projected_pooled": True})

    def clip_layer(self, layer_idx: int) -> None:
        """Read another layer, in place."""
        self.set_clip_options({"layer": layer_idx})

    def state_dict(self) -> dict[str, Any]:
        """The weights by their published names."""
        return self._clip.get_sd()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        for tower in self.heddle_encoder.towers:
            if name == _named(tower):
                return OneEncoder(self._clip, tower)
        raise ClosedAttribute(f"CLIP.cond_stage_model.{name}")


class OneEncoder:
    """One encoder of several.

    Args:
        clip: whose encoder it is: its layer and patches count.
        tower: of `diffusion`.
    """

    def __init__(self, clip: ClipHandle, tower: Tower) -> None:
        self._clip, self._tower = clip, tower
        self.dtype = tower.network.compute

    def encode_token_weights(self, token_weight_pairs: Any) -> tuple[Any, Any]:
        """Chunks of (token, weight) as features [1, tokens, width] and the pooled vector."""
        own = self._clip.asked
        tower = next(one for one in own.towers if one.name == self._tower.name)
        encoded = tower.encode(as_tokens(token_weight_pairs), own.layer, own.patches.get(tower.name))
        return encoded.features, encoded.pooled

    def encode(self, tokens: Iterable[Iterable[Any]]) -> tuple[Any, Any]:
        """Chunks of token numbers as features and the pooled vector."""
        return self.encode_token_weights([[(token, 1.0) for token in chunk] for chunk in tokens])

    def set_clip_options(self, options: Mapping[str, Any]) -> None:
        """As for all encoders of this CLIP: they are read alike."""
        self._clip.set_clip_options(options)

    def reset_clip_options(self) -> None:
        """As for all encoders of this CLIP."""
        self._clip.set_clip_options({"layer": None, "projected_pooled": True})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ClosedAttribute(f"CLIP.cond_stage_model.{_named(self._tower)}.{name}")


STAGES: dict[str, type[TextStage]] = {
    name: type(name, (TextStage,), {"__doc__": f"The text encoders of {words}."})
    for name, words in {
        "SD1ClipModel": "Stable Diffusion 1 and 2",
        "SDXLClipModel": "Stable Diffusion XL",
        "SDXLRefinerClipModel": "the refiner of Stable Diffusion XL",
        "SD3ClipModel": "Stable Diffusion 3",
    }.items()
}
"""Name among the host's classes → class."""
_BY_TOWERS = {
    ("l",): "SD1ClipModel",
    ("h",): "SD1ClipModel",
    ("g",): "SDXLRefinerClipModel",
    ("l", "g"): "SDXLClipModel",
}


def stage_of(clip: ClipHandle) -> TextStage:
    """The inside of a CLIP."""
    names = tuple(tower.name for tower in clip.heddle_object.towers)
    kind = "SD3ClipModel" if {"l", "g"} <= set(names) and len(names) > 2 else _BY_TOWERS.get(names)
    return (TextStage if kind is None else STAGES[kind])(clip)


class Vocabularies:
    """`CLIP.tokenizer`: the vocabulary of each encoder under its name, `clip_l` and so on."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    def tokenize_with_weights(self, text: str, return_word_ids: bool = False, **kwargs: Any) -> dict[str, Any]:
        """A text as each encoder reads it."""
        return {name: with_words(chunks, return_word_ids) for name, chunks in self._encoder.tokenize(text).items()}

    def untokenize(self, token_weight_pair: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """((token, weight), its word), by the first encoder's vocabulary."""
        return Vocabulary(self._encoder, self._encoder.towers[0]).untokenize(token_weight_pair)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        for tower in self._encoder.towers:
            if name == _named(tower):
                return Vocabulary(self._encoder, tower)
        raise ClosedAttribute(f"CLIP.tokenizer.{name}")


class Vocabulary:
    """The vocabulary of one encoder."""

    def __init__(self, encoder: TextEncoder, tower: Tower) -> None:
        self._encoder, self._tower = encoder, tower
        rules = tower.rules
        self.start_token, self.end_token, self.pad_token, self.max_length = (
            rules.start,
            rules.end,
            rules.pad,
            rules.length,
        )
        self.pad_with_end = rules.pad == rules.end
        self.pad_to_max_length = tower.name != "t5xxl"
        self.embedding_identifier, self.embedding_key, self.embedding_size = "embedding:", _named(tower), tower.width

    @cached_property
    def inv_vocab(self) -> dict[int, str]:
        """Token → word.

        Raises:
            NotSupported: for T5, whose vocabulary is closed.
        """
        words = getattr(self._tower.tokenizer, "words", None)
        if words is None:
            raise NotSupported(f"CLIP.tokenizer.{_named(self._tower)}.inv_vocab", "read")
        return dict(words)

    def tokenizer(self, text: str) -> dict[str, list[int]]:
        """The tokens of a text, start and end included."""
        ends = (self.start_token, self.end_token)
        (start, end) = ([] if one is None else [one] for one in ends)
        return {"input_ids": [*start, *self._tower.tokenizer(text), *end]}

    def tokenize_with_weights(self, text: str, return_word_ids: bool = False, **kwargs: Any) -> list[Any]:
        """A text in chunks."""
        return with_words(self._encoder.tokenize(text)[self._tower.name], return_word_ids)

    def untokenize(self, token_weight_pair: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """((token, weight), its word) for each."""
        return [(pair, self.inv_vocab[pair[0]]) for pair in token_weight_pair]
