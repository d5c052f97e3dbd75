"""Everything that can go wrong inside the model library, as one tree.

DiffusionError
├── ModelFileError        a model file is damaged, hostile or not what its place asks for
│   ├── MissingWeights    keys that the recognised architecture needs are absent
│   └── UnknownModel      no known architecture has these keys
├── TokenizerMissing      no vocabulary for a text encoder can be found
└── SamplingError         a request that cannot be sampled: wrong shapes, unknown names

Messages say what happened, in which file, and what to do about it.
"""

from __future__ import annotations


class DiffusionError(Exception):
    """Base of all errors that `diffusion` raises on purpose."""


class ModelFileError(DiffusionError):
    """A model file is damaged, hostile, or does not fit where it is used."""


class MissingWeights(ModelFileError):
    """The file lacks tensors that its architecture needs."""


class UnknownModel(ModelFileError):
    """The keys in the file match no known architecture."""


class TokenizerMissing(DiffusionError):
    """A text encoder's vocabulary cannot be found."""


class SamplingError(DiffusionError):
    """A sampling request that makes no sense."""


__all__ = ["DiffusionError", "MissingWeights", "ModelFileError", "SamplingError", "TokenizerMissing", "UnknownModel"]
