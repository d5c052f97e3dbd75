"""USO's style projector: what SigLIP says of a picture at three depths, as tokens that Flux reads before its text.

Source: Wu et al. 2025, arXiv:2508.18966; bytedance/USO, `SigLIPMultiFeatProjModel` (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.errors import SamplingError, UnknownModel, recognising
from diffusion.families.flux import STYLE
from diffusion.model import Model
from diffusion.network import Network, check_finite, grouped
from diffusion.patching.record import CallNetwork, Step
from diffusion.placement import default_device, place
from diffusion.tensor_file import open_tensors
from diffusion.vision.encoder import PictureEncoding

_PREFIX, _MARK = "feature_embedder.", "mid_layer_norm.bias"
DEPTHS = ("high", "mid", "low")  # the last but one block, the eleventh and the twentieth from the end


class Projector(nn.Module):
    """Fewer tokens, as wide as Flux, of the hidden states of each depth.

    Args:
        tokens: of a picture in SigLIP.
        kept: tokens that are made of them at each depth.
        width: of SigLIP.
        inner: of Flux.
    """

    def __init__(self, tokens: int, kept: int, width: int, inner: int) -> None:
        super().__init__()
        for depth in DEPTHS:
            self.add_module(f"{depth}_embedding_linear", nn.Sequential(nn.Linear(tokens, kept), nn.SiLU()))
            self.add_module(f"{depth}_layer_norm", nn.LayerNorm(width))
            self.add_module(f"{depth}_projection", nn.Linear(width, inner))

    def forward(self, states: Mapping[str, Tensor]) -> Tensor:
        """[batch, tokens, width] by depth → [batch, tokens of all depths, width of Flux]."""
        found = []
        for depth, state in states.items():
            fewer = self.get_submodule(f"{depth}_embedding_linear")(state.transpose(1, 2)).transpose(1, 2)
            normed = self.get_submodule(f"{depth}_layer_norm")(fewer)
            found.append(self.get_submodule(f"{depth}_projection")(normed))
        return torch.cat(found, dim=1)


@dataclass(frozen=True, slots=True)
class StyleProjector:
    """A style projector as nodes hand it around.

    Attributes:
        shape: tokens of a picture and their width, as it reads them.
        inner: width of the network whose text it stands before.
    """

    network: Network
    shape: tuple[int, int]
    inner: int

    @torch.inference_mode()
    def tokens(self, picture: PictureEncoding) -> Tensor:
        """The tokens of a picture's style [pictures, tokens, width of Flux].

        Raises:
            SamplingError: if the picture was encoded by another kind of encoder.
        """
        deeper, last = picture.deeper_hidden_states, picture.penultimate_hidden_states
        if deeper is None or tuple(last.shape[1:]) != self.shape:
            raise SamplingError(
                f"The style projector '{self.network.source}' reads {self.shape[0]} tokens of width {self.shape[1]} at "
                f"three depths of SigLIP; the encoded picture has {last.shape[1]} of width {last.shape[2]}. Encode it "
                "with the SigLIP vision model (so400m, patch 14, 384 pixels)."
            )
        states = {"high": last, "mid": deeper[:, 1], "low": deeper[:, 0]}
        where = {depth: state.to(self.network.device, self.network.compute) for depth, state in states.items()}
        result: Tensor = self.network.prepare()(where)
        return result.float().cpu()

    def applied(self, model: Model, picture: PictureEncoding) -> Model:
        """The model with a picture's style before its text; styles of several pictures stand one after another.

        Raises:
            SamplingError: if the model is no Flux of this width, or the picture does not fit.
        """
        text = model.network.weights.get("context_embedder.weight")
        if model.family.name != "flux" or text is None or text.shape[0] != self.inner:
            raise SamplingError(
                f"The style projector '{self.network.source}' is made for Flux of width {self.inner}; this model is a "
                f"{type(model.network.module).__name__}. Use it with Flux dev."
            )
        style = self.tokens(picture)

        def with_style(call: CallNetwork, x: Tensor, timestep: Tensor, inputs: Mapping[str, Any], _: Step) -> Tensor:
            before = [inputs[STYLE]] if STYLE in inputs else []
            return call(x, timestep, {**inputs, STYLE: torch.cat([*before, style.to(x)], dim=1)})

        return model.with_network_patches(network=(with_style,))


def load_style_projector(path: str | Path, *, device: torch.device | str | None = None) -> StyleProjector:
    """Load USO's style projector.

    Raises:
        ModelFileError: if the file is damaged, incomplete or of another kind.
    """
    file = open_tensors(path)
    source = str(file.path)
    check_finite(file, source)
    weights = {name.removeprefix(_PREFIX): file[name] for name in file}
    if _MARK not in weights:
        raise UnknownModel(
            f"'{source}' is no model patch that is known: its tensors are {grouped(sorted(weights), 3)}. The style "
            "projector of USO for Flux is."
        )
    with recognising(source):
        kept, tokens = weights["high_embedding_linear.0.weight"].shape
        inner, width = weights["high_projection.weight"].shape
        where = place(weights, torch.device(device) if device is not None else default_device())
        network = where.network(lambda: Projector(tokens, kept, width, inner), weights, source)
    return StyleProjector(network, (tokens, width), inner)


__all__ = ["DEPTHS", "Projector", "StyleProjector", "load_style_projector"]
