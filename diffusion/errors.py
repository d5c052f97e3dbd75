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

from collections.abc import Iterator
from contextlib import contextmanager


class DiffusionError(Exception):
    """Base of all errors that `diffusion` raises on purpose."""


class ModelFileError(DiffusionError):
    """A model file is damaged, hostile, or does not fit where it is used."""


@contextmanager
def recognising(source: object) -> Iterator[None]:
    """Name the file when what is inferred from its tensors meets names or shapes that no network has.

    Layouts are read from whatever a file holds: a tensor that is absent, or has too few sides, shows as one of Python's
    own look-up errors.

    Raises:
        ModelFileError: in place of those, with them as its cause.
    """
    try:
        yield
    except UnknownModel as error:
        if str(source) in str(error):
            raise
        raise UnknownModel(f"'{source}' holds {error}.") from error
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:
        raise ModelFileError(
            f"'{source}' has tensors whose names or shapes make no network that is known ({type(error).__name__}: "
            f"{error}). The file is damaged, incomplete or of another kind; use the complete file."
        ) from error


class MissingWeights(ModelFileError):
    """The file lacks tensors that its architecture needs."""


class UnknownModel(ModelFileError):
    """The keys in the file match no known architecture."""


class TokenizerMissing(DiffusionError):
    """A text encoder's vocabulary cannot be found."""


class SamplingError(DiffusionError):
    """A sampling request that makes no sense."""


__all__ = [
    "DiffusionError", "MissingWeights", "ModelFileError", "SamplingError", "TokenizerMissing", "UnknownModel",
    "recognising",
]  # fmt: skip
