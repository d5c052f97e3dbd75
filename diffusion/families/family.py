"""What a family of networks has to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.latents import LatentFormat
from diffusion.patching.record import Patching

if TYPE_CHECKING:
    from diffusion.network import Network


@dataclass(frozen=True, slots=True)
class Scene:
    """The run a conditioning is prepared for.

    Attributes:
        noise: initial noise, gives batch, size and device.
        latent: network-space latent the run starts from, or None.
        mask: inpainting mask [batch, 1, h, w], or None.
        negative: whether the conditioning is on the negative side.
        seed: of the run.
        network: that is sampled from, or None where nothing is made of its weights.
    """

    noise: Tensor
    latent: Tensor | None
    mask: Tensor | None
    negative: bool
    seed: int = 0
    network: Network | None = None


class Family(Protocol):
    """One kind of network.

    Attributes:
        repeats_context: a text repeated along its tokens says the same, as in cross-attention; where text and image
            attend to each other it does not.
    """

    name: str
    latent_format: LatentFormat
    repeats_context: ClassVar[bool]

    def inputs(self, embedding: Tensor, options: Mapping[str, Any], scene: Scene) -> dict[str, Tensor]:
        """What the network is given besides the latent.

        Args:
            embedding: [1, tokens, width].
            options: the conditioning's dictionary.
        Returns:
            Tensors whose first axis is 1 or the batch; `concat` is joined to the latent's channels, `context` is
            the text's tokens.
        """
        ...

    def call(
        self, module: nn.Module, x: Tensor, timestep: Tensor, inputs: Mapping[str, Tensor], residuals: Any = None,
        patching: Patching | None = None,
    ) -> Tensor:  # fmt: skip
        """Run the network.

        Args:
            x: scaled input [batch, channels, h, w] in the compute dtype.
            timestep: float32 [batch].
            residuals: what control networks add, see `diffusion.residuals`.
            patching: changes inside the network, or None.
        """
        ...


def to_batch(tensor: Tensor, batch: int) -> Tensor:
    """Repeat or cut the first axis to `batch`."""
    if tensor.shape[0] == batch:
        return tensor
    if tensor.shape[0] > batch:
        return tensor[:batch]
    return tensor.repeat((-(-batch // tensor.shape[0]),) + (1,) * (tensor.ndim - 1))[:batch]


def even_sided(latent: Tensor) -> Tensor:
    """A latent with even sides, for transformers that read 2×2 cells; what is missing comes from the opposite side."""
    height, width = latent.shape[-2:]
    if height % 2 or width % 2:
        return F.pad(latent, (0, width % 2, 0, height % 2), mode="circular")
    return latent


def sinusoid(values: Tensor, width: int = 256, period: float = 10000.0) -> Tensor:
    """Cosines, then sines, of each value at falling frequencies. Source: Vaswani et al. 2017, arXiv:1706.03762."""
    half = width // 2
    frequencies = torch.exp(-torch.log(torch.tensor(period)) * torch.arange(half, dtype=torch.float32) / half)
    angles = values[:, None].float() * frequencies.to(values.device)[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


__all__ = ["Family", "Scene", "even_sided", "sinusoid", "to_batch"]
