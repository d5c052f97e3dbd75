"""CLIP text encoders: the layout of transformers, and that of open_clip.

Source: Radford et al. 2021, arXiv:2103.00020; mlfoundations/open_clip `transformer.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffusion.errors import UnknownModel

START, END = 49406, 49407  # CLIP's own vocabulary
WIDTH_OF_H = 1024

_BLOCK = {
    "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}  # fmt: skip
"""Parts of a transformer block: open_clip's names → those of transformers."""


@dataclass(frozen=True, slots=True)
class ClipLayout:
    """Arguments of transformers' CLIPTextConfig, and the tensors under its names (no `text_model.` in front)."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]
    projection: Tensor | None  # [width, projected], as in `pooled @ projection`


def read_clip(
    tensors: Mapping[str, Tensor], prefix: str, *, heads: int | None = None, act: str | None = None
) -> ClipLayout:
    """Infer a CLIP text encoder of either layout.

    Args:
        prefix: what precedes `text_model.` or `transformer.resblocks.` in the file.
        heads: attention heads where the file states it, else one for each 64 channels.
        act: activation where the file states it; else quick_gelu at width 768, gelu above.
    Raises:
        UnknownModel: if neither layout is found under the prefix.
    """
    inside = {name[len(prefix) :]: name for name in tensors if name.startswith(prefix)}
    own = "" if "embeddings.token_embedding.weight" in inside else "text_model."  # transformers 5, and before
    if f"{own}embeddings.token_embedding.weight" in inside:
        found = {
            name.removeprefix(own): tensors[full]
            for name, full in inside.items()
            if name.startswith(own) and not name.startswith("text_projection")
        }
        found.pop("embeddings.position_ids", None)
        projection = _projection(tensors, inside)
    elif "token_embedding.weight" in inside and "positional_embedding" in inside:
        found = _from_open_clip({name: tensors[full] for name, full in inside.items()})
        projection = tensors[inside["text_projection"]] if "text_projection" in inside else None
    else:
        raise UnknownModel(f"no CLIP text encoder under '{prefix}'")
    vocabulary, width = found["embeddings.token_embedding.weight"].shape
    heads = heads or max(1, width // 64)
    if width % heads:
        raise UnknownModel(f"a CLIP text encoder under '{prefix}' of width {width}, which {heads} heads cannot share")
    layers = max(int(m[1]) + 1 for n in found if (m := re.match(r"encoder\.layers\.(\d+)\.", n)))
    config = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": found["encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "max_position_embeddings": found["embeddings.position_embedding.weight"].shape[0],
        "bos_token_id": None,  # the tokenizer knows them; ids outside the vocabulary would be complained about
        "eos_token_id": None,
        "pad_token_id": None,
        "hidden_act": act or ("quick_gelu" if width <= 768 else "gelu"),
    }
    return ClipLayout(config, found, projection)


def _projection(tensors: Mapping[str, Tensor], inside: dict[str, str]) -> Tensor | None:
    if "text_projection.weight" in inside:
        return tensors[inside["text_projection.weight"]].T
    return tensors[inside["text_projection"]] if "text_projection" in inside else None


def _from_open_clip(found: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        "embeddings.token_embedding.weight": found["token_embedding.weight"],
        "embeddings.position_embedding.weight": found["positional_embedding"],
        "final_layer_norm.weight": found["ln_final.weight"],
        "final_layer_norm.bias": found["ln_final.bias"],
        **open_clip_blocks(found),
    }


def open_clip_blocks(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The transformer blocks of open_clip, of texts or pictures, under the names of transformers; nothing is copied."""
    result: dict[str, Tensor] = {}
    for name, tensor in found.items():
        match = re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.+)", name)
        if match is None:
            continue
        layer, rest = f"encoder.layers.{match[1]}", match[2]
        if rest.startswith("attn.in_proj_") and tensor.ndim:
            kind = rest.removeprefix("attn.in_proj_")
            if not tensor.ndim:
                raise UnknownModel(f"a transformer whose '{name}' is a single number")
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                result[f"{layer}.self_attn.{part}_proj.{kind}"] = piece
        else:
            part, _, kind = rest.rpartition(".")
            if part in _BLOCK:
                result[f"{layer}.{_BLOCK[part]}.{kind}"] = tensor
    return result


def blocks_in_open_clip(encoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The transformer blocks of texts or pictures as open_clip names them: queries, keys and values in one weight."""
    back = {new: old for old, new in _BLOCK.items()}
    result: dict[str, Tensor] = {}
    for name, weight in encoder.items():
        match = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if match is None:
            continue
        block, part, kind = f"transformer.resblocks.{match[1]}", match[2], match[3]
        if part in back:
            result[f"{block}.{back[part]}.{kind}"] = weight
        elif part == "self_attn.q_proj":
            layer = f"encoder.layers.{match[1]}.self_attn"
            result[f"{block}.attn.in_proj_{kind}"] = torch.cat([encoder[f"{layer}.{one}_proj.{kind}"] for one in "qkv"])
    return result


__all__ = ["END", "START", "WIDTH_OF_H", "ClipLayout", "blocks_in_open_clip", "open_clip_blocks", "read_clip"]
