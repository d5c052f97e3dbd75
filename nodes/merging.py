"""Models made of others: adapters over `diffusion.merging`."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Range, node
from nodes.sockets import Clip, Model

__all__ = [
    "clip_merge_add",
    "clip_merge_simple",
    "clip_merge_subtract",
    "model_merge_add",
    "model_merge_blocks",
    "model_merge_simple",
    "model_merge_subtract",
]

CATEGORY = "advanced/model_merging"
Ratio = Annotated[float, Range(0.0, 1.0, step=0.01)]
Multiplier = Annotated[float, Range(-10.0, 10.0, step=0.01)]


@node("ModelMergeSimple", title="ModelMergeSimple", category=CATEGORY)
def model_merge_simple(*, model1: Model, model2: Model, ratio: Ratio = 1.0) -> Model:
    """Blend two models of one architecture.

    Args:
        model1: a diffusion model.
        model2: another.
        ratio: share of the first.
    """
    from diffusion import merging

    return merging.merged(model1, model2, ratio)


@node("ModelMergeBlocks", title="ModelMergeBlocks", category=CATEGORY)
def model_merge_blocks(
    *, model1: Model, model2: Model, input: Ratio = 1.0, middle: Ratio = 1.0, out: Ratio = 1.0
) -> Model:
    """Blend two models of one architecture, each third of the network by itself.

    Args:
        model1: a diffusion model.
        model2: another.
        input: share of the first on the way down, and in all that has no place of its own.
        middle: share of the first at the bottom.
        out: share of the first on the way up.
    """
    from diffusion import merging

    return merging.merged_by_part(model1, model2, {"input": input, "middle": middle, "out": out}, input)


@node("ModelMergeAdd", title="ModelMergeAdd", category=CATEGORY)
def model_merge_add(*, model1: Model, model2: Model) -> Model:
    """Add the weights of two models; with ModelMergeSubtract this carries a difference over to a third model.

    Args:
        model1: a diffusion model.
        model2: a difference, as a rule.
    """
    from diffusion import merging

    return merging.added(model1, model2)


@node("ModelMergeSubtract", title="ModelMergeSubtract", category=CATEGORY)
def model_merge_subtract(*, model1: Model, model2: Model, multiplier: Multiplier = 1.0) -> Model:
    """The difference between the weights of two models.

    Args:
        model1: a diffusion model.
        model2: what is subtracted.
        multiplier: factor of the difference.
    """
    from diffusion import merging

    return merging.subtracted(model1, model2, multiplier)


@node("CLIPMergeSimple", title="CLIPMergeSimple", category=CATEGORY)
def clip_merge_simple(*, clip1: Clip, clip2: Clip, ratio: Ratio = 1.0) -> Clip:
    """Blend the text encoders of two models of one family.

    Args:
        clip1: text encoders.
        clip2: others.
        ratio: share of the first.
    """
    from diffusion import merging

    return merging.text_merged(clip1, clip2, ratio, 1.0 - ratio)


@node("CLIPMergeAdd", title="CLIPMergeAdd", category=CATEGORY)
def clip_merge_add(*, clip1: Clip, clip2: Clip) -> Clip:
    """Add the weights of two models' text encoders.

    Args:
        clip1: text encoders.
        clip2: a difference, as a rule.
    """
    from diffusion import merging

    return merging.text_merged(clip1, clip2, 1.0, 1.0)


@node("CLIPMergeSubtract", title="CLIPMergeSubtract", category=CATEGORY)
def clip_merge_subtract(*, clip1: Clip, clip2: Clip, multiplier: Multiplier = 1.0) -> Clip:
    """The difference between the weights of two models' text encoders.

    Args:
        clip1: text encoders.
        clip2: what is subtracted.
        multiplier: factor of the difference.
    """
    from diffusion import merging

    return merging.text_merged(clip1, clip2, multiplier, -multiplier)
