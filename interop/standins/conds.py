"""Host module `comfy.conds`: values that a network is given, as the host wraps them.

Source: pack_surface, tier 2.
"""

import math
from typing import Any


class CONDRegular:
    """A tensor that is repeated to the batch."""

    def __init__(self, cond: Any) -> None:
        self.cond = cond

    def _copy_with(self, cond: Any) -> Any:
        return type(self)(cond)

    def process_cond(self, batch_size: Any, device: Any = None, **kwargs: Any) -> Any:
        """The value for a batch."""
        from diffusion.families.family import to_batch

        moved = self.cond if device is None else self.cond.to(device)
        return self._copy_with(to_batch(moved, batch_size))

    def can_concat(self, other: Any) -> bool:
        """Whether both can share a batch."""
        return bool(self.cond.shape == other.cond.shape)

    def concat(self, others: Any) -> Any:
        """The values of a shared batch."""
        import torch

        return torch.cat([self.cond, *(other.cond for other in others)])

    def size(self) -> Any:
        """The shape."""
        return list(self.cond.size())


class CONDNoiseShape(CONDRegular):
    """A tensor over the places of the latent, cut to the area that is evaluated."""

    def process_cond(self, batch_size: Any, device: Any = None, area: Any = None, **kwargs: Any) -> Any:
        """The value for a batch, in an area (height, width, y, x)."""
        from diffusion.families.family import to_batch

        data = self.cond
        if area is not None:
            axes = len(area) // 2
            for axis in range(axes):
                data = data.narrow(axis + 2, area[axes + axis], area[axis])
        moved = data if device is None else data.to(device)
        return self._copy_with(to_batch(moved, batch_size))


class CONDCrossAttn(CONDRegular):
    """A text; texts of different lengths are repeated to a common one."""

    def can_concat(self, other: Any) -> bool:
        """Whether both can share a batch."""
        mine, theirs = self.cond.shape, other.cond.shape
        if mine == theirs:
            return True
        if mine[0] != theirs[0] or mine[2] != theirs[2]:
            return False
        return bool(math.lcm(mine[1], theirs[1]) // min(mine[1], theirs[1]) <= 4)

    def concat(self, others: Any) -> Any:
        """The values of a shared batch."""
        import torch

        values = [self.cond, *(other.cond for other in others)]
        length = math.lcm(*(value.shape[1] for value in values))
        return torch.cat([value.repeat(1, length // value.shape[1], 1) for value in values])


class CONDConstant(CONDRegular):
    """A value that is the same for every sample."""

    def process_cond(self, batch_size: Any, device: Any = None, **kwargs: Any) -> Any:
        """The value."""
        return self._copy_with(self.cond)

    def can_concat(self, other: Any) -> bool:
        """Whether both can share a batch."""
        return bool(self.cond == other.cond)

    def concat(self, others: Any) -> Any:
        """The value."""
        return self.cond

    def size(self) -> Any:
        """The shape that counts for memory."""
        return [1]
