"""How predictions for several conditionings are joined into one: what travels on GUIDER wires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from graph_runtime.api import Choice, Range, node
from nodes.sockets import Conditioning, Guider, Model

__all__ = ["GuidedModel", "basic_guider", "cfg_guider", "dual_cfg_guider", "perp_neg_guider"]

CATEGORY = "sampling/custom_sampling/guiders"
Guidance = Annotated[float, Range(0.0, 100.0, step=0.1, round=0.01)]


@dataclass(frozen=True, slots=True)
class GuidedModel:
    """A model with conditionings by role, and the rule that joins their predictions.

    Packs bring guiders of their own; they have the same `sample` and `model_patcher`.
    """

    model_patcher: Any
    conditioning: Mapping[str, Any]
    guidance: Any

    def sample(
        self,
        noise: Any,
        latent_image: Any,
        sampler: Callable[..., Any],
        sigmas: Any,
        denoise_mask: Any = None,
        callback: Callable[[int, Any, Any, int], None] | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> Any:
        """Denoise a latent along noise levels.

        Args:
            noise: shaped like `latent_image`.
            sampler: from a SAMPLER wire.
            denoise_mask: 1 where the latent is repainted.
            callback: told (step, x0, x, total) after each step.
            disable_pbar: accepted for guiders' common signature; nothing is drawn here.
            seed: of the noise added on the way.
        """
        from diffusion import sampling

        def on_step(step: int, total: int, x0: Any, x: Any) -> None:
            if callback is not None:
                callback(step, x0, x, total)

        return sampling.integrate(
            self.model_patcher, noise=noise, latent=latent_image, conditioning=self.conditioning,
            guidance=self.guidance, sampler=sampler, sigmas=sigmas, seed=seed or 0, noise_mask=denoise_mask,
            fresh_mask_noise=getattr(sampler, "name", "") == "ddim", on_step=on_step,
        )  # fmt: skip


@node("BasicGuider", title="Basic Guider", category=CATEGORY)
def basic_guider(*, model: Model, conditioning: Conditioning) -> Guider:
    """Follow one conditioning, without guidance.

    Args:
        model: the diffusion model.
        conditioning: what to paint.
    """
    from diffusion.sampling.guidance import PositiveOnly

    return GuidedModel(model, {"positive": conditioning, "negative": []}, PositiveOnly())


@node("CFGGuider", title="CFG Guider", category=CATEGORY)
def cfg_guider(*, model: Model, positive: Conditioning, negative: Conditioning, cfg: Guidance = 8.0) -> Guider:
    """Classifier-free guidance: away from the negative, towards the positive.

    Args:
        model: the diffusion model.
        positive: what to paint.
        negative: what to avoid.
        cfg: guidance scale; 1 ignores the negative.
    """
    from diffusion.sampling.guidance import ClassifierFree

    return GuidedModel(model, {"positive": positive, "negative": negative}, ClassifierFree(cfg))


@node("DualCFGGuider", title="Dual CFG Guider", category=CATEGORY)
def dual_cfg_guider(
    *,
    model: Model,
    cond1: Conditioning,
    cond2: Conditioning,
    negative: Conditioning,
    cfg_conds: Guidance = 8.0,
    cfg_cond2_negative: Guidance = 8.0,
    style: Annotated[str, Choice("regular", "nested")],
) -> Guider:
    """Guidance over two positive conditionings, each with a scale of its own.

    Args:
        model: the diffusion model.
        cond1: what to paint.
        cond2: what to paint, closer to the negative (such as the picture without the text).
        negative: what to avoid.
        cfg_conds: guidance scale from `cond2` to `cond1`.
        cfg_cond2_negative: guidance scale from the negative to `cond2`.
        style: "regular" adds both guidances; "nested" applies the second to the result of the first.
    """
    from diffusion.sampling.guidance import DualClassifierFree

    lists = {"positive": cond1, "middle": cond2, "negative": negative}
    return GuidedModel(model, lists, DualClassifierFree(cfg_conds, cfg_cond2_negative, nested=style == "nested"))


@node("PerpNegGuider", title="PerpNeg Guider", category="_for_testing", experimental=True)
def perp_neg_guider(
    *,
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    empty_conditioning: Conditioning,
    cfg: Guidance = 8.0,
    neg_scale: Annotated[float, Range(0.0, 100.0, step=0.01)] = 1.0,
) -> Guider:
    """Guidance away only from what in the negative does not contradict the positive.

    Args:
        model: the diffusion model.
        positive: what to paint.
        negative: what to avoid.
        empty_conditioning: an empty prompt.
        cfg: guidance scale.
        neg_scale: how strongly the negative pushes away.
    """
    from diffusion.sampling.guidance import PerpendicularNegative

    lists = {"positive": positive, "negative": negative, "empty": empty_conditioning}
    return GuidedModel(model, lists, PerpendicularNegative(cfg, neg_scale))
