"""PhotoMaker: the person in a photograph, merged into one token of a prompt.

Source: Li et al. 2023, arXiv:2312.04461; TencentARC/PhotoMaker, version 1 (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.errors import ModelFileError, SamplingError, UnknownModel, recognising
from diffusion.network import Network, check_finite, grouped
from diffusion.placement import Placement, default_device
from diffusion.tensor_file import open_tensors
from diffusion.text.chunks import Token
from diffusion.text.encoder import TextEncoder
from diffusion.vision.encoder import PictureEncoder, picture_encoder

TRIGGER = "photomaker"  # the word before it becomes the person
_FUSION, _SECOND = "fuse_module.", "visual_projection_2.weight"


class Merging(nn.Module):
    """A normed layer pair; the second one of a fusion adds its input to its output."""

    def __init__(self, inputs: int, outputs: int, inner: int) -> None:
        super().__init__()
        self.layernorm, self.fc1, self.fc2 = nn.LayerNorm(inputs), nn.Linear(inputs, inner), nn.Linear(inner, outputs)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.fc2(F.gelu(self.fc1(self.layernorm(x))))
        return result


class Fusion(nn.Module):
    """One token of a prompt, changed to mean the person."""

    def __init__(self, width: int, first: int, second: int) -> None:
        super().__init__()
        self.mlp1, self.mlp2 = Merging(2 * width, width, first), Merging(width, width, second)
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, token: Tensor, person: Tensor) -> Tensor:
        x = token + self.mlp1(torch.cat([token, person], dim=-1))
        result: Tensor = self.layer_norm(x + self.mlp2(x))
        return result


@dataclass(frozen=True, slots=True)
class PhotoMaker:
    """PhotoMaker as nodes hand it around.

    Attributes:
        encoder: of photographs; its projection is as wide as the text.
        fusion: merges what it says into a token.
    """

    encoder: PictureEncoder
    fusion: Network

    def encode(self, clip: TextEncoder, text: str, image: Tensor) -> list[list[Any]]:
        """A prompt whose token before the trigger word means the person; without the word, the prompt as it is.

        The token's place is the word's number, which is its true place where every word before it is one token. As
        saved workflows expect, what is left out of the prompt is the stretch of text (`Token.word`) that has the
        trigger's number.

        Args:
            image: [batch, h, w, channels] in 0..1; the first picture is read.
        Raises:
            SamplingError: if the text encoder is not as wide as PhotoMaker.
        """
        words, tokens = text.split(" "), clip.tokenize(text)
        if TRIGGER not in words:
            return clip.conditioning(tokens)
        place = words.index(TRIGGER)
        left = {name: [_without(chunk, place + 1) for chunk in chunks] for name, chunks in tokens.items()}
        person = self.encoder.encode_image(image[:1]).image_embeds
        return [[self._merged(embedding, person, place), options] for embedding, options in clip.conditioning(left)]

    @torch.inference_mode()
    def _merged(self, embedding: Tensor, person: Tensor, place: int) -> Tensor:
        width = person.shape[-1]
        if embedding.shape[-1] != width:
            raise SamplingError(
                f"PhotoMaker '{self.fusion.source}' reads text of width {width}; the text encoder gives "
                f"{embedding.shape[-1]}. Use the text encoders of Stable Diffusion XL."
            )
        if place >= embedding.shape[1]:
            return embedding
        module, result = self.fusion.prepare(), embedding.clone()
        token, face = (x.to(self.fusion.device, self.fusion.compute) for x in (embedding[:, place], person))
        result[:, place] = module(token, face).to(result)
        return result


def _without(chunk: list[Token], word: int) -> list[Token]:
    """A chunk without a stretch of text, filled up with its last token."""
    kept = [token for token in chunk if token.word != word]
    return kept + [chunk[-1]] * (len(chunk) - len(kept))


def load_photomaker(path: str | Path, *, device: torch.device | str | None = None) -> PhotoMaker:
    """Load PhotoMaker's encoder; the LoRA that its pickle file brings along is not read.

    Raises:
        ModelFileError: if the file is damaged, incomplete or of another kind.
    """
    file = open_tensors(path)
    source, inside = str(file.path), "id_encoder."
    check_finite(file, source)
    prefix = inside if any(name.startswith(inside) for name in file) else ""
    weights = {name[len(prefix) :]: file[name] for name in file if name.startswith(prefix)}
    with recognising(source):
        _check_kind(weights, source)
        where = torch.device(device) if device is not None else default_device()
        return PhotoMaker(_encoder(weights, source, where), _fusion(weights, source, where))


def _check_kind(weights: Mapping[str, Tensor], source: str) -> None:
    if any(name.startswith("qformer_perceiver.") for name in weights):
        raise ModelFileError(
            f"'{source}' is PhotoMaker version 2, which needs a face recogniser beside the picture. Use version 1."
        )
    if _SECOND not in weights or f"{_FUSION}mlp1.fc1.weight" not in weights:
        raise UnknownModel(
            f"'{source}' is no PhotoMaker: '{_SECOND}' or '{_FUSION}mlp1.fc1.weight' is missing; its tensors are "
            f"{grouped(sorted(weights), 3)}. Use photomaker-v1."
        )


def _encoder(weights: Mapping[str, Tensor], source: str, device: torch.device) -> PictureEncoder:
    """The encoder of photographs, with its two projections as one."""
    own = {name: tensor for name, tensor in weights.items() if not name.startswith(_FUSION) and name != _SECOND}
    first, second = weights["visual_projection.weight"], weights[_SECOND]
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ModelFileError(
            f"'{source}': its two projections of a picture have the shapes {tuple(first.shape)} and "
            f"{tuple(second.shape)}, which do not go together. The file is damaged; use the complete file."
        )
    own["visual_projection.weight"] = torch.cat([first, second.to(first)])
    return picture_encoder(own, source, device)


def _fusion(weights: Mapping[str, Tensor], source: str, device: torch.device) -> Network:
    own = {name[len(_FUSION) :]: tensor for name, tensor in weights.items() if name.startswith(_FUSION)}
    (first, double), second = own["mlp1.fc1.weight"].shape, own["mlp2.fc1.weight"].shape[0]
    where = Placement(device, torch.float32, torch.float32)
    return where.network(lambda: Fusion(double // 2, first, second), own, source)


__all__ = ["TRIGGER", "Fusion", "Merging", "PhotoMaker", "load_photomaker"]
