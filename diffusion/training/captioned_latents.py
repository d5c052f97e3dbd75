"""Batches of drawn pictures' latents with their captions."""

import numpy as np
import torch
from torch import Tensor

from diffusion.training.drawn_set import CAPTIONS_EACH, DrawnSet
from diffusion.training.vocabulary import Vocabulary


class CaptionedLatents:
    """The latents and caption tokens of a drawn set, by kind of picture."""

    def __init__(self, drawn: DrawnSet, vocabulary: Vocabulary) -> None:
        self.latents = np.load(drawn.latents_file, mmap_mode="r")
        self._tokens = np.load(drawn.tokens_file, mmap_mode="r")
        self._empty = torch.tensor(vocabulary.encode([""])[0])
        self._pairs, self._others = _by_kind(self._tokens, vocabulary)

    def choose(self, random: np.random.Generator, count: int, pairs: float) -> np.ndarray:
        """Return the indices of `count` pictures by chance, of which the share `pairs` shows two objects."""
        related = round(count * pairs) if len(self._pairs) else 0
        chosen = (random.choice(self._pairs, related), random.choice(self._others, count - related))
        return np.sort(np.concatenate(chosen))

    def tokens(self, random: np.random.Generator, indices: np.ndarray, drop_caption: float) -> Tensor:
        """Return one caption a picture, int64 [batch, 77]; the share `drop_caption` is left empty."""
        chosen = self._tokens[indices, random.integers(0, CAPTIONS_EACH, len(indices))]
        tokens = torch.from_numpy(chosen.astype(np.int64))
        tokens[torch.from_numpy(random.random(len(indices)) < drop_caption)] = self._empty
        return tokens


def _by_kind(tokens: np.ndarray, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the pictures of two objects, told by the words of their relation, and of all others."""
    words = [vocabulary.ids[f"{word}</w>"] for word in ("above", "below", "left", "right")]
    related = np.isin(tokens[:, 0], words).any(axis=1)
    return np.flatnonzero(related), np.flatnonzero(~related)
