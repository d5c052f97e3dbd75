"""Stability's control networks for Stable Diffusion 3.5 Large: blur, canny and depth.

They read no text, and take the latent as the model's own first layer lays it out, so that they are whole only beside a
model.

Source: Stability-AI/sd3.5 (code: MIT); huggingface/diffusers, `SD3ControlNetModel` and its conversion (Apache-2.0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from diffusion.control import ActiveControl, ControlNet
from diffusion.errors import MissingWeights, ModelFileError, SamplingError
from diffusion.latents import SD3
from diffusion.layouts.transformers import Piece, TransformerLayout, blocks_of
from diffusion.network import Network
from diffusion.placement import Placement, place
from diffusion.sampling.prediction import Prediction
from diffusion.steering import Sd3Steering
from diffusion.tensor_file import TensorFile

_INPUT, _KIND = "pos_embed_input.proj.weight", "control_type"
_POOLED = "time_text_embed.text_embedder.linear_1"
_FIRST = ("pos_embed.proj.weight", "pos_embed.proj.bias", "pos_embed.pos_embed")
_TIMES = {
    "t_embedder.mlp.0": "time_text_embed.timestep_embedder.linear_1",
    "t_embedder.mlp.2": "time_text_embed.timestep_embedder.linear_2",
    "y_embedder.mlp.0": _POOLED, "y_embedder.mlp.2": "time_text_embed.text_embedder.linear_2",
}  # fmt: skip
_BLOCK = {
    "attn.proj": "attn.to_out.0", "mlp.fc1": "ff.net.0.proj", "mlp.fc2": "ff.net.2",
    "adaLN_modulation.1": "norm1.linear",
}  # fmt: skip


def _stretched(picture: Tensor) -> Tensor:
    """Edges as the canny network was trained on them: 0 and 1 reach the autoencoder as 0.5 and 128."""
    return (picture * 127.5 + 1.5) / 2


def _inverted(picture: Tensor) -> Tensor:
    return 1.0 - picture


_KINDS = {1: _stretched, 2: _inverted}  # canny, depth (near is white); blur is read as it is


@dataclass(slots=True)
class _Made:
    """The network made last, and the model it was made for."""

    base: Network | None = None
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class LargeControl(ControlNet):
    """A control network without a first layer; it gets the model's when a run begins.

    Attributes:
        weights: under diffusers' names.
        config: arguments of diffusers' SD3ControlNetModel but for the first layer's.
        where: device and number formats.
        source: what to call the file in messages.
    """

    weights: Mapping[str, Tensor] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    where: Placement | None = None
    source: str = ""
    _made: _Made = field(default_factory=_Made)

    def on(self, base: Network) -> ControlNet:
        """The network as it stands beside a model.

        Raises:
            SamplingError: if the model's first layer is of another kind or width.
        """
        if self._made.network is None or self._made.base is not base:
            self._made.network, self._made.base = self._whole(base), base
        names = ("hint", "strength", "start", "end", "ratio", "steering", "latents", "vae", "change")
        previous = None if self.previous is None else self.previous.on(base)
        return ControlNet(self._made.network, previous=previous, **{name: getattr(self, name) for name in names})

    def prepared(self, prediction: Prediction, noise: Tensor) -> ActiveControl:
        """Refused: there is no first layer before the model is known."""
        raise SamplingError(f"The control network '{self.source}' needs the model it stands beside.")

    def _whole(self, base: Network) -> Network:
        from diffusers import SD3ControlNetModel

        width = self.config["attention_head_dim"] * self.config["num_attention_heads"]
        first = {name: base.weights[name] for name in _FIRST if name in base.weights}
        if len(first) != len(_FIRST) or first[_FIRST[0]].shape[0] != width:
            raise SamplingError(
                f"The control network '{self.source}' is made for a Stable Diffusion 3.5 of width {width}; this model "
                f"is a {type(base.module).__name__} that is none. Choose a control network for this model."
            )
        assert self.where is not None
        config = {**self.config, "pos_embed_max_size": math.isqrt(first["pos_embed.pos_embed"].shape[1])}
        return self.where.network(lambda: SD3ControlNetModel(**config), {**self.weights, **first}, self.source)


def is_large_control(names: Mapping[str, Any]) -> bool:
    """Whether tensor names are those of a control network for Stable Diffusion 3.5 Large."""
    return "controlnet_blocks.0.weight" in names and _INPUT in names and "context_embedder.weight" not in names


def large_control(file: TensorFile, device: torch.device) -> LargeControl:
    """A control network for Stable Diffusion 3.5 Large, in Stability's layout or that of diffusers.

    Raises:
        ModelFileError: if the file is incomplete.
    """
    source = str(file.path)
    found = {name: file[name] for name in file}
    mark = found.pop(_KIND, None)
    layout = _layout({name: tuple(tensor.shape) for name, tensor in found.items()})
    weights = {**found, **layout.convert(found)}
    if f"{_POOLED}.weight" not in weights:
        raise MissingWeights(f"'{source}' lacks '{_POOLED}.weight'. The file is incomplete; use the complete file.")
    width, pooled = weights[f"{_POOLED}.weight"].shape
    if width == pooled:
        raise ModelFileError(
            f"'{source}' is a control network that reads the model's own vector of the text, which is not known here. "
            "Use one for Stable Diffusion 3.5 Large (8b), or one in diffusers' layout."
        )
    config = {
        "sample_size": 128, "patch_size": weights[_INPUT].shape[2], "in_channels": weights[_INPUT].shape[1],
        "num_layers": blocks_of(weights, "transformer_blocks"), "attention_head_dim": 64,
        "num_attention_heads": width // 64, "joint_attention_dim": None, "caption_projection_dim": width,
        "pooled_projection_dim": pooled, "out_channels": weights[_INPUT].shape[1],
    }  # fmt: skip
    empty_network: Any = None  # there is none before the model is known
    change = None if mark is None else _KINDS.get(round(float(mark.reshape(-1)[0])))
    return LargeControl(
        empty_network, steering=Sd3Steering(), latents=SD3, weights=weights, config=config,
        where=place(weights, device), source=source, change=change,
    )  # fmt: skip


def _layout(shapes: Mapping[str, tuple[int, ...]]) -> TransformerLayout:
    """Where Stability's layers go; those that have diffusers' names already are not mentioned."""
    plain, pieces = dict(_TIMES), {}
    for block in range(blocks_of(shapes, "transformer_blocks")):
        own = f"transformer_blocks.{block}"
        plain |= {f"{own}.{old}": f"{own}.{new}" for old, new in _BLOCK.items()}
        third = shapes.get(f"{own}.attn.qkv.weight", (0,))[0] // 3
        pieces[f"{own}.attn.qkv"] = tuple(
            Piece(f"{own}.attn.to_{part}", place * third, third) for place, part in enumerate("qkv")
        )
    return TransformerLayout(plain, pieces)


__all__ = ["LargeControl", "is_large_control", "large_control"]
