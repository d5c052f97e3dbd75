"""What single families of models read from a conditioning."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from graph_runtime.api import Choice, Output, Range, Socket, node
from nodes.conditioning import Part, Percent, Strength, with_values
from nodes.sockets import Conditioning, Latent

__all__ = [
    "Ranges",
    "TwoConditionings",
    "conditioning_set_area_percentage_video",
    "conditioning_timesteps_range",
    "flux_disable_guidance",
    "flux_kontext_multi_reference_latent_method",
    "ltxv_conditioning",
    "reference_latent",
    "stable_cascade_stage_b_conditioning",
]

FLUX = "advanced/conditioning/flux"
TimestepsRange = Annotated[tuple[float, float], Socket("TIMESTEPS_RANGE", "start and end as shares of the schedule")]


class TwoConditionings(NamedTuple):
    """What to paint, and what not."""

    positive: Conditioning
    negative: Conditioning


class Ranges(NamedTuple):
    """A part of the schedule, what is before it, and what is after it."""

    timesteps_range: Annotated[TimestepsRange, Output("TIMESTEPS_RANGE")]
    before_range: Annotated[TimestepsRange, Output("BEFORE_RANGE")]
    after_range: Annotated[TimestepsRange, Output("AFTER_RANGE")]


@node("ReferenceLatent", title="ReferenceLatent", category="advanced/conditioning/edit_models")
def reference_latent(*, conditioning: Conditioning, latent: Latent | None = None) -> Conditioning:
    """Show an editing model a picture to work from, after those it is shown already.

    Args:
        conditioning: what to do.
        latent: the picture; without one nothing is changed.
    """
    if latent is None:
        return conditioning
    return [
        [embedding, {**options, "reference_latents": [*options.get("reference_latents", ()), latent["samples"]]}]
        for embedding, options in conditioning
    ]


@node("FluxDisableGuidance", title="FluxDisableGuidance", category=FLUX)
def flux_disable_guidance(*, conditioning: Conditioning) -> Conditioning:
    """Give a distilled Flux model no guidance at all.

    Args:
        conditioning: which one.
    """
    return with_values(conditioning, guidance=None)


@node(
    "FluxKontextMultiReferenceLatentMethod",
    title="FluxKontextMultiReferenceLatentMethod",
    category=FLUX,
    experimental=True,
)
def flux_kontext_multi_reference_latent_method(
    *,
    conditioning: Conditioning,
    reference_latents_method: Annotated[str, Choice("offset", "index", "uxo/uno", form="new")],
) -> Conditioning:
    """Say how several reference pictures are told apart.

    Args:
        conditioning: which one.
        reference_latents_method: by their place, by their number, or as the UXO and UNO models want it.
    """
    method = "uxo" if "uxo" in reference_latents_method else reference_latents_method
    return with_values(conditioning, reference_latents_method=method)


@node("LTXVConditioning", title="LTXVConditioning", category="conditioning/video_models")
def ltxv_conditioning(
    *,
    positive: Conditioning,
    negative: Conditioning,
    frame_rate: Annotated[float, Range(0.0, 1000.0, step=0.01)] = 25.0,
) -> TwoConditionings:
    """Tell LTX-Video how fast the video runs.

    Args:
        positive: what to paint.
        negative: what not to paint.
        frame_rate: pictures a second.
    """
    return TwoConditionings(with_values(positive, frame_rate=frame_rate), with_values(negative, frame_rate=frame_rate))


@node("ConditioningSetAreaPercentageVideo", title="ConditioningSetAreaPercentageVideo", category="conditioning")
def conditioning_set_area_percentage_video(
    *,
    conditioning: Conditioning,
    width: Part = 1.0,
    height: Part = 1.0,
    temporal: Part = 1.0,
    x: Part = 0.0,
    y: Part = 0.0,
    z: Part = 0.0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Let a conditioning count only in a box of a video, given in shares of its size and length.

    Args:
        conditioning: what to paint there.
        width: share of the width.
        height: share of the height.
        temporal: share of the length.
        x: the left edge, as a share.
        y: the upper edge, as a share.
        z: the begin, as a share of the length.
        strength: how much it counts beside others.
    """
    area = ("percentage", temporal, height, width, z, y, x)
    return with_values(conditioning, area=area, strength=strength, set_area_to_bounds=False)


@node(
    "StableCascade_StageB_Conditioning",
    title="StableCascade_StageB_Conditioning",
    category="conditioning/stable_cascade",
)
def stable_cascade_stage_b_conditioning(*, conditioning: Conditioning, stage_c: Latent) -> Conditioning:
    """Give the second stage of Stable Cascade what the first one made.

    Args:
        conditioning: what to paint.
        stage_c: the latents of the first stage.
    """
    return with_values(conditioning, stable_cascade_prior=stage_c["samples"])


@node("ConditioningTimestepsRange", title="Timesteps Range", category="advanced/hooks", experimental=True)
def conditioning_timesteps_range(*, start_percent: Percent = 0.0, end_percent: Percent = 1.0) -> Ranges:
    """Name a part of the schedule, and the parts before and after it.

    Args:
        start_percent: where it begins, as a share of the schedule.
        end_percent: where it ends.
    """
    return Ranges((start_percent, end_percent), (0.0, start_percent), (end_percent, 1.0))
