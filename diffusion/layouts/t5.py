"""T5 encoders (version 1.1) in the layout of transformers. Source: Raffel et al. 2019, arXiv:1910.10683."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from diffusion.errors import UnknownModel


@dataclass(frozen=True, slots=True)
class T5Layout:
    """Arguments of transformers' T5Config, and the tensors under T5EncoderModel's names."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]


def read_t5(tensors: Mapping[str, Tensor], prefix: str) -> T5Layout:
    """Infer a T5 encoder from the tensors under a prefix.

    Raises:
        UnknownModel: if there is none.
    """
    found = {name[len(prefix) :]: tensors[name] for name in tensors if name.startswith(prefix)}
    table = found.get("shared.weight", found.get("encoder.embed_tokens.weight"))
    if table is None or "encoder.block.0.layer.0.SelfAttention.q.weight" not in found:
        raise UnknownModel(f"no T5 encoder under '{prefix}'")
    found["shared.weight"] = found["encoder.embed_tokens.weight"] = table
    buckets, heads = found["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"].shape
    gated = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight" in found
    wide = found[
        "encoder.block.0.layer.1.DenseReluDense.wi_0.weight"
        if gated
        else "encoder.block.0.layer.1.DenseReluDense.wi.weight"
    ]
    config = {
        "vocab_size": table.shape[0],
        "d_model": table.shape[1],
        "d_kv": found["encoder.block.0.layer.0.SelfAttention.q.weight"].shape[0] // heads,
        "d_ff": wide.shape[0],
        "num_layers": max(int(m[1]) + 1 for n in found if (m := re.match(r"encoder\.block\.(\d+)\.", n))),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu" if gated else "relu",
        "dropout_rate": 0.0,
    }
    return T5Layout(config, found)


__all__ = ["T5Layout", "read_t5"]
