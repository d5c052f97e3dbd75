"""Encoded pictures as the vector that unCLIP models read, with a little noise on them.

Source: Ramesh et al. 2022, arXiv:2204.06125; Stability-AI/stablediffusion, `CLIPEmbeddingNoiseAugmentation` (MIT);
the cosine schedule: Nichol and Dhariwal 2021, arXiv:2102.09672.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.families.family import sinusoid

LEVELS = 1000
SEED_OFFSET = -10  # the picture's noise must not be the latent's


@dataclass(frozen=True, slots=True, eq=False)
class NoiseAugmentation:
    """How embeddings are noised and said to be.

    Attributes:
        mean, deviation: of embeddings [1, width]; noise is added to normalised ones.
        merge: noise, as a share of the levels, on the sum of several pictures.
    """

    mean: Tensor
    deviation: Tensor
    merge: float = 0.0

    def vector(self, pictures: Sequence[Mapping[str, Any]], seed: int) -> Tensor:
        """One vector of all pictures: the noised embedding, then the sinusoid of its noise level.

        Args:
            pictures: each with `clip_vision_output`, `strength` and `noise_augmentation`, as unCLIPConditioning says.
            seed: of the run.
        Returns:
            float32 [1, 2 · width], on the CPU.
        Raises:
            SamplingError: if an embedding is not as wide as the model reads.
        """
        width = self.mean.shape[1]
        rows: list[Tensor] = []
        generator = torch.Generator("cpu")
        for picture in pictures:
            for embedding in picture["clip_vision_output"].image_embeds:
                if embedding.shape[-1] != width:
                    raise SamplingError(
                        f"The encoded picture is {embedding.shape[-1]} numbers wide; the model reads {width}. "
                        "Encode it with the CLIP vision model that belongs to the checkpoint."
                    )
                generator.manual_seed((seed + SEED_OFFSET) % 2**64)
                noised = self._noised(embedding[None].float().cpu(), picture["noise_augmentation"], generator)
                rows.append(noised * picture["strength"])
        if len(rows) == 1:
            return rows[0]
        total: Tensor = torch.stack(rows).sum(0)
        return self._noised(total[:, :width], self.merge, generator)

    def _noised(self, embedding: Tensor, share: float, generator: torch.Generator) -> Tensor:
        level = round((LEVELS - 1) * share)
        signal, noise = (value[level] for value in _cosine_levels())
        x = (embedding - self.mean) / self.deviation
        x = signal * x + noise * torch.randn(x.shape, generator=generator)
        return torch.cat([x * self.deviation + self.mean, sinusoid(torch.tensor([float(level)]), x.shape[1])], dim=1)


@cache
def _cosine_levels() -> tuple[Tensor, Tensor]:
    """Shares of signal and noise by level."""

    def kept(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - kept((i + 1) / LEVELS) / kept(i / LEVELS), 0.999) for i in range(LEVELS)]
    alphas = (1 - torch.tensor(betas, dtype=torch.float64)).cumprod(0)
    return alphas.sqrt().float(), (1 - alphas).sqrt().float()


__all__ = ["LEVELS", "NoiseAugmentation"]
