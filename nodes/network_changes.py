"""Changes inside a network while it runs: adapters over `diffusion.patching`."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Choice, Range, node
from nodes.sockets import Clip, Model

__all__ = [
    "clip_attention_multiply",
    "free_u",
    "free_u_v2",
    "hyper_tile",
    "patch_model_add_downscale",
    "tome_patch_model",
    "unet_cross_attention_multiply",
    "unet_self_attention_multiply",
    "unet_temporal_attention_multiply",
]

CATEGORY = "model_patches/unet"
ATTENTION = "_for_testing/attention_experiments"
Factor = Annotated[float, Range(0.0, 10.0, step=0.01)]
Share = Annotated[float, Range(0.0, 1.0, step=0.001)]
Scaling = Annotated[str, Choice("bicubic", "nearest-exact", "bilinear", "area", "bislerp", form="new")]


@node("FreeU", title="FreeU", category=CATEGORY)
def free_u(*, model: Model, b1: Factor = 1.1, b2: Factor = 1.2, s1: Factor = 0.9, s2: Factor = 0.2) -> Model:
    """Give a U-Net's own features more weight than its skip connections, at no cost.

    Args:
        model: a diffusion model with a U-Net.
        b1: factor of features at the lowest resolution.
        b2: factor of features one resolution above.
        s1: factor of the skip connections' low frequencies at the lowest resolution.
        s2: the same one resolution above.
    """
    from diffusion.patching import freeu

    return freeu.free_u(model, (b1, b2), (s1, s2))


@node("FreeU_V2", title="FreeU_V2", category=CATEGORY)
def free_u_v2(*, model: Model, b1: Factor = 1.3, b2: Factor = 1.4, s1: Factor = 0.9, s2: Factor = 0.2) -> Model:
    """Give a U-Net's own features more weight where they are strong, at no cost.

    Args:
        model: a diffusion model with a U-Net.
        b1: largest factor of features at the lowest resolution.
        b2: largest factor of features one resolution above.
        s1: factor of the skip connections' low frequencies at the lowest resolution.
        s2: the same one resolution above.
    """
    from diffusion.patching import freeu

    return freeu.free_u(model, (b1, b2), (s1, s2), adaptive=True)


@node("HyperTile", title="HyperTile", category=CATEGORY)
def hyper_tile(
    *,
    model: Model,
    tile_size: Annotated[int, Range(1, 2048)] = 256,
    swap_size: Annotated[int, Range(1, 128)] = 2,
    max_depth: Annotated[int, Range(0, 10)] = 0,
    scale_depth: bool = False,
) -> Model:
    """Make large pictures faster by looking around only inside tiles.

    Args:
        model: a diffusion model with a U-Net.
        tile_size: smallest side of a tile, in pixels.
        swap_size: how many tile sizes are changed between, against seams.
        max_depth: halvings of the resolution down to which tiles are used.
        scale_depth: tiles grow with each halving.
    """
    from diffusion.patching.cheaper import tiled_attention

    return tiled_attention(model, tile_size, swap_size, max_depth, scale_with_depth=scale_depth)


@node("TomePatchModel", title="TomePatchModel", category=CATEGORY)
def tome_patch_model(*, model: Model, ratio: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.3) -> Model:
    """Make pictures faster by letting similar places share one look around.

    Args:
        model: a diffusion model with a U-Net.
        ratio: share of the places that is merged.
    """
    from diffusion.patching.cheaper import merged_tokens

    return merged_tokens(model, ratio)


@node("PatchModelAddDownscale", title="PatchModelAddDownscale (Kohya Deep Shrink)", category=CATEGORY)
def patch_model_add_downscale(
    *,
    model: Model,
    block_number: Annotated[int, Range(1, 32, step=1)] = 3,
    downscale_factor: Annotated[float, Range(0.1, 9.0, step=0.001)] = 2.0,
    start_percent: Share = 0.0,
    end_percent: Share = 0.35,
    downscale_after_skip: bool = True,
    downscale_method: Scaling,
    upscale_method: Scaling,
) -> Model:
    """Compose large pictures at the size a model was trained on: shrink inside the network in the early steps.

    Args:
        model: a diffusion model with a U-Net.
        block_number: input block after which the picture shrinks.
        downscale_factor: by how much.
        start_percent: share of the schedule at which it begins.
        end_percent: share of the schedule at which it ends.
        downscale_after_skip: the skip connection of that block keeps its size.
        downscale_method: how it shrinks.
        upscale_method: how it grows back.
    """
    from diffusion.patching.cheaper import shrunk_early

    return shrunk_early(
        model, block_number, downscale_factor, start_percent, end_percent,
        after_skip=downscale_after_skip, down=downscale_method, up=upscale_method,
    )  # fmt: skip


@node("UNetSelfAttentionMultiply", title="UNetSelfAttentionMultiply", category=ATTENTION, experimental=True)
def unet_self_attention_multiply(
    *, model: Model, q: Factor = 1.0, k: Factor = 1.0, v: Factor = 1.0, out: Factor = 1.0
) -> Model:
    """Multiply the weights of a U-Net's self-attention.

    Args:
        model: a diffusion model with a U-Net.
        q: factor of what asks.
        k: factor of what is asked.
        v: factor of what answers.
        out: factor of the whole.
    """
    from diffusion.merging import attention_multiplied

    return attention_multiplied(model, "attn1", q, k, v, out)


@node("UNetCrossAttentionMultiply", title="UNetCrossAttentionMultiply", category=ATTENTION, experimental=True)
def unet_cross_attention_multiply(
    *, model: Model, q: Factor = 1.0, k: Factor = 1.0, v: Factor = 1.0, out: Factor = 1.0
) -> Model:
    """Multiply the weights of a U-Net's attention to the prompt.

    Args:
        model: a diffusion model with a U-Net.
        q: factor of what asks.
        k: factor of what is asked.
        v: factor of what answers.
        out: factor of the whole.
    """
    from diffusion.merging import attention_multiplied

    return attention_multiplied(model, "attn2", q, k, v, out)


@node("UNetTemporalAttentionMultiply", title="UNetTemporalAttentionMultiply", category=ATTENTION, experimental=True)
def unet_temporal_attention_multiply(
    *,
    model: Model,
    self_structural: Factor = 1.0,
    self_temporal: Factor = 1.0,
    cross_structural: Factor = 1.0,
    cross_temporal: Factor = 1.0,
) -> Model:
    """Multiply what a U-Net's attention gives, over places and over times apart.

    Args:
        model: a diffusion model with a U-Net.
        self_structural: factor of self-attention over places.
        self_temporal: factor of self-attention over times; no U-Net that this engine reads has any.
        cross_structural: factor of places' attention to the prompt.
        cross_temporal: factor of times' attention to the prompt; no U-Net that this engine reads has any.
    """
    from diffusion.merging import attention_multiplied

    changed = attention_multiplied(model, "attn1", 1.0, 1.0, 1.0, self_structural)
    return attention_multiplied(changed, "attn2", 1.0, 1.0, 1.0, cross_structural)


@node("CLIPAttentionMultiply", title="CLIPAttentionMultiply", category=ATTENTION, experimental=True)
def clip_attention_multiply(
    *, clip: Clip, q: Factor = 1.0, k: Factor = 1.0, v: Factor = 1.0, out: Factor = 1.0
) -> Clip:
    """Multiply the weights of a text encoder's attention.

    Args:
        clip: the text encoders.
        q: factor of what asks.
        k: factor of what is asked.
        v: factor of what answers.
        out: factor of the whole.
    """
    from diffusion.merging import text_attention_multiplied

    return text_attention_multiplied(clip, q, k, v, out)
