"""Joining conditionings, and saying where and when they count."""

from __future__ import annotations

from typing import Annotated, Any

from graph_runtime.api import Choice, Range, node
from nodes.sockets import MAX_RESOLUTION, Conditioning, Mask

__all__ = [
    "conditioning_average",
    "conditioning_combine",
    "conditioning_concat",
    "conditioning_set_area",
    "conditioning_set_area_percentage",
    "conditioning_set_area_strength",
    "conditioning_set_mask",
    "conditioning_set_timestep_range",
    "conditioning_zero_out",
    "flux_guidance",
    "with_values",
]

Pixels = Annotated[int, Range(64, MAX_RESOLUTION, step=8)]
Offset = Annotated[int, Range(0, MAX_RESOLUTION, step=8)]
Strength = Annotated[float, Range(0.0, 10.0, step=0.01)]
Part = Annotated[float, Range(0, 1.0, step=0.01)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]


def with_values(conditioning: list[Any], **values: Any) -> list[Any]:
    """A conditioning with values set in every entry; the one given is not changed."""
    return [[embedding, {**options, **values}] for embedding, options in conditioning]


@node("ConditioningCombine", title="Conditioning (Combine)", category="conditioning")
def conditioning_combine(*, conditioning_1: Conditioning, conditioning_2: Conditioning) -> Conditioning:
    """Follow two conditionings at once: both are evaluated, and their predictions are averaged.

    Args:
        conditioning_1: the first.
        conditioning_2: the second.
    """
    return [*conditioning_1, *conditioning_2]


@node("ConditioningConcat", title="Conditioning (Concat)", category="conditioning")
def conditioning_concat(*, conditioning_to: Conditioning, conditioning_from: Conditioning) -> Conditioning:
    """Append the tokens of one conditioning to those of another, as if they were one long prompt.

    Args:
        conditioning_to: every entry of it gets the tokens.
        conditioning_from: the tokens of its first entry are appended.
    """
    import torch

    tokens = conditioning_from[0][0]
    return [[torch.cat((embedding, tokens), dim=1), dict(options)] for embedding, options in conditioning_to]


@node("ConditioningAverage", title="Conditioning (Average)", category="conditioning")
def conditioning_average(
    *,
    conditioning_to: Conditioning,
    conditioning_from: Conditioning,
    conditioning_to_strength: Annotated[float, Range(0.0, 1.0, step=0.01)] = 1.0,
) -> Conditioning:
    """Mix two conditionings token by token; the shorter is filled with zeros.

    Args:
        conditioning_to: every entry of it is mixed.
        conditioning_from: its first entry is mixed in.
        conditioning_to_strength: share of `conditioning_to`.
    """
    share = conditioning_to_strength
    other, other_options = conditioning_from[0]
    mixed = []
    for embedding, options in conditioning_to:
        changed = dict(options)
        pooled, other_pooled = options.get("pooled_output"), other_options.get("pooled_output")
        if other_pooled is not None:
            changed["pooled_output"] = other_pooled if pooled is None else pooled * share + other_pooled * (1 - share)
        mixed.append([embedding * share + _fitted(other, embedding.shape[1]) * (1 - share), changed])
    return mixed


def _fitted(embedding: Any, tokens: int) -> Any:
    """Cut an embedding to a number of tokens, or fill it with zeros."""
    import torch

    kept = embedding[:, :tokens]
    if kept.shape[1] == tokens:
        return kept
    return torch.cat((kept, torch.zeros(kept.shape[0], tokens - kept.shape[1], kept.shape[2])), dim=1)


@node("ConditioningSetArea", title="Conditioning (Set Area)", category="conditioning")
def conditioning_set_area(
    *,
    conditioning: Conditioning,
    width: Pixels = 64,
    height: Pixels = 64,
    x: Offset = 0,
    y: Offset = 0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Let a conditioning count only in a rectangle.

    Args:
        conditioning: what to paint there.
        width: of the rectangle in pixels.
        height: of the rectangle in pixels.
        x: its left edge.
        y: its upper edge.
        strength: how much it counts beside others.
    """
    area = (height // 8, width // 8, y // 8, x // 8)
    return with_values(conditioning, area=area, strength=strength, set_area_to_bounds=False)


@node("ConditioningSetAreaPercentage", title="Conditioning (Set Area with Percentage)", category="conditioning")
def conditioning_set_area_percentage(
    *,
    conditioning: Conditioning,
    width: Part = 1.0,
    height: Part = 1.0,
    x: Part = 0.0,
    y: Part = 0.0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Let a conditioning count only in a rectangle, given in shares of the picture.

    Args:
        conditioning: what to paint there.
        width: share of the picture's width.
        height: share of the picture's height.
        x: its left edge, as a share.
        y: its upper edge, as a share.
        strength: how much it counts beside others.
    """
    area = ("percentage", height, width, y, x)
    return with_values(conditioning, area=area, strength=strength, set_area_to_bounds=False)


@node("ConditioningSetAreaStrength", title="Conditioning (Set Area Strength)", category="conditioning")
def conditioning_set_area_strength(*, conditioning: Conditioning, strength: Strength = 1.0) -> Conditioning:
    """Say how much a conditioning counts beside others.

    Args:
        conditioning: which one.
        strength: 1 is the usual.
    """
    return with_values(conditioning, strength=strength)


@node("ConditioningSetMask", title="Conditioning (Set Mask)", category="conditioning")
def conditioning_set_mask(
    *,
    conditioning: Conditioning,
    mask: Mask,
    strength: Strength = 1.0,
    set_cond_area: Annotated[str, Choice("default", "mask bounds")],
) -> Conditioning:
    """Let a conditioning count only where a mask is set.

    Args:
        conditioning: what to paint there.
        mask: where, 0 to 1.
        strength: how much it counts beside others.
        set_cond_area: with "mask bounds", the model is shown only the part around the mask.
    """
    return with_values(
        conditioning,
        mask=mask if mask.ndim > 2 else mask[None],
        set_area_to_bounds=set_cond_area != "default",
        mask_strength=strength,
    )


@node("ConditioningZeroOut", title="Conditioning Zero Out", category="advanced/conditioning")
def conditioning_zero_out(*, conditioning: Conditioning) -> Conditioning:
    """Replace a conditioning by zeros: no text at all, which is not the same as an empty text.

    Args:
        conditioning: gives the shape.
    """
    import torch

    result = []
    for embedding, options in conditioning:
        changed = dict(options)
        for key in ("pooled_output", "conditioning_lyrics"):
            if changed.get(key) is not None:
                changed[key] = torch.zeros_like(changed[key])
        result.append([torch.zeros_like(embedding), changed])
    return result


@node("ConditioningSetTimestepRange", title="Conditioning (Set Timestep Range)", category="advanced/conditioning")
def conditioning_set_timestep_range(
    *, conditioning: Conditioning, start: Percent = 0.0, end: Percent = 1.0
) -> Conditioning:
    """Let a conditioning count only during a part of the schedule.

    Args:
        conditioning: which one.
        start: share of the schedule after which it counts.
        end: share of the schedule after which it no longer does.
    """
    return with_values(conditioning, start_percent=start, end_percent=end)


@node("FluxGuidance", title="Flux Guidance", category="advanced/conditioning/flux")
def flux_guidance(
    *, conditioning: Conditioning, guidance: Annotated[float, Range(0.0, 100.0, step=0.1)] = 3.5
) -> Conditioning:
    """Set the guidance that distilled Flux models read as an input.

    Args:
        conditioning: which one.
        guidance: how strongly the text is followed.
    """
    return with_values(conditioning, guidance=guidance)
