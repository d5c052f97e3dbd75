"""Other ways to guide a model: adapters over `diffusion.guiding`."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from graph_runtime.api import Range, Text, node
from nodes.sockets import Model

__all__ = [
    "Patched",
    "adaptive_projected_guidance",
    "cfg_norm",
    "cfg_zero_star",
    "differential_diffusion",
    "fre_sca",
    "mahiro",
    "perturbed_attention_guidance",
    "renorm_cfg",
    "rescale_cfg",
    "self_attention_guidance",
    "skip_layer_guidance_dit",
    "skip_layer_guidance_dit_simple",
    "skip_layer_guidance_sd3",
    "tangential_cfg",
]

GUIDANCE = "advanced/guidance"
Share = Annotated[float, Range(0.0, 1.0, step=0.001)]
Layers = Annotated[str, Text(multiline=False)]


class Patched(NamedTuple):
    """The model under its new guidance."""

    patched_model: Model


@node("RescaleCFG", title="RescaleCFG", category="advanced/model")
def rescale_cfg(*, model: Model, multiplier: Annotated[float, Range(0.0, 1.0, step=0.01)] = 0.7) -> Model:
    """Keep strong guidance from overexposing: bring its spread back to that of the positive estimate.

    Args:
        model: the diffusion model.
        multiplier: share of the rescaled result; 0 changes nothing.
    """
    from diffusion.guiding import rescaled

    return model.with_hooks(cfg=rescaled(multiplier))


@node("RenormCFG", title="RenormCFG", category="advanced/model")
def renorm_cfg(
    *,
    model: Model,
    cfg_trunc: Annotated[float, Range(0.0, 100.0, step=0.01)] = 100,
    renorm_cfg: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> Model:
    """Guide only at low noise, and limit how long the guided estimate may become.

    Args:
        model: the diffusion model.
        cfg_trunc: noise level under which guidance begins.
        renorm_cfg: longest result as a multiple of the positive estimate; 0 sets no limit.
    """
    from diffusion.guiding import renormalised

    return model.with_hooks(cfg=renormalised(cfg_trunc, renorm_cfg))


@node("CFGNorm", title="CFGNorm", category=GUIDANCE, experimental=True)
def cfg_norm(*, model: Model, strength: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0) -> Patched:
    """Keep the guided estimate nowhere longer than the positive one.

    Args:
        model: the diffusion model.
        strength: factor of the result.
    """
    from diffusion.guiding import norm_limited

    return Patched(model.with_hooks(post_cfg=(norm_limited(strength),)))


@node("CFGZeroStar", title="CFGZeroStar", category=GUIDANCE)
def cfg_zero_star(*, model: Model) -> Patched:
    """Guide away from the part of the negative that lies along the positive (CFG-Zero*).

    Args:
        model: the diffusion model.
    """
    from diffusion.guiding import zero_star

    return Patched(model.with_hooks(post_cfg=(zero_star(),)))


@node("TCFG", title="Tangential Damping CFG", category=GUIDANCE)
def tangential_cfg(*, model: Model) -> Patched:
    """Damp what the negative estimate says across the direction that both estimates share.

    Args:
        model: the diffusion model.
    """
    from diffusion.guiding import tangential

    return Patched(model.with_hooks(pre_cfg=(tangential(),)))


@node("Mahiro", title="Mahiro CFG", category="_for_testing", experimental=True)
def mahiro(*, model: Model) -> Patched:
    """Lean to the scaled positive estimate where it looks unlike the negative one.

    Args:
        model: the diffusion model.
    """
    from diffusion.guiding import positive_leaning

    return Patched(model.with_hooks(post_cfg=(positive_leaning(),)))


@node("FreSca", title="FreSca", category="_for_testing", experimental=True)
def fre_sca(
    *,
    model: Model,
    scale_low: Annotated[float, Range(0, 10, step=0.01)] = 1.0,
    scale_high: Annotated[float, Range(0, 10, step=0.01)] = 1.25,
    freq_cutoff: Annotated[int, Range(1, 10000, step=1)] = 20,
) -> Model:
    """Scale low and high frequencies of the guidance apart.

    Args:
        model: the diffusion model.
        scale_low: factor of coarse structure.
        scale_high: factor of detail.
        freq_cutoff: how many of the lowest frequencies count as coarse.
    """
    from diffusion.guiding import frequency_scaled

    return model.with_hooks(pre_cfg=(frequency_scaled(scale_low, scale_high, freq_cutoff),))


@node("APG", title="Adaptive Projected Guidance", category="sampling/custom_sampling")
def adaptive_projected_guidance(
    *,
    model: Model,
    eta: Annotated[float, Range(-10.0, 10.0, step=0.01)] = 1.0,
    norm_threshold: Annotated[float, Range(0.0, 50.0, step=0.1)] = 5.0,
    momentum: Annotated[float, Range(-5.0, 1.0, step=0.01)] = 0.0,
) -> Model:
    """Guide strongly without oversaturating: weaken the part of guidance that lies along the estimate.

    Args:
        model: the diffusion model.
        eta: factor of that part; 1 is plain guidance.
        norm_threshold: longest guidance; 0 sets no limit.
        momentum: share of the former step's guidance that is added; negative values damp.
    """
    from diffusion.guiding import projected

    return model.with_hooks(pre_cfg=(projected(eta, norm_threshold, momentum),))


@node("PerturbedAttentionGuidance", title="Perturbed-Attention Guidance", category="model_patches/unet")
def perturbed_attention_guidance(
    *, model: Model, scale: Annotated[float, Range(0.0, 100.0, step=0.01, round=0.01)] = 3.0
) -> Model:
    """Guide away from what the network says when its middle does not look around; one more evaluation a step.

    Args:
        model: a diffusion model with a U-Net.
        scale: strength; 0 changes nothing.
    """
    from diffusion import guiding

    return guiding.perturbed_attention(model, scale)


@node("SelfAttentionGuidance", title="Self-Attention Guidance", category="_for_testing", experimental=True)
def self_attention_guidance(
    *,
    model: Model,
    scale: Annotated[float, Range(-2.0, 5.0, step=0.01)] = 0.5,
    blur_sigma: Annotated[float, Range(0.0, 10.0, step=0.1)] = 2.0,
) -> Model:
    """Guide away from what the network says where the parts it attends to are blurred; one more evaluation a step.

    Args:
        model: a diffusion model with a U-Net.
        scale: strength; 0 changes nothing.
        blur_sigma: width of the blur.
    """
    from diffusion import guiding

    return guiding.self_attention(model, scale, blur_sigma)


@node("SkipLayerGuidanceSD3", title="SkipLayerGuidanceSD3", category=GUIDANCE, experimental=True)
def skip_layer_guidance_sd3(
    *,
    model: Model,
    layers: Layers = "7, 8, 9",
    scale: Annotated[float, Range(0.0, 10.0, step=0.1)] = 3.0,
    start_percent: Share = 0.01,
    end_percent: Share = 0.15,
) -> Model:
    """Guide Stable Diffusion 3 away from what it says without some of its blocks.

    Args:
        model: the diffusion model.
        layers: numbers of the blocks.
        scale: strength.
        start_percent: share of the schedule at which it begins.
        end_percent: share of the schedule at which it ends.
    """
    from diffusion import guiding

    return guiding.skipped_layers(model, _numbers(layers), (), scale, start_percent, end_percent)


@node("SkipLayerGuidanceDiT", title="SkipLayerGuidanceDiT", category=GUIDANCE, experimental=True)
def skip_layer_guidance_dit(
    *,
    model: Model,
    double_layers: Layers = "7, 8, 9",
    single_layers: Layers = "7, 8, 9",
    scale: Annotated[float, Range(0.0, 10.0, step=0.1)] = 3.0,
    start_percent: Share = 0.01,
    end_percent: Share = 0.15,
    rescaling_scale: Annotated[float, Range(0.0, 10.0, step=0.01)] = 0.0,
) -> Model:
    """Guide a transformer away from what it says without some of its blocks.

    Args:
        model: the diffusion model.
        double_layers: numbers of blocks with separate image and text streams.
        single_layers: numbers of blocks with one stream.
        scale: strength.
        start_percent: share of the schedule at which it begins.
        end_percent: share of the schedule at which it ends.
        rescaling_scale: how far the result's spread is brought back to that of the positive estimate.
    """
    from diffusion import guiding

    return guiding.skipped_layers(
        model, _numbers(double_layers), _numbers(single_layers), scale, start_percent, end_percent, rescaling_scale
    )


@node("SkipLayerGuidanceDiTSimple", title="SkipLayerGuidanceDiTSimple", category=GUIDANCE, experimental=True)
def skip_layer_guidance_dit_simple(
    *,
    model: Model,
    double_layers: Layers = "7, 8, 9",
    single_layers: Layers = "7, 8, 9",
    start_percent: Share = 0.0,
    end_percent: Share = 1.0,
) -> Model:
    """Let the negative estimate come from a transformer without some of its blocks; no further evaluation.

    Args:
        model: the diffusion model.
        double_layers: numbers of blocks with separate image and text streams.
        single_layers: numbers of blocks with one stream.
        start_percent: share of the schedule at which it begins.
        end_percent: share of the schedule at which it ends.
    """
    from diffusion import guiding

    return guiding.unguided_skipping(
        model, _numbers(double_layers), _numbers(single_layers), start_percent, end_percent
    )


@node("DifferentialDiffusion", title="Differential Diffusion", category="_for_testing", experimental=True)
def differential_diffusion(
    *, model: Model, strength: Annotated[float, Range(0.0, 1.0, step=0.01)] | None = 1.0
) -> Model:
    """Read a mask's grey as how much may change: darker parts are kept for more of the schedule.

    Args:
        model: the diffusion model.
        strength: 1 decides each place at each step; lower values blend with the plain mask.
    """
    from diffusion.guiding import gradual_mask

    return model.with_hooks(mask=gradual_mask(1.0 if strength is None else strength))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
