"""GLIGEN: phrases in boxes, read by further attention inside a U-Net.

Source: Li et al. 2023, arXiv:2301.07093.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from diffusion.errors import ModelFileError, SamplingError, UnknownModel, recognising
from diffusion.network import Network, check_finite, grouped
from diffusion.patching.record import Site
from diffusion.placement import default_device, place
from diffusion.tensor_file import open_tensors
from diffusion.text.encoder import TextEncoder
from diffusion.text.towers import ClipTower

MOST = 30  # boxes that the model was trained with
_STAGES = ("input_blocks", "middle_block", "output_blocks")
_FUSER = re.compile(r"(?:.*\.)?(input_blocks|middle_block|output_blocks)\.(\d+)\..*\.fuser\.(.+)")


class Box(NamedTuple):
    """A phrase, as its pooled vector [1, width], and where it goes, in latent pixels."""

    phrase: Tensor
    height: int
    width: int
    y: int
    x: int


@dataclass(frozen=True, slots=True)
class Gligen:
    """A GLIGEN model as nodes hand it around.

    Attributes:
        width: of the phrases' vectors.
    """

    network: Network
    width: int

    def prepared(self, boxes: Sequence[Sequence[Any]]) -> Grounding:
        """The model with its boxes, ready for a run.

        Args:
            boxes: (phrase, height, width, y, x) each, in latent pixels.
        Raises:
            SamplingError: for too many boxes, or phrases of another text encoder.
        """
        placed = tuple(Box(*box) for box in boxes)
        if len(placed) > MOST:
            raise SamplingError(f"GLIGEN places at most {MOST} texts; {len(placed)} were asked for. Remove some boxes.")
        for box in placed:
            if box.phrase.shape[-1] != self.width:
                raise SamplingError(
                    f"GLIGEN '{self.network.source}' reads phrases of width {self.width}, not "
                    f"{box.phrase.shape[-1]}. Encode them with the text encoder of the model that it belongs to."
                )
        return Grounding(self.network.prepare(), placed, self.width, self.network.compute)


@dataclass(frozen=True, slots=True, eq=False)
class Grounding:
    """A patch between self- and cross-attention: looks at the boxes."""

    module: Any
    boxes: tuple[Box, ...]
    width: int
    compute: torch.dtype
    _tokens: dict[tuple[int, ...], Tensor] = field(default_factory=dict)

    def __call__(self, tokens: Tensor, site: Site) -> Tensor:
        """The tokens of one block, changed."""
        fusers = self.module.fusers
        if site.transformer >= len(fusers):
            raise SamplingError(
                f"GLIGEN has layers for {len(fusers)} transformers; the model has more. "
                "Use it with the kind of model that it was trained for."
            )
        objects = self._read(site.step.shape, tokens.device).to(self.compute).expand(tokens.shape[0], -1, -1)
        result: Tensor = fusers[site.transformer](tokens.to(self.compute), objects)
        return result.to(tokens)

    def _read(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """The boxes as tokens [1, MOST, width], for a latent of one size."""
        height, width = shape[-2:]
        if (height, width) not in self._tokens:
            sides, there = torch.zeros(1, MOST, 4), torch.zeros(1, MOST)
            phrases = torch.zeros(1, MOST, self.width)
            for index, box in enumerate(self.boxes):
                right, low = (box.x + box.width) / width, (box.y + box.height) / height
                sides[0, index] = torch.tensor([box.x / width, box.y / height, right, low])
                there[0, index], phrases[0, index] = 1.0, box.phrase[0].float()
            values = (one.to(device, self.compute) for one in (sides, there, phrases))
            self._tokens[height, width] = self.module.position_net(*values)
        return self._tokens[height, width]


def phrase_vector(clip: TextEncoder, text: str) -> Tensor | None:
    """The pooled vector of a phrase as GLIGEN reads it: unprojected, [1, width]."""
    bare = replace(
        clip, towers=tuple(replace(t, projection=None) if isinstance(t, ClipTower) else t for t in clip.towers)
    )
    return bare.encode_tokens(bare.tokenize(text))[1]


def load_gligen(path: str | Path, *, device: torch.device | str | None = None) -> Gligen:
    """Load a GLIGEN model for text boxes.

    Raises:
        ModelFileError: if the file is damaged, incomplete or of another kind.
    """
    file = open_tensors(path)
    source = str(file.path)
    check_finite(file, source)
    found = {match: name for name in file if (match := _FUSER.fullmatch(name))}
    places = sorted({(_STAGES.index(m[1]), int(m[2])) for m in found})
    weights = {f"fusers.{places.index((_STAGES.index(m[1]), int(m[2])))}.{m[3]}": file[n] for m, n in found.items()}
    weights |= {name: file[name] for name in file if name.startswith("position_net.")}
    if not places or "position_net.null_positive_feature" not in weights:
        raise UnknownModel(
            f"'{source}' is no GLIGEN model for text boxes: its tensors are {grouped(sorted(file), 3)}. "
            "Choose a file with 'position_net' and 'fuser' tensors."
        )
    where = place(weights, torch.device(device) if device is not None else default_device())
    with recognising(source):
        network = where.network(lambda: _module(weights, len(places), source), weights, source)
    return Gligen(network, weights["position_net.null_positive_feature"].shape[0])


def _module(weights: dict[str, Tensor], count: int, source: str) -> nn.Module:
    from diffusers.models.attention import GatedSelfAttentionDense
    from diffusers.models.embeddings import GLIGENTextBoundingboxProjection

    whole, fusers = nn.Module(), nn.ModuleList()
    for index in range(count):
        name = f"fusers.{index}.linear.weight"
        if name not in weights:
            raise ModelFileError(f"'{source}' lacks the layer '{name}'. The file is incomplete; use the complete file.")
        width, context = weights[name].shape
        heads = 8 if context == 768 else max(1, width // 64)  # as in the U-Net it belongs to
        fusers.append(GatedSelfAttentionDense(width, context, heads, width // heads))
    whole.fusers = fusers
    last, null = "position_net.linears.4.weight", "position_net.null_positive_feature"
    if last not in weights:
        raise ModelFileError(f"'{source}' lacks the layer '{last}'. The file is incomplete; use the complete file.")
    whole.position_net = GLIGENTextBoundingboxProjection(weights[null].shape[0], weights[last].shape[0])
    return whole


__all__ = ["MOST", "Box", "Gligen", "Grounding", "load_gligen", "phrase_vector"]
