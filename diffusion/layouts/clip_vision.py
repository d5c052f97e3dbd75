"""Encoders of pictures: CLIP in the layouts of transformers and open_clip, and SigLIP.

Source: Radford et al. 2021, arXiv:2103.00020; Zhai et al. 2023, arXiv:2303.15343; mlfoundations/open_clip.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from diffusion.errors import UnknownModel
from diffusion.layouts.clip import blocks_in_open_clip, open_clip_blocks

HEADS = 16  # of every published size: L, H, G and SigLIP's so400m
IN_CHECKPOINT: Mapping[str, str] = {
    "unclip": "embedder.model.visual.",
    "video": "conditioner.embedders.0.open_clip.model.visual.",
    "zero123": "cond_stage_model.model.visual.",
}
"""Where checkpoints that are shown pictures keep their encoder."""
_OWN = "vision_model."
_OPEN_CLIP = {
    "class_embedding": "embeddings.class_embedding", "positional_embedding": "embeddings.position_embedding.weight",
    "conv1.weight": "embeddings.patch_embedding.weight", "ln_pre.weight": "pre_layrnorm.weight",
    "ln_pre.bias": "pre_layrnorm.bias",
    "ln_post.weight": "post_layernorm.weight", "ln_post.bias": "post_layernorm.bias",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VisionLayout:
    """What the tensors of a picture encoder say.

    Attributes:
        siglip: whether it is SigLIP's: no class token, no projection.
        config: arguments of transformers' CLIPVisionConfig or SiglipVisionConfig.
        tensors: under transformers' names, without `vision_model.`; the projection is `visual_projection.weight`.
        size: side of the square pictures it reads.
    """

    siglip: bool
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    size: int


def has_open_clip_vision(names: Mapping[str, Any], prefix: str) -> bool:
    """Whether a picture encoder of open_clip lies under a prefix."""
    return f"{prefix}class_embedding" in names and f"{prefix}conv1.weight" in names


def has_transformers_vision(names: Mapping[str, Any], prefix: str) -> bool:
    """Whether a picture encoder of transformers lies under a prefix."""
    return f"{prefix}{_OWN}embeddings.patch_embedding.weight" in names


def read_clip_vision(tensors: Mapping[str, Tensor], source: str, prefix: str = "") -> VisionLayout:
    """Infer a picture encoder of any of the layouts.

    Args:
        source: what to call the file in messages.
        prefix: what precedes the names; a file of its own may also have `visual.`.
    Raises:
        UnknownModel: if there is none.
    """
    for start in (prefix, f"{prefix}visual."):
        if has_open_clip_vision(tensors, start):
            inside = {name[len(start) :]: tensors[name] for name in tensors if name.startswith(start)}
            return _layout(_from_open_clip(inside), source)
    inside = {name[len(prefix) :]: tensors[name] for name in tensors if name.startswith(prefix)}
    found = {name.removeprefix(_OWN): tensor for name, tensor in inside.items() if name.startswith(_OWN)}
    if "embeddings.patch_embedding.weight" not in found:
        raise UnknownModel(
            f"'{source}' is no picture encoder that is known: '{_OWN}embeddings.patch_embedding.weight' is missing. "
            "CLIP (L, H, G; transformers or open_clip layout) and SigLIP are."
        )
    if "visual_projection.weight" in inside:
        found["visual_projection.weight"] = inside["visual_projection.weight"]
    return _layout(found, source)


def in_open_clip(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A picture encoder of transformers in open_clip's layout: fused attention, the projection the other way round."""
    inside = {name.removeprefix(_OWN): one for name, one in tensors.items()}
    result = {old: inside[new] for old, new in _OPEN_CLIP.items() if new in inside}
    if "visual_projection.weight" in inside:
        result["proj"] = inside["visual_projection.weight"].T.contiguous()
    return {**result, **blocks_in_open_clip(inside)}


def _from_open_clip(inside: Mapping[str, Tensor]) -> dict[str, Tensor]:
    result = {new: inside[old] for old, new in _OPEN_CLIP.items() if old in inside}
    if "proj" in inside and inside["proj"].ndim == 2:
        projection = inside["proj"]
        result["visual_projection.weight"] = projection.T if projection.ndim == 2 else projection
    return {**result, **open_clip_blocks(inside)}


def _layout(found: dict[str, Tensor], source: str) -> VisionLayout:
    siglip = "embeddings.patch_embedding.bias" in found
    positions, first = "embeddings.position_embedding.weight", "encoder.layers.0.mlp.fc1.weight"
    for needed in (positions, first):
        if needed not in found:
            raise UnknownModel(f"'{source}' is no whole picture encoder: '{_OWN}{needed}' is missing.")
    width, patch = found["embeddings.patch_embedding.weight"].shape[::3]
    if width % HEADS:
        raise UnknownModel(f"'{source}' holds a picture encoder of width {width}, which {HEADS} heads cannot share.")
    size = patch * math.isqrt(found[positions].shape[0] - (0 if siglip else 1))
    act = "gelu_pytorch_tanh" if siglip else ("quick_gelu" if width <= 1024 else "gelu")
    config: dict[str, Any] = {
        "hidden_size": width,
        "intermediate_size": found[first].shape[0],
        "num_hidden_layers": max(int(m[1]) + 1 for n in found if (m := re.match(r"encoder\.layers\.(\d+)\.", n))),
        "num_attention_heads": HEADS,
        "image_size": size,
        "patch_size": patch,
        "hidden_act": act,
        "layer_norm_eps": 1e-6 if siglip else 1e-5,
    }
    if siglip:
        config["vision_use_head"] = False
        found = {name: tensor for name, tensor in found.items() if not name.startswith("head.")}
    elif "visual_projection.weight" in found:
        config["projection_dim"] = found["visual_projection.weight"].shape[0]
    return VisionLayout(siglip, config, found, size)


__all__ = [
    "IN_CHECKPOINT",
    "VisionLayout",
    "has_open_clip_vision",
    "has_transformers_vision",
    "in_open_clip",
    "read_clip_vision",
]
