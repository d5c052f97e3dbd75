"""A small ControlNet for the first model: a silhouette says where the shape stands and what outline it has.

Source: Zhang et al. 2023, arXiv:2302.05543.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.denoiser_training import DenoiserSettings
from diffusion.training.drawn_set import DrawnSet
from diffusion.training.fast_norms import keep_group_norms_in_float32
from diffusion.training.model_sizes import UNET, Networks
from diffusion.training.vocabulary import Vocabulary

HEADS = 2  # what loaders assume for 128 channels: the file of a ControlNet says nothing of its heads
HINT_WIDTHS = (8, 16, 32, 64)
STANDS_OUT = 60  # sum of the colour differences to the background


@dataclass(slots=True)
class ControlNetworks:
    """The control network, which learns, and the U-Net that it steers, which stays as it is."""

    control: ControlNetModel
    unet: UNet2DConditionModel

    def named(self) -> dict[str, nn.Module]:
        """Return the networks by the names used in checkpoints."""
        return {"control": self.control}


class Told(NamedTuple):
    """Caption tokens [batch, 77] and silhouettes [batch, 3, 128, 128] in 0..1."""

    tokens: Tensor
    silhouettes: Tensor


def build_control(unet: UNet2DConditionModel) -> ControlNetModel:
    """Build a control network around the first half of a U-Net; it begins without any effect."""
    taken = ("down_block_types", "block_out_channels", "layers_per_block", "cross_attention_dim", "norm_num_groups")
    control = ControlNetModel(
        **{name: UNET[name] for name in taken},
        attention_head_dim=HEADS,
        conditioning_embedding_out_channels=HINT_WIDTHS,
    )
    own = control.state_dict()
    control.load_state_dict({name: weight for name, weight in unet.state_dict().items() if name in own}, strict=False)
    return control


class ControlLesson:
    """The control network learns beside the first model's finished networks."""

    name = "control"

    def __init__(self, drawn: DrawnSet, vocabulary: Vocabulary, finished: Networks) -> None:
        self._captioned = CaptionedLatents(drawn, vocabulary)
        self._pictures = np.load(drawn.pictures_file, mmap_mode="r")
        self._unet = finished.unet.eval().requires_grad_(False)
        self._reader: CLIPTextModel = finished.text_encoder.eval().requires_grad_(False)

    def networks(self) -> ControlNetworks:
        """Build the control network around the finished U-Net."""
        control = build_control(self._unet)
        keep_group_norms_in_float32(control)
        return ControlNetworks(control, self._unet)

    def examples(self, random: np.random.Generator, settings: DenoiserSettings) -> tuple[Tensor, Told]:
        """Choose latents, caption tokens and the pictures' silhouettes."""
        indices = self._captioned.choose(random, settings.batch, settings.pairs)
        x0 = torch.from_numpy(self._captioned.latents[indices]).float()
        shapes = torch.from_numpy(np.stack([silhouette(self._pictures[index]) for index in indices])).float().div(255)
        tokens = self._captioned.tokens(random, indices, settings.drop_caption)
        return x0, Told(tokens, shapes.permute(0, 3, 1, 2))

    def predict(self, networks: ControlNetworks, noisy: Tensor, timesteps: Tensor, told: Told) -> Tensor:
        """See the noise with the help of the silhouettes."""
        with torch.no_grad():
            context = self._reader(told.tokens).last_hidden_state
        down, middle = networks.control(
            noisy, timesteps, encoder_hidden_states=context, controlnet_cond=told.silhouettes, return_dict=False
        )
        return networks.unet(
            noisy, timesteps, context, down_block_additional_residuals=down, mid_block_additional_residual=middle
        ).sample


def silhouette(picture: np.ndarray) -> np.ndarray:
    """Return what stands out of a picture's background, uint8 [height, width, 3]: white on black.

    Args:
        picture: uint8 [height, width, 3]; the background is the usual colour of its border.
    """
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    background = np.median(border, axis=0)
    stands_out = np.abs(picture - background).sum(axis=-1) > STANDS_OUT
    return np.repeat(stands_out[:, :, None], 3, axis=2).astype(np.uint8) * 255
