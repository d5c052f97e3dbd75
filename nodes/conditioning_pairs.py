"""Joining conditionings, singly or in pairs, with a mask and a part of the schedule for what is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from graph_runtime.api import Choice, node
from nodes.conditioning import Strength, with_values
from nodes.family_conditioning import TimestepsRange, TwoConditionings
from nodes.hooks import Hooks
from nodes.sockets import Conditioning, Mask

if TYPE_CHECKING:
    from diffusion.weight_hooks import WeightHooks

__all__ = [
    "conditioning_set_default_combine",
    "conditioning_set_properties",
    "conditioning_set_properties_and_combine",
    "pair_conditioning_combine",
    "pair_conditioning_set_default_combine",
    "pair_conditioning_set_properties",
    "pair_conditioning_set_properties_and_combine",
]

SINGLE = "advanced/hooks/cond single"
PAIR = "advanced/hooks/cond pair"
Area = Annotated[str, Choice("default", "mask bounds")]


@node("ConditioningSetProperties", title="Cond Set Props", category=SINGLE, experimental=True)
def conditioning_set_properties(
    *,
    cond_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Area,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Conditioning:
    """Let a conditioning count only where a mask is set, and only during a part of the schedule.

    Args:
        cond_NEW: which one.
        strength: how much it counts inside the mask; without a mask nothing is scaled.
        set_cond_area: with "mask bounds", the model is shown only the part around the mask.
        mask: where it counts; everywhere without one.
        hooks: changes of the model's weights where it counts, beside those it has.
        timesteps: the part of the schedule; all of it without one.
    """
    changed = _hooked(cond_NEW, hooks)
    if mask is not None:
        changed = with_values(
            changed,
            mask=mask if mask.ndim > 2 else mask[None],
            set_area_to_bounds=set_cond_area != "default",
            mask_strength=strength,
        )
    if timesteps is not None:
        changed = with_values(changed, start_percent=timesteps[0], end_percent=timesteps[1])
    return changed


@node("ConditioningSetPropertiesAndCombine", title="Cond Set Props Combine", category=SINGLE, experimental=True)
def conditioning_set_properties_and_combine(
    *,
    cond: Conditioning,
    cond_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Area,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> Conditioning:
    """Add a conditioning with a mask and a part of the schedule to another one.

    Args:
        cond: what is there already.
        cond_NEW: what is added.
        strength: how much it counts inside the mask; without a mask nothing is scaled.
        set_cond_area: with "mask bounds", the model is shown only the part around the mask.
        mask: where it counts; everywhere without one.
        hooks: changes of the model's weights where it counts, beside those it has.
        timesteps: the part of the schedule; all of it without one.
    """
    return [*cond, *_with_properties(cond_NEW, strength, set_cond_area, mask, hooks, timesteps)]


@node("ConditioningSetDefaultCombine", title="Cond Set Default Combine", category=SINGLE, experimental=True)
def conditioning_set_default_combine(
    *, cond: Conditioning, cond_DEFAULT: Conditioning, hooks: Hooks | None = None
) -> Conditioning:
    """Add a conditioning that counts only where nothing else covers the picture.

    Args:
        cond: what is there already.
        cond_DEFAULT: what fills the rest.
        hooks: changes of the model's weights where it counts, beside those it has.
    """
    return [*cond, *with_values(_hooked(cond_DEFAULT, hooks), default=True)]


@node("PairConditioningCombine", title="Cond Pair Combine", category=PAIR, experimental=True)
def pair_conditioning_combine(
    *, positive_A: Conditioning, negative_A: Conditioning, positive_B: Conditioning, negative_B: Conditioning
) -> TwoConditionings:
    """Follow two pairs of conditionings at once.

    Args:
        positive_A: what to paint.
        negative_A: what not to paint.
        positive_B: what to paint as well.
        negative_B: what not to paint either.
    """
    return TwoConditionings([*positive_A, *positive_B], [*negative_A, *negative_B])


@node("PairConditioningSetProperties", title="Cond Pair Set Props", category=PAIR, experimental=True)
def pair_conditioning_set_properties(
    *,
    positive_NEW: Conditioning,
    negative_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Area,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> TwoConditionings:
    """Let a pair of conditionings count only where a mask is set, and only during a part of the schedule.

    Args:
        positive_NEW: what to paint.
        negative_NEW: what not to paint.
        strength: how much they count inside the mask; without a mask nothing is scaled.
        set_cond_area: with "mask bounds", the model is shown only the part around the mask.
        mask: where they count; everywhere without one.
        hooks: changes of the model's weights where it counts, beside those it has.
        timesteps: the part of the schedule; all of it without one.
    """
    return TwoConditionings(
        _with_properties(positive_NEW, strength, set_cond_area, mask, hooks, timesteps),
        _with_properties(negative_NEW, strength, set_cond_area, mask, hooks, timesteps),
    )


@node("PairConditioningSetPropertiesAndCombine", title="Cond Pair Set Props Combine", category=PAIR, experimental=True)
def pair_conditioning_set_properties_and_combine(
    *,
    positive: Conditioning,
    negative: Conditioning,
    positive_NEW: Conditioning,
    negative_NEW: Conditioning,
    strength: Strength = 1.0,
    set_cond_area: Area,
    mask: Mask | None = None,
    hooks: Hooks | None = None,
    timesteps: TimestepsRange | None = None,
) -> TwoConditionings:
    """Add a pair of conditionings with a mask and a part of the schedule to another pair.

    Args:
        positive: what to paint.
        negative: what not to paint.
        positive_NEW: what to paint as well.
        negative_NEW: what not to paint either.
        strength: how much the added ones count inside the mask; without a mask nothing is scaled.
        set_cond_area: with "mask bounds", the model is shown only the part around the mask.
        mask: where the added ones count; everywhere without one.
        hooks: changes of the model's weights where it counts, beside those it has.
        timesteps: the part of the schedule; all of it without one.
    """
    return TwoConditionings(
        [*positive, *_with_properties(positive_NEW, strength, set_cond_area, mask, hooks, timesteps)],
        [*negative, *_with_properties(negative_NEW, strength, set_cond_area, mask, hooks, timesteps)],
    )


@node("PairConditioningSetDefaultCombine", title="Cond Pair Set Default Combine", category=PAIR, experimental=True)
def pair_conditioning_set_default_combine(
    *,
    positive: Conditioning,
    negative: Conditioning,
    positive_DEFAULT: Conditioning,
    negative_DEFAULT: Conditioning,
    hooks: Hooks | None = None,
) -> TwoConditionings:
    """Add a pair of conditionings that counts only where nothing else covers the picture.

    Args:
        positive: what to paint.
        negative: what not to paint.
        positive_DEFAULT: what fills the rest.
        negative_DEFAULT: what not to paint there.
        hooks: changes of the model's weights where it counts, beside those it has.
    """
    return TwoConditionings(
        conditioning_set_default_combine(cond=positive, cond_DEFAULT=positive_DEFAULT, hooks=hooks),
        conditioning_set_default_combine(cond=negative, cond_DEFAULT=negative_DEFAULT, hooks=hooks),
    )


def _with_properties(
    conditioning: Any, strength: float, set_cond_area: str, mask: Any, hooks: Any, timesteps: Any
) -> list[Any]:
    return conditioning_set_properties(
        cond_NEW=conditioning,
        strength=strength,
        set_cond_area=set_cond_area,
        mask=mask,
        hooks=hooks,
        timesteps=timesteps,
    )


def _hooked(conditioning: list[Any], hooks: WeightHooks | None) -> list[Any]:
    """A conditioning with hooks added to those of each entry."""
    if hooks is None:
        return conditioning
    return [
        [embedding, {**options, "hooks": options["hooks"].joined(hooks) if options.get("hooks") else hooks}]
        for embedding, options in conditioning
    ]
