"""Guidance whose scale, direction or result is weighed: adapters over `diffusion.guiding.weighed`."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Range, node
from nodes.latent_operations import LATENT_OPERATION, OPERATIONS
from nodes.sockets import Conditioning, Model

__all__ = [
    "epsilon_scaling",
    "latent_apply_operation_cfg",
    "perp_neg",
    "video_linear_cfg_guidance",
    "video_triangle_cfg_guidance",
]

VIDEO = "sampling/video_models"
Least = Annotated[float, Range(0.0, 100.0, step=0.5, round=0.01)]


@node("VideoLinearCFGGuidance", title="VideoLinearCFGGuidance", category=VIDEO)
def video_linear_cfg_guidance(*, model: Model, min_cfg: Least = 1.0) -> Model:
    """Let guidance rise from the first frame of a video to the last.

    Args:
        model: the diffusion model.
        min_cfg: guidance scale of the first frame; the sampler's is that of the last.
    """
    from diffusion.guiding.weighed import rising_over_batch

    return model.with_hooks(cfg=rising_over_batch(min_cfg))


@node("VideoTriangleCFGGuidance", title="VideoTriangleCFGGuidance", category=VIDEO)
def video_triangle_cfg_guidance(*, model: Model, min_cfg: Least = 1.0) -> Model:
    """Let guidance rise to the middle frame of a video and fall again, as for views all around an object.

    Args:
        model: the diffusion model.
        min_cfg: guidance scale of the first and the last frame; the sampler's is that of the middle.
    """
    from diffusion.guiding.weighed import peaking_over_batch

    return model.with_hooks(cfg=peaking_over_batch(min_cfg))


@node("Epsilon Scaling", title="Epsilon Scaling", category="model_patches/unet")
def epsilon_scaling(*, model: Model, scaling_factor: Annotated[float, Range(0.5, 1.5, step=0.001)] = 1.005) -> Model:
    """Take a little less noise away at each step than the model asks for, against errors that add up.

    Args:
        model: the diffusion model.
        scaling_factor: what the noise that was found is divided by.
    """
    from diffusion.guiding.weighed import noise_scaled

    return model.with_hooks(post_cfg=(noise_scaled(scaling_factor),))


@node("LatentApplyOperationCFG", title="LatentApplyOperationCFG", category=OPERATIONS, experimental=True)
def latent_apply_operation_cfg(*, model: Model, operation: LATENT_OPERATION) -> Model:
    """Apply an operation to the direction of guidance at each step.

    Args:
        model: the diffusion model.
        operation: what is done to the difference between the positive and the negative estimate.
    """
    from diffusion.guiding.weighed import direction_changed

    return model.with_hooks(pre_cfg=(direction_changed(operation),))


@node(
    "PerpNeg",
    title="Perp-Neg (deprecated by PerpNegGuider)",
    category="_for_testing",
    experimental=True,
    deprecated=True,
)
def perp_neg(
    *,
    model: Model,
    empty_conditioning: Conditioning,
    neg_scale: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> Model:
    """Guide away only from what in the negative does not contradict the positive.

    Args:
        model: the diffusion model.
        empty_conditioning: an empty prompt.
        neg_scale: how strongly the negative pushes away.
    """
    from diffusion.guiding.weighed import perpendicular_negative

    return model.with_hooks(cfg=perpendicular_negative(empty_conditioning, neg_scale))
