"""Schedules that were worked out once for a family of models, and changes to finished schedules.

Each returns float32 on the CPU, decreasing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

__all__ = ["ALIGNED", "OPTIMAL", "aligned_levels", "extend_between", "shifted_by_tokens", "token_shift"]

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


OPTIMAL: Final[Mapping[str, Sequence[float]]] = {
    "FLUX": (0.9968, 0.9886, 0.9819, 0.975, 0.966, 0.9471, 0.9158, 0.8287, 0.5512, 0.2808, 0.001),
    "Wan": (
        1.0, 0.997, 0.995, 0.993, 0.991, 0.989, 0.987, 0.985, 0.98, 0.975, 0.973, 0.968, 0.96, 0.946, 0.927, 0.902,
        0.864, 0.776, 0.539, 0.208, 0.001,
    ),
    "Chroma": (
        0.992, 0.99, 0.988, 0.985, 0.982, 0.978, 0.973, 0.968, 0.961, 0.953, 0.943, 0.931, 0.917, 0.9, 0.881, 0.858,
        0.832, 0.802, 0.769, 0.731, 0.69, 0.646, 0.599, 0.55, 0.501, 0.451, 0.402, 0.355, 0.311, 0.27, 0.232, 0.199,
        0.169, 0.143, 0.12, 0.101, 0.084, 0.07, 0.058, 0.048, 0.001,
    ),
}  # fmt: skip
"""Levels of flow models by family. Source: Pei et al. 2025, "Optimal Stepsize for Diffusion Sampling", 2503.21774."""


def aligned_levels(levels: Sequence[float], steps: int, denoise: float = 1.0) -> Tensor:
    """Levels that were optimised for a family, other numbers of steps interpolated in the logarithm.

    Args:
        levels: one of `ALIGNED` or `OPTIMAL`; the last stands for 0.
        denoise: share of the steps that is kept, from the end; 0 keeps nothing.
    Returns:
        The kept steps plus one, last 0; empty when nothing is kept.
    """
    kept = steps if denoise >= 1.0 else round(steps * denoise)
    if denoise <= 0.0:
        return torch.zeros(0)
    logarithms = [math.log(level) for level in levels]
    last = len(logarithms) - 1
    found: list[float] = []
    for index in range(steps + 1):
        place = index * last / steps
        low = min(int(place), last - 1)
        found.append(math.exp(logarithms[low] + (place - low) * (logarithms[low + 1] - logarithms[low])))
    return torch.tensor([*found[steps - kept : steps], 0.0])


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
    shift = math.exp(token_shift(tokens, base_shift, max_shift))
    times = torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64)[:-1]
    levels = shift / (shift + (1 / times - 1))
    if terminal is not None:
        rest = 1 - levels
        if float(rest[-1]) > 0:
            levels = 1 - rest * ((1 - terminal) / rest[-1])
    return torch.cat([levels.float(), torch.zeros(1)])


def token_shift(tokens: int, base_shift: float, max_shift: float) -> float:
    """The shift of a latent with so many positions: `base_shift` at 1024, `max_shift` at 4096, a line through both."""
    return base_shift + (max_shift - base_shift) / (4096 - 1024) * (tokens - 1024)


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
