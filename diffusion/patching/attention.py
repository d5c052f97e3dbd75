"""Attention, and a transformer block with patches around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from diffusion.patching.record import AttentionReplacement, InputsPatch, ModelPatches, Site, TokensPatch


def attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention over heads.

    Args:
        queries, keys, values: [batch, tokens, heads × width].
        mask: added to the scores, [tokens, keys] or anything that broadcasts over heads.
    Returns:
        [batch, tokens, heads × width].
    Source:
        Vaswani et al. 2017, arXiv:1706.03762.
    """
    batch = queries.shape[0]
    q, k, v = (one.reshape(batch, -1, heads, one.shape[-1] // heads).transpose(1, 2) for one in (queries, keys, values))
    if mask is not None and mask.ndim == 3:
        mask = mask.unsqueeze(1)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out.transpose(1, 2).reshape(batch, -1, heads * v.shape[-1]).to(q.dtype)


def transformer_block(block: Any, x: Tensor, context: Tensor, patches: ModelPatches, site: Site) -> Tensor:
    """One block of a U-Net's transformer: self-attention, cross-attention, feed-forward, each added to the tokens.

    Args:
        block: diffusers' BasicTransformerBlock with layer norms.
        x: tokens [batch, tokens, width].
        context: text [batch, tokens, context width].
    """
    n = block.norm1(x)
    out = _attention(
        block.attn1, n, context if block.only_cross_attention else n, patches.self_attention_input,
        patches.self_attention, patches.self_attention_output, site,
    )  # fmt: skip
    x = out + x
    for patch in patches.between:
        x = patch(x, site)
    if block.attn2 is not None:
        n = block.norm2(x)
        out = _attention(
            block.attn2, n, context, patches.cross_attention_input, patches.cross_attention,
            patches.cross_attention_output, site,
        )  # fmt: skip
        x = out + x
    return block.ff(block.norm3(x)) + x


def _attention(
    layer: Any,
    x: Tensor,
    source: Tensor,
    before: tuple[InputsPatch, ...],
    replaced: Mapping[tuple[Any, ...], AttentionReplacement],
    after: tuple[TokensPatch, ...],
    site: Site,
) -> Tensor:
    keys: Tensor | None = source
    values: Tensor | None = source
    for patch in before:
        x, keys, values = patch(x, source if keys is None else keys, source if values is None else values, site)
    keys = source if keys is None else keys
    values = keys if values is None else values
    q, k, v = layer.to_q(x), layer.to_k(keys), layer.to_v(values)
    replacement = _replacement(replaced, site)
    out = attend(q, k, v, layer.heads) if replacement is None else replacement(q, k, v, site)
    projection: nn.ModuleList = layer.to_out
    out = projection[1](projection[0](out))
    for change in after:
        out = change(out, site)
    return out


def _replacement(replaced: Mapping[tuple[Any, ...], AttentionReplacement], site: Site) -> AttentionReplacement | None:
    whole = (site.stage, site.number)
    return replaced.get((*whole, site.index)) or replaced.get(whole)


__all__ = ["attend", "transformer_block"]
