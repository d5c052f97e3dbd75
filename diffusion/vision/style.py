"""Style models: an encoded picture becomes tokens beside those of the text.

Source: TencentARC/T2I-Adapter, style adapter (Apache-2.0); black-forest-labs/flux, Redux (Apache-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.errors import ModelFileError, UnknownModel, recognising
from diffusion.network import Network, check_finite, empty, grouped
from diffusion.placement import default_device, place
from diffusion.residual_attention import ResidualAttention
from diffusion.sampling.conditioning import Conditioning
from diffusion.tensor_file import open_tensors
from diffusion.vision.encoder import PictureEncoding


class Redux(nn.Module):
    """Flux Redux: SigLIP's tokens, widened to those of T5."""

    def __init__(self, width: int, inner: int, text: int) -> None:
        super().__init__()
        self.redux_up, self.redux_down = nn.Linear(width, inner), nn.Linear(inner, text)

    def forward(self, tokens: Tensor) -> Tensor:
        result: Tensor = self.redux_down(F.silu(self.redux_up(tokens)))
        return result


class StyleAdapter(nn.Module):
    """T2I style adapter: learned tokens that look at those of CLIP."""

    def __init__(self, width: int, tokens: int, layers: int, text: int) -> None:
        super().__init__()
        self.transformer_layes = nn.Sequential(
            *(ResidualAttention(width) for _ in range(layers))
        )  # spelled so in the files
        self.style_embedding = nn.Parameter(torch.empty(1, tokens, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, text))

    def forward(self, tokens: Tensor) -> Tensor:
        own = self.style_embedding.expand(tokens.shape[0], -1, -1)
        x = self.transformer_layes(self.ln_pre(torch.cat([tokens, own], dim=1)))
        result: Tensor = self.ln_post(x[:, -own.shape[1] :]) @ self.proj
        return result


@dataclass(frozen=True, slots=True)
class StyleModel:
    """A style model as nodes hand it around.

    Attributes:
        width: of the tokens it reads.
    """

    network: Network
    width: int

    @torch.inference_mode()
    def tokens(self, picture: PictureEncoding) -> Tensor:
        """The tokens of all encoded pictures, one after another, [1, tokens, text width].

        Raises:
            ModelFileError: if the pictures were encoded by another kind of encoder.
        """
        state = picture.last_hidden_state
        if state.shape[-1] != self.width:
            raise ModelFileError(
                f"The style model '{self.network.source}' reads tokens of width {self.width}; the encoded picture has "
                f"{state.shape[-1]}. Encode it with the CLIP vision model that belongs to the style model."
            )
        module = self.network.prepare()
        found: Tensor = module(state.to(self.network.device, self.network.compute))
        return found.float().cpu().flatten(0, 1)[None]


def load_style_model(path: str | Path, *, device: torch.device | str | None = None) -> StyleModel:
    """Load Flux Redux or a T2I style adapter.

    Raises:
        ModelFileError: if the file is damaged, incomplete or of another kind.
    """
    file = open_tensors(path)
    source, weights = str(file.path), {name: file[name] for name in file}
    check_finite(file, source)
    with recognising(source):
        module, width = _module(weights, source)
    where = place(weights, torch.device(device) if device is not None else default_device())
    network = where.network(lambda: module, weights, source)
    return StyleModel(network, width)


def _module(weights: Mapping[str, Tensor], source: str) -> tuple[nn.Module, int]:
    if "redux_down.weight" in weights and "redux_up.weight" in weights:
        (inner, width), text = weights["redux_up.weight"].shape, weights["redux_down.weight"].shape[0]
        return empty(lambda: Redux(width, inner, text), source), width
    if "style_embedding" in weights and "proj" in weights:
        _, tokens, width = weights["style_embedding"].shape
        layers = 1 + max(int(m[1]) for n in weights if (m := re.match(r"transformer_layes\.(\d+)\.", n)))
        return empty(lambda: StyleAdapter(width, tokens, layers, weights["proj"].shape[1]), source), width
    raise UnknownModel(
        f"'{source}' is no style model that is known: its tensors are {grouped(sorted(weights), 3)}. "
        "Flux Redux and T2I style adapters are."
    )


def with_style(conditioning: Conditioning, tokens: Tensor, strength: float, *, bias: bool) -> list[list[Any]]:
    """A conditioning with a style's tokens after those of the text.

    Args:
        strength: factor of the tokens or, with `bias`, of the attention that is paid to them.
    """
    tokens = tokens if bias else tokens * strength
    result: list[list[Any]] = []
    for text, options in conditioning:
        changed = dict(options)
        if "attention_mask" in changed or (bias and strength != 1.0):
            changed["attention_mask_img_shape"] = shape = changed.get("attention_mask_img_shape", (1, 1))
            added = torch.tensor(strength if bias else 1.0).log()
            changed["attention_mask"] = _widened(
                changed.get("attention_mask"), text, tokens.shape[1], shape[0] * shape[1], added
            )
        result.append([torch.cat([text, tokens.to(text)], dim=1), changed])
    return result


def _widened(mask: Tensor | None, text: Tensor, added: int, places: int, bias: Tensor) -> Tensor:
    """An attention mask (text, then picture) with room for tokens between both, which all others see with a bias."""
    batch, count = text.shape[:2]
    if mask is None:
        mask = torch.zeros(batch, count + places, count + places, dtype=torch.float16)
    if mask.dtype == torch.bool:
        mask = mask.half().log()
    total = count + added + places
    wide = torch.zeros(batch, total, total, dtype=torch.float16)
    kept = torch.cat([torch.arange(count), torch.arange(count + added, total)])
    wide[:, kept[:, None], kept] = mask.to(wide)
    wide[:, kept, count : count + added] = bias.to(wide)
    return wide


__all__ = ["Redux", "StyleAdapter", "StyleModel", "load_style_model", "with_style"]
