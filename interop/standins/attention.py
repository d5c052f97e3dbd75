"""Host module `comfy.ldm.modules.attention`: attention itself; the layers of the host's networks are placeholders.

Source: pack_surface, tier 3.
"""

from typing import Any


def exists(val: Any) -> bool:
    """Whether a value is not None."""
    return val is not None


def default(val: Any, d: Any) -> Any:
    """A value, or another in place of None."""
    if val is not None:
        return val
    return d() if callable(d) else d


def optimized_attention(
    q: Any, k: Any, v: Any, heads: Any, mask: Any = None, attn_precision: Any = None, skip_reshape: Any = False,
    skip_output_reshape: Any = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """Attention over heads.

    Args:
        q, k, v: [batch, tokens, width], or [batch, heads, tokens, width of a head] with `skip_reshape`.
        skip_output_reshape: return [batch, heads, tokens, width of a head].
    """
    from diffusion.patching import attend

    if skip_reshape:
        q, k, v = (one.transpose(1, 2).flatten(2) for one in (q, k, v))
    out = attend(q, k, v, heads, mask)
    return out.reshape(*out.shape[:2], heads, -1).transpose(1, 2) if skip_output_reshape else out


attention_basic = attention_pytorch = attention_sub_quad = attention_split = optimized_attention
attention_xformers = attention_flash = attention_sage = optimized_attention
optimized_attention_masked = optimized_attention


def optimized_attention_for_device(device: Any, mask: Any = False, small_input: Any = False) -> Any:
    """The attention function of a device: the same for all."""
    return optimized_attention
