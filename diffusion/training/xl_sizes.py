"""The sizes of the embedded models of SDXL architecture, and how they are built.

As in the large models the second text encoder is the larger one, the base reads both through their layer before
the last, and the refiner reads the second alone. The second encoder and the U-Nets have the widths of the first
embedded model, whose weights they begin with.
"""

from dataclasses import dataclass
from typing import Any

from diffusers import UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from diffusion.training.model_sizes import UNET, VAE, text_settings

BASE_NAME = "heddle-shapes-xl-base-128"
REFINER_NAME = "heddle-shapes-xl-refiner-128"
SCALING_FACTOR = 0.13025  # SDXL's
POOLED = 128
NUMBER_WIDTH = 256  # of the sinusoids of each number that the U-Net is told
BASE_NUMBERS, REFINER_NUMBERS = 6, 5
HANDOFF_TIMESTEP = 200  # the refiner knows the noise levels below it

XL_VAE: dict[str, Any] = {**VAE, "scaling_factor": SCALING_FACTOR}
FIRST_WIDTH = 48
SECOND_WIDTH = 128

_LARGE: dict[str, Any] = {"use_linear_projection": True, "class_embed_type": "projection"}
BASE_UNET: dict[str, Any] = {
    **UNET,
    **_LARGE,
    "cross_attention_dim": FIRST_WIDTH + SECOND_WIDTH,
    "projection_class_embeddings_input_dim": POOLED + BASE_NUMBERS * NUMBER_WIDTH,
}
REFINER_UNET: dict[str, Any] = {
    **UNET,
    **_LARGE,
    "layers_per_block": [2, 1, 1],  # one more where the picture is finest
    "cross_attention_dim": SECOND_WIDTH,
    "projection_class_embeddings_input_dim": POOLED + REFINER_NUMBERS * NUMBER_WIDTH,
}


@dataclass(slots=True)
class BaseNetworks:
    """The base's U-Net and both text encoders, which are trained together."""

    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    text_encoder_2: CLIPTextModelWithProjection

    def named(self) -> dict[str, nn.Module]:
        """Return the networks by the names used in checkpoints."""
        return {"unet": self.unet, "text_encoder": self.text_encoder, "text_encoder_2": self.text_encoder_2}


@dataclass(slots=True)
class RefinerNetworks:
    """The refiner's U-Net; its text encoder is the base's second one and stays as it is."""

    unet: UNet2DConditionModel

    def named(self) -> dict[str, nn.Module]:
        """Return the networks by the names used in checkpoints."""
        return {"unet": self.unet}


def first_text_settings(words: int) -> dict[str, Any]:
    """Return the arguments of CLIPTextConfig for the smaller encoder, in CLIP-L's manner."""
    sizes = {"hidden_size": FIRST_WIDTH, "intermediate_size": 4 * FIRST_WIDTH, "projection_dim": FIRST_WIDTH}
    return {**text_settings(words), **sizes, "num_hidden_layers": 3}


def second_text_settings(words: int) -> dict[str, Any]:
    """Return the arguments of CLIPTextConfig for the larger encoder, in OpenCLIP-G's manner."""
    sizes = {"hidden_size": SECOND_WIDTH, "intermediate_size": 384, "projection_dim": POOLED}
    return {**text_settings(words), **sizes, "num_hidden_layers": 3, "hidden_act": "gelu"}


def build_second_encoder(words: int) -> CLIPTextModelWithProjection:
    """Build the larger text encoder with random weights."""
    return CLIPTextModelWithProjection(CLIPTextConfig(**second_text_settings(words)))


def build_base(words: int) -> BaseNetworks:
    """Build the base's networks with random weights."""
    first = CLIPTextModel(CLIPTextConfig(**first_text_settings(words)))
    return BaseNetworks(UNet2DConditionModel(**BASE_UNET), first, build_second_encoder(words))


def build_refiner() -> RefinerNetworks:
    """Build the refiner's U-Net with random weights."""
    return RefinerNetworks(UNet2DConditionModel(**REFINER_UNET))
