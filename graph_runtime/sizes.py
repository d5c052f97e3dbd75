"""How many bytes values hold, without knowing what they are; and sizes as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["SizeOf", "blobs", "read_size"]

SizeOf = Callable[[Any], int | None]
"""Returns the bytes that one object holds, or None if it is not an object that this function knows."""
_MOST = 100_000


def blobs(value: Any, size_of: SizeOf | None = None) -> Iterator[tuple[int, int]]:
    """Yield (identity, bytes) for every buffer in a nest of lists, dictionaries and tuples.

    An object's size is what `size_of` says, else its `nbytes`, else the length of a text or of bytes; other objects
    count nothing. The identity lets a buffer that several results share be counted once.
    """
    stack = [value]
    seen = 0
    while stack and seen < _MOST:
        item = stack.pop()
        seen += 1
        kind = type(item)
        if item is None or kind is int or kind is float or kind is bool:
            continue
        if kind is list or kind is tuple or kind is set:
            stack.extend(item)
            continue
        if kind is dict:
            stack.extend(item.values())
            continue
        if kind is str or kind is bytes or kind is bytearray:
            if len(item) > 1000:
                yield id(item), len(item)
            continue
        size = size_of(item) if size_of is not None else None
        if size is None:
            size = getattr(item, "nbytes", None)
        if isinstance(size, int) and size > 0:
            yield id(item), size


def read_size(text: str) -> int:
    """Read a size such as "20GB", "512 MB" or "0"; a number alone means bytes, and a kilobyte has 1024 of them.

    Raises:
        ValueError: naming what was given.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is no size. Write 20GB, 512MB or a number of bytes.")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " "))
