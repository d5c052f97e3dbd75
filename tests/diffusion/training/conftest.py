"""A training set of a few pictures, drawn and encoded once."""

from pathlib import Path

import pytest
import torch

from diffusion.training.drawn_set import DrawnSet
from diffusion.training.model_sizes import build_autoencoder
from diffusion.training.vocabulary import Vocabulary, caption_vocabulary


def say_nothing(*what: object) -> None:
    """Take any report."""


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return caption_vocabulary()


@pytest.fixture(scope="session")
def drawn(tmp_path_factory, vocabulary) -> DrawnSet:
    drawn = DrawnSet(Path(tmp_path_factory.mktemp("drawn")), 24, seed=3)
    torch.manual_seed(0)
    drawn.draw(vocabulary, say_nothing)
    drawn.encode(build_autoencoder().eval(), say_nothing)
    return drawn
