"""What control networks add to a U-Net: the lists of packs, and the record of `diffusion`.

Packs name three lists: `output` is added to the skip connections, `middle` to the middle, `input` on the way down. Each
list is used from its end; None adds nothing.
Source: protocol §6.10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from diffusion.control import Residuals
from interop.errors import NotSupported

__all__ = ["as_lists", "as_residuals"]

STAGE = 3
"""Input blocks of each stage of a U-Net, as packs count them: two layers and the change of size."""


def as_residuals(given: Mapping[str, Sequence[Any]], name: str) -> Residuals | None:
    """What a pack adds, as the U-Net takes it; None if it is nothing.

    Raises:
        NotSupported: where something is added that the U-Net has no place for here.
    """
    down, middles = list(given.get("output") or ()), list(given.get("middle") or ())
    middle = middles[-1] if middles else None
    nothing = torch.zeros(())
    inside = _stages(list(given.get("input") or ()), name)
    if middle is None and not any(one is not None for one in down):
        return Residuals((), None, inside) if inside else None
    if not down:
        raise NotSupported(f"{name}.get_control", "answered with a middle and no output", "Fill the list with zeros.")
    skips = tuple(nothing.to(_first(down, middle)) if one is None else one for one in down)
    return Residuals(skips, nothing.to(skips[-1]) if middle is None else middle, inside)


def _first(values: Sequence[Tensor | None], other: Tensor | None) -> Tensor:
    return next(one for one in (*values, other) if one is not None)


def _stages(given: list[Any], name: str) -> tuple[Tensor, ...]:
    """Additions to input blocks as additions to stages: each to the last layer before the change of size."""
    by_block = list(reversed(given))
    places = {index: value for index, value in enumerate(by_block) if value is not None}
    if not places:
        return ()
    if any(index % STAGE != STAGE - 1 for index in places):
        raise NotSupported(
            f"{name}.get_control", f"answered with an addition to input block {min(places)}",
            "Additions can be made after the last layer of each stage: blocks 2, 5, 8 and 11.",
        )  # fmt: skip
    zero = torch.zeros(()).to(next(iter(places.values())))
    return tuple(places.get(index, zero) for index in range(STAGE - 1, max(places) + 1, STAGE))


def as_lists(residuals: Residuals | None) -> dict[str, list[Any]] | None:
    """What a network of ours adds, in the lists that packs merge."""
    if residuals is None:
        return None
    blocks = [one for value in residuals.inside for one in (*[None] * (STAGE - 1), value)]
    middle = [] if residuals.middle is None else [residuals.middle]
    return {"input": blocks[::-1], "middle": middle, "output": list(residuals.down)}
