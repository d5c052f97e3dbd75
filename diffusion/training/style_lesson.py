"""A small LoRA for the first model: the same pictures in soft, light colours on warm paper.

Source: Hu et al. 2021, arXiv:2106.09685.
"""

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig
from torch import Tensor, nn
from transformers import CLIPTextModel

from diffusion.training.altered_pictures import AlteredPictures
from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.denoiser_training import DenoiserSettings
from diffusion.training.drawn_set import DrawnSet
from diffusion.training.model_sizes import Networks

RANK = 4
TARGETS = ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "conv1", "conv2", "conv_shortcut")
PAPER = np.array((250, 243, 230), np.float32)
PAINT = 0.45  # share of the picture's own colour


@dataclass(slots=True)
class StyledNetworks:
    """The U-Net with low-rank additions, of which only these learn."""

    unet: UNet2DConditionModel

    def named(self) -> dict[str, nn.Module]:
        """Return the networks by the names used in checkpoints."""
        return {"unet": self.unet}


class StyleLesson:
    """The additions learn from restyled pictures with the captions of the drawn ones."""

    name = "style"

    def __init__(self, captioned: CaptionedLatents, styled: AlteredPictures, finished: Networks) -> None:
        self._captioned = captioned
        self._latents = np.load(styled.latents_file, mmap_mode="r")
        self._unet = finished.unet.eval().requires_grad_(False)
        self._reader: CLIPTextModel = finished.text_encoder.eval().requires_grad_(False)

    def networks(self) -> StyledNetworks:
        """Put additions beside the finished U-Net's matrices."""
        self._unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(TARGETS)))
        return StyledNetworks(self._unet)

    def examples(self, random: np.random.Generator, settings: DenoiserSettings) -> tuple[Tensor, Tensor]:
        """Choose latents of restyled pictures and caption tokens."""
        indices = np.sort(random.integers(0, len(self._latents), settings.batch))
        x0 = torch.from_numpy(self._latents[indices]).float()
        return x0, self._captioned.tokens(random, indices, settings.drop_caption)

    def predict(self, networks: StyledNetworks, noisy: Tensor, timesteps: Tensor, told: Tensor) -> Tensor:
        """Read the captions, then see the noise."""
        with torch.no_grad():
            context = self._reader(told).last_hidden_state
        return networks.unet(noisy, timesteps, context).sample


def pastel_pictures(drawn: DrawnSet, count: int = 2048) -> AlteredPictures:
    """Return the first pictures of a drawn set in soft colours."""
    return AlteredPictures(drawn, "pastel", count, lambda picture, index: pastel(picture))


def pastel(picture: np.ndarray) -> np.ndarray:
    """Mix a picture, uint8 [height, width, 3], with the colour of warm paper."""
    return (PAINT * picture + (1 - PAINT) * PAPER).round().astype(np.uint8)
