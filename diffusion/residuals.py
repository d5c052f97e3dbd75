"""What control networks add inside a denoising network."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from diffusion.errors import SamplingError


class Residuals(NamedTuple):
    """What is added to a U-Net: to each skip connection, to the middle, and inside each stage of the input side."""

    down: tuple[Tensor, ...]
    middle: Tensor | None
    inside: tuple[Tensor, ...] = ()

    def scaled(self, strength: float, like: Tensor) -> Residuals:
        """The same, multiplied, in the dtype of another tensor."""
        down, inside = (tuple(one.to(like.dtype) * strength for one in part) for part in (self.down, self.inside))
        return Residuals(down, None if self.middle is None else self.middle.to(like.dtype) * strength, inside)


class BlockResiduals(NamedTuple):
    """What is added after the blocks of a transformer, for each control network of a chain.

    Attributes:
        chain: (after double blocks, after single blocks); fewer than the transformer has serve several blocks each.
    """

    chain: tuple[tuple[tuple[Tensor, ...], tuple[Tensor, ...]], ...]

    def scaled(self, strength: float, like: Tensor) -> BlockResiduals:
        """The same, multiplied, in the dtype of another tensor."""
        return BlockResiduals(
            tuple(
                (_multiplied(double, strength, like), _multiplied(single, strength, like))
                for double, single in self.chain
            )
        )

    def spread(self, kind: int, blocks: int) -> list[Tensor] | None:
        """One sum for each block of a kind (0 double, 1 single); None if nothing is added there."""
        lists = [_repeated(parts[kind], blocks) for parts in self.chain if parts[kind]]
        return [sum(each[1:], each[0]) for each in zip(*lists, strict=True)] if lists else None


def _multiplied(values: tuple[Tensor, ...], strength: float, like: Tensor) -> tuple[Tensor, ...]:
    return tuple(one.to(like.dtype) * strength for one in values)


def _repeated(values: tuple[Tensor, ...], blocks: int) -> list[Tensor]:
    each = -(-blocks // len(values))
    return [values[index // each] for index in range(blocks)]


Added = Residuals | BlockResiduals


def joined(first: Added | None, second: Added) -> Added:
    """The sum of what two networks add.

    Raises:
        SamplingError: if they belong to different kinds of models.
    """
    if first is None:
        return second
    if isinstance(first, BlockResiduals) and isinstance(second, BlockResiduals):
        return BlockResiduals(first.chain + second.chain)
    if isinstance(first, BlockResiduals) or isinstance(second, BlockResiduals):
        raise SamplingError(
            "A control network for a U-Net and one for a transformer are chained. Keep those that belong to the model."
        )
    middle = second.middle if first.middle is None else first.middle
    if first.middle is not None and second.middle is not None:
        middle = first.middle + second.middle
    return Residuals(_sum(first.down, second.down), middle, _sum(first.inside, second.inside))


def _sum(first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if not first or not second:
        return first or second
    return tuple(a + b for a, b in zip(first, second, strict=True))


def of_unet(added: Added | None) -> Residuals | None:
    """What a chain adds, where a U-Net is called.

    Raises:
        SamplingError: if the chain is made for a transformer.
    """
    if isinstance(added, BlockResiduals):
        raise SamplingError(
            "The control network is made for a transformer (SD3, Flux); this model is a U-Net. "
            "Choose a control network for this model."
        )
    return added


def of_transformer(added: Added | None) -> BlockResiduals | None:
    """What a chain adds, where a transformer is called.

    Raises:
        SamplingError: if the chain is made for a U-Net.
    """
    if isinstance(added, Residuals):
        raise SamplingError(
            "The control network is made for a U-Net (SD1, SD2, SDXL); this model is a transformer. "
            "Choose a control network for this model."
        )
    return added


__all__ = ["Added", "BlockResiduals", "Residuals", "joined", "of_transformer", "of_unet"]
