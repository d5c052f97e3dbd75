"""What the first model is taught: pictures and the words for them, through one text encoder."""

import numpy as np
import torch
from torch import Tensor

from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.denoiser_training import DenoiserSettings
from diffusion.training.drawn_set import DrawnSet
from diffusion.training.model_sizes import Networks, build_networks
from diffusion.training.vocabulary import Vocabulary


class TextLesson:
    """U-Net and text encoder learn together, from nothing."""

    name = "denoiser"

    def __init__(self, drawn: DrawnSet, vocabulary: Vocabulary) -> None:
        self._pictures = CaptionedLatents(drawn, vocabulary)
        self._words = len(vocabulary.ids)

    def networks(self) -> Networks:
        """Build both networks with random weights."""
        return build_networks(self._words)

    def examples(self, random: np.random.Generator, settings: DenoiserSettings) -> tuple[Tensor, Tensor]:
        """Choose latents and caption tokens."""
        indices = self._pictures.choose(random, settings.batch, settings.pairs)
        x0 = torch.from_numpy(self._pictures.latents[indices]).float()
        return x0, self._pictures.tokens(random, indices, settings.drop_caption)

    def predict(self, networks: Networks, noisy: Tensor, timesteps: Tensor, told: Tensor) -> Tensor:
        """Read the captions, then see the noise."""
        context = networks.text_encoder(told).last_hidden_state
        return networks.unet(noisy, timesteps, context).sample
