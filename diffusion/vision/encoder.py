"""Encoders of pictures, as nodes hand them around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.errors import recognising
from diffusion.layouts.clip_vision import read_clip_vision
from diffusion.network import Network, check_finite, empty
from diffusion.placement import default_device, place_text
from diffusion.tensor_file import open_tensors

Colour = tuple[float, float, float]
CLIP_COLOURS: tuple[Colour, Colour] = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and deviation of the pictures that CLIP was trained on."""
DEEPER = (-20, -11)  # blocks, counted from the end
SIGLIP_COLOURS: tuple[Colour, Colour] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True, slots=True)
class PictureEncoding:
    """What an encoder says of a batch of pictures; float32, on the CPU. Read by attribute or by key.

    Attributes:
        last_hidden_state: [batch, tokens, width]; normed by SigLIP, not by CLIP.
        image_embeds: CLIP's projected vector [batch, projected]; SigLIP has none and repeats the last state.
        penultimate_hidden_states: [batch, tokens, width], before the last block.
        deeper_hidden_states: [batch, 2, tokens, width], after the twentieth and the eleventh block from the end, which
            style projectors read; None of encoders with fewer, and of CLIP.
    """

    last_hidden_state: Tensor
    image_embeds: Tensor
    penultimate_hidden_states: Tensor
    deeper_hidden_states: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes it holds, for those who bound what they keep."""
        held = {id(one): one for one in (getattr(self, name) for name in self.__slots__) if one is not None}
        return sum(one.nbytes for one in held.values())

    def __getitem__(self, name: str) -> Tensor:
        found: Tensor | None = getattr(self, name) if name in self.__slots__ else None
        if found is None:
            raise KeyError(name)
        return found


@dataclass(frozen=True, slots=True)
class PictureEncoder:
    """A vision transformer and how pictures are made ready for it.

    Attributes:
        size: side of the square it reads.
        colours: mean and deviation by which pixels are normalised.
    """

    network: Network
    size: int
    colours: tuple[Colour, Colour]

    @property
    def siglip(self) -> bool:
        """Whether it is SigLIP, not CLIP."""
        return self.colours == SIGLIP_COLOURS

    def encode_image(self, image: Tensor, crop: bool = True) -> PictureEncoding:
        """Encode pictures of any size.

        Args:
            image: [batch, h, w, channels] in 0..1; channels beyond three are left out.
            crop: cut the middle out of the longer side; otherwise the picture is squeezed.
        """
        return self.encode_pixels(prepared_pixels(image, self.size, self.colours, crop=crop))

    @torch.inference_mode()
    def encode_pixels(self, pixels: Tensor) -> PictureEncoding:
        """Encode what `prepared_pixels` gives."""
        module: Any = self.network.prepare()
        inner = getattr(module, "vision_model", module)
        x = _embedded(inner, pixels.to(self.network.device, self.network.compute))
        before, blocks, deeper = x, inner.encoder.layers, []
        for number, block in enumerate(blocks):
            before, x = x, block(x, attention_mask=None)
            if self.siglip and number - len(blocks) in DEEPER and len(blocks) >= -DEEPER[0]:
                deeper.append(x.float().cpu())
        if hasattr(module, "visual_projection"):
            embeds = module.visual_projection(inner.post_layernorm(x[:, 0]))
        else:
            x = embeds = inner.post_layernorm(x)
        states = torch.stack(deeper, dim=1) if deeper else None
        return PictureEncoding(x.float().cpu(), embeds.float().cpu(), before.float().cpu(), states)


def _embedded(inner: Any, pixels: Tensor) -> Tensor:
    """Patches as tokens; the module's own embedding would round the pixels to the dtype of the kept weights."""
    table = inner.embeddings
    x: Tensor = table.patch_embedding(pixels).flatten(2).transpose(1, 2)
    if hasattr(table, "class_embedding"):
        x = torch.cat([table.class_embedding.to(x).expand(x.shape[0], 1, -1), x], dim=1)
    x = x + table.position_embedding.weight.to(x)
    return inner.pre_layrnorm(x) if hasattr(inner, "pre_layrnorm") else x


def prepared_pixels(image: Tensor, size: int, colours: tuple[Colour, Colour], *, crop: bool) -> Tensor:
    """Pictures as an encoder wants them: square, in steps of 1/255, normalised.

    Returns:
        [batch, 3, size, size].
    """
    x = image[..., :3].movedim(-1, 1).float()
    height, width = x.shape[-2:]
    if (height, width) != (size, size):
        scale = size / min(height, width)
        shape = (round(scale * height), round(scale * width)) if crop else (size, size)
        x = F.interpolate(x, size=shape, mode="bicubic", antialias=True)
        top, left = (x.shape[-2] - size) // 2, (x.shape[-1] - size) // 2
        x = x[:, :, top : top + size, left : left + size]
    x = (255.0 * x).clip(0, 255).round() / 255.0
    mean, deviation = (torch.tensor(values, device=x.device).view(3, 1, 1) for values in colours)
    return (x - mean) / deviation


def load_picture_encoder(path: str | Path, *, device: torch.device | str | None = None) -> PictureEncoder:
    """Load a picture encoder that lies in a file of its own.

    Raises:
        ModelFileError: if the file is damaged, incomplete or of another kind.
    """
    file = open_tensors(path)
    check_finite(file, str(file.path))
    with recognising(file.path):
        return picture_encoder(file, str(file.path), torch.device(device) if device is not None else default_device())


def picture_encoder(
    tensors: Mapping[str, Tensor], source: str, device: torch.device, prefix: str = ""
) -> PictureEncoder:
    """A picture encoder out of the tensors under a prefix.

    Raises:
        ModelFileError: if it is incomplete or unknown.
    """
    layout = read_clip_vision(tensors, source, prefix)
    module = empty(lambda: _module(layout.siglip, layout.config), source)
    names = {name.removeprefix("vision_model."): name for name in module.state_dict()}
    weights = {names.get(name, name): tensor for name, tensor in layout.tensors.items()}
    network = place_text(device).network(lambda: module, weights, source)
    return PictureEncoder(network, layout.size, SIGLIP_COLOURS if layout.siglip else CLIP_COLOURS)


def _module(siglip: bool, config: Mapping[str, Any]) -> nn.Module:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, SiglipVisionConfig, SiglipVisionModel

    module: nn.Module
    if siglip:
        module = SiglipVisionModel(SiglipVisionConfig(**config))
    else:
        module = CLIPVisionModelWithProjection(CLIPVisionConfig(**config))
    return module


__all__ = ["PictureEncoder", "PictureEncoding", "load_picture_encoder", "picture_encoder", "prepared_pixels"]
