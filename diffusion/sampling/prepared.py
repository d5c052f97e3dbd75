"""Schedules that were worked out once for a family of models, and changes to finished schedules.

Each returns float32 on the CPU, decreasing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

__all__ = ["ALIGNED", "align_your_steps", "extend_between", "shifted_by_tokens"]

ALIGNED: Final[Mapping[str, Sequence[float]]] = {
    "SD1": (
        14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092, 0.9642583904,
        0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
    ),
    "SDXL": (
        14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289,
        0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582,
    ),
    "SVD": (700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
}  # fmt: skip
"""Levels of ten steps by family. Source: Sabour et al. 2024, "Align Your Steps", arXiv:2404.14507."""


def align_your_steps(family: str, steps: int, denoise: float = 1.0) -> Tensor:
    """The levels that were optimised for a family, other numbers of steps interpolated in the logarithm.

    Args:
        family: a key of `ALIGNED`.
        denoise: share of the steps that is kept, from the end; 0 keeps nothing.
    Returns:
        The kept steps plus one, last 0; empty when nothing is kept.
    """
    kept = steps if denoise >= 1.0 else round(steps * denoise)
    if denoise <= 0.0:
        return torch.zeros(0)
    logarithms = [math.log(level) for level in ALIGNED[family]]
    last = len(logarithms) - 1
    levels: list[float] = []
    for index in range(steps + 1):
        place = index * last / steps
        low = min(int(place), last - 1)
        levels.append(math.exp(logarithms[low] + (place - low) * (logarithms[low + 1] - logarithms[low])))
    return torch.tensor([*levels[steps - kept : steps], 0.0])


def shifted_by_tokens(
    steps: int, tokens: int, base_shift: float = 0.95, max_shift: float = 2.05, terminal: float | None = 0.1
) -> Tensor:
    """Levels of a flow model, shifted towards noise the more the longer the latent is.

    Args:
        tokens: positions of the latent; the shift goes from `base_shift` at 1024 to `max_shift` at 4096.
        terminal: stretch the schedule so that its last level before 0 is this one; None leaves it.
    Source:
        HaCohen et al. 2024, "LTX-Video", arXiv:2501.00103.
    """
    slope = (max_shift - base_shift) / (4096 - 1024)
    shift = math.exp(base_shift + slope * (tokens - 1024))
    times = torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64)[:-1]
    levels = shift / (shift + (1 / times - 1))
    if terminal is not None:
        rest = 1 - levels
        if float(rest[-1]) > 0:
            levels = 1 - rest * ((1 - terminal) / rest[-1])
    return torch.cat([levels.float(), torch.zeros(1)])


def extend_between(
    sigmas: Tensor, parts: int, start: float = math.inf, end: float = 0.0, spacing: str = "linear"
) -> Tensor:
    """Divide each step of a schedule into several.

    Args:
        parts: how many steps each becomes; 1 changes nothing.
        start: only steps that begin at this level or below.
        end: only steps that begin at this level or above.
        spacing: "linear"; "cosine" puts the new levels closer to the lower one, "sine" to the higher one.
    """
    shares = torch.linspace(0.0, 1.0, parts + 1)[1:-1]
    if spacing == "cosine":
        shares = torch.sin(shares * math.pi / 2)
    elif spacing == "sine":
        shares = 1 - torch.cos(shares * math.pi / 2)
    levels: list[float] = []
    for high, low in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
        levels.append(high)
        if end <= high <= start:
            levels.extend(high + share * (low - high) for share in shares.tolist())
    return torch.tensor([*levels, *sigmas[-1:].tolist()])
