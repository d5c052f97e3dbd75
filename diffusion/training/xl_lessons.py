"""What the base and the refiner of SDXL architecture are taught.

Besides captions there are numbers: the size that a picture had originally, how much of it was cropped away, the
size asked for, and for the refiner a score. Source: Podell et al. 2023, arXiv:2307.01952, section 2.2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTextModelWithProjection

from diffusion.families.family import sinusoid
from diffusion.training.altered_pictures import AlteredPictures
from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.denoiser_training import DenoiserSettings
from diffusion.training.flat_pictures import SIZE
from diffusion.training.soft_pictures import soft_sizes
from diffusion.training.xl_sizes import BaseNetworks, RefinerNetworks

BEST_SCORE = 6.0  # of a picture as it was drawn: the score that refiners are asked for unless told otherwise
CROPPED = 0.15  # share of the pictures of which an edge is missing
LARGEST_CROP = 3  # latent cells of 8 pixels
LARGE_ORIGINALS = 0.3  # share of the sharp pictures that are said to come from larger ones
LARGEST_ORIGINAL = 1536


@dataclass(frozen=True, slots=True)
class Told:
    """What the networks are told of a batch: caption tokens [batch, 77] and numbers [batch, 5 or 6]."""

    tokens: Tensor
    numbers: Tensor


class NumberedPictures:
    """Latents with captions, of which some are soft and some cropped, and the numbers that say so."""

    def __init__(self, captioned: CaptionedLatents, soft: AlteredPictures) -> None:
        self._captioned = captioned
        self._soft = np.load(soft.latents_file, mmap_mode="r")
        self._sizes = soft_sizes(soft.drawn, soft.count)

    def choose(
        self, random: np.random.Generator, settings: DenoiserSettings, soft_share: float
    ) -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
        """Choose a batch.

        Returns:
            Latents, tokens, the side in pixels that each picture had (128 for a sharp one), and its crops
            [batch, 2] in pixels from the top and from the left.
        """
        indices = self._captioned.choose(random, settings.batch, settings.pairs)
        sides = np.full(len(indices), SIZE)
        latents = self._captioned.latents[indices].astype(np.float32)
        soft = np.flatnonzero(random.random(len(indices)) < soft_share)
        indices[soft] = random.integers(0, len(self._sizes), len(soft))
        latents[soft], sides[soft] = self._soft[indices[soft]], self._sizes[indices[soft]]
        crops = random.integers(0, LARGEST_CROP + 1, (len(indices), 2))
        crops[random.random(len(indices)) >= CROPPED] = 0
        x0 = torch.from_numpy(cropped(latents, crops))
        return x0, self._captioned.tokens(random, indices, settings.drop_caption), sides, crops * 8


class BaseLesson:
    """U-Net and both text encoders learn together; the U-Net is told sizes and crops."""

    name = "xl-base"
    soft_share = 0.12

    def __init__(self, pictures: NumberedPictures, begin: Callable[[], BaseNetworks]) -> None:
        self._pictures = pictures
        self._begin = begin

    def networks(self) -> BaseNetworks:
        """Build the networks with their first weights."""
        return self._begin()

    def examples(self, random: np.random.Generator, settings: DenoiserSettings) -> tuple[Tensor, Told]:
        """Choose latents, tokens, and original size, crop and target size, heights first."""
        x0, tokens, sides, crops = self._pictures.choose(random, settings, self.soft_share)
        originals = np.stack([sides, sides], axis=1)
        larger = (random.random(len(sides)) < LARGE_ORIGINALS) & (sides == SIZE)
        originals[larger] = random.integers(SIZE, LARGEST_ORIGINAL + 1, (int(larger.sum()), 2))
        targets = np.full_like(originals, SIZE)
        other = random.random(len(sides)) < LARGE_ORIGINALS / 2
        targets[other] = originals[other].clip(min=SIZE)
        return x0, Told(tokens, torch.from_numpy(np.concatenate([originals, crops, targets], axis=1)))

    def predict(self, networks: BaseNetworks, noisy: Tensor, timesteps: Tensor, told: Told) -> Tensor:
        """Read the captions twice, then see the noise."""
        first = networks.text_encoder(told.tokens, output_hidden_states=True).hidden_states[-2]
        second, pooled = read_second(networks.text_encoder_2, told.tokens)
        context = torch.cat([first, second], dim=-1)
        return networks.unet(noisy, timesteps, context, class_labels=_vector(pooled, told.numbers)).sample


class RefinerLesson:
    """The U-Net alone learns the lowest noise levels; it is told a score that is lower for softer pictures."""

    name = "xl-refiner"
    soft_share = 0.25

    def __init__(
        self,
        pictures: NumberedPictures,
        encoder: CLIPTextModelWithProjection,
        begin: Callable[[], RefinerNetworks],
    ) -> None:
        self._pictures = pictures
        self._encoder = encoder.eval().requires_grad_(False)
        self._begin = begin

    def networks(self) -> RefinerNetworks:
        """Build the U-Net with its first weights."""
        return self._begin()

    def examples(self, random: np.random.Generator, settings: DenoiserSettings) -> tuple[Tensor, Told]:
        """Choose latents, tokens, and size, crop and score."""
        x0, tokens, sides, crops = self._pictures.choose(random, settings, self.soft_share)
        originals = np.full((len(sides), 2), float(SIZE))
        larger = random.random(len(sides)) < LARGE_ORIGINALS
        originals[larger] = random.integers(SIZE, LARGEST_ORIGINAL + 1, (int(larger.sum()), 2))
        scores = BEST_SCORE * sides[:, None] / SIZE
        numbers = np.concatenate([originals, crops, scores], axis=1).astype(np.float32)
        return x0, Told(tokens, torch.from_numpy(numbers))

    def predict(self, networks: RefinerNetworks, noisy: Tensor, timesteps: Tensor, told: Told) -> Tensor:
        """Read the captions with the second encoder, then see the noise."""
        with torch.no_grad():
            context, pooled = read_second(self._encoder, told.tokens)
        return networks.unet(noisy, timesteps, context, class_labels=_vector(pooled, told.numbers)).sample


def read_second(encoder: CLIPTextModelWithProjection, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features before the last layer and the projected pooled vector."""
    read = encoder(tokens, output_hidden_states=True)
    return read.hidden_states[-2], read.text_embeds


def cropped(latents: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Move each latent [channels, height, width] up and left by its cells, repeating the last row and column."""
    height, width = latents.shape[-2:]
    rows = np.minimum(np.arange(height) + crops[:, :1], height - 1)
    columns = np.minimum(np.arange(width) + crops[:, 1:], width - 1)
    one = np.arange(len(latents))[:, None, None]
    moved = latents[one, :, rows[:, :, None], columns[:, None, :]]  # [batch, height, width, channels]
    return np.ascontiguousarray(moved.transpose(0, 3, 1, 2))


def _vector(pooled: Tensor, numbers: Tensor) -> Tensor:
    waves = sinusoid(numbers.float().flatten()).reshape(len(numbers), -1)
    return torch.cat([pooled.float(), waves], dim=1)
