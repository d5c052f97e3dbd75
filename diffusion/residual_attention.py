"""A block of attention over its own tokens, as CLIP-like helper networks of other models have it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.patching.attention import attend


class _Attention(nn.Module):
    """Attention with fused queries, keys and values, named as torch's MultiheadAttention names them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = F.linear(x, self.in_proj_weight.to(x), self.in_proj_bias.to(x)).chunk(3, dim=-1)
        result: Tensor = self.out_proj(attend(q, k, v, self.heads))
        return result


class ResidualAttention(nn.Module):
    """Attention, then a feed-forward layer, each added to the tokens [batch, tokens, width]."""

    def __init__(self, width: int, heads: int = 8) -> None:
        super().__init__()
        self.attn = _Attention(width, heads)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        h = self.mlp["c_fc"](self.ln_2(x))
        result: Tensor = x + self.mlp["c_proj"](h * torch.sigmoid(1.702 * h))
        return result


__all__ = ["ResidualAttention"]
