"""Functions that packs put around guidance, as hooks of `diffusion`.

Source: protocol §5.8, the table of setters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from diffusion.model import GuidanceStep, Hooks

__all__ = ["hooks_of", "without_pack_hooks"]


@dataclass(frozen=True, slots=True, eq=False)
class _PackHook:
    """A pack's function with the model and the options it expects to see."""

    function: Callable[..., Any]
    model: Any
    options: Mapping[str, Any]


def _sigma(step: GuidanceStep) -> Any:
    return step.sigma.to(step.x.device).reshape(1).expand(step.x.shape[0])


class _Cfg(_PackHook):
    def __call__(self, step: GuidanceStep) -> Any:
        import torch

        positive, negative = step.estimates[0], step.estimates[1]
        assert positive is not None, "the positive side is always evaluated"
        absent = torch.zeros_like(step.x) if negative is None else negative
        result = self.function(
            {
                "cond": step.x - positive,
                "uncond": step.x - absent,
                "cond_scale": step.scale,
                "timestep": _sigma(step),
                "sigma": _sigma(step),
                "input": step.x,
                "cond_denoised": positive,
                "uncond_denoised": absent,
                "model": self.model,
                "model_options": self.options,
                "input_cond": step.entries[0],
                "input_uncond": step.entries[1] if len(step.entries) > 1 else None,
            }
        )
        return step.x - result


class _PostCfg(_PackHook):
    def __call__(self, step: GuidanceStep) -> Any:
        return self.function(
            {
                "denoised": step.denoised,
                "cond": step.entries[0],
                "uncond": step.entries[1] if len(step.entries) > 1 else None,
                "cond_scale": step.scale,
                "model": self.model,
                "cond_denoised": step.estimates[0],
                "uncond_denoised": step.estimates[1],
                "sigma": _sigma(step),
                "model_options": self.options,
                "input": step.x,
            }
        )


class _PreCfg(_PackHook):
    def __call__(self, step: GuidanceStep) -> Any:
        import torch

        estimates = [torch.zeros_like(step.x) if one is None else one for one in step.estimates]
        return tuple(
            self.function(
                {
                    "conds": list(step.entries),
                    "conds_out": estimates,
                    "cond_scale": step.scale,
                    "timestep": _sigma(step),
                    "input": step.x,
                    "sigma": _sigma(step),
                    "model": self.model,
                    "model_options": self.options,
                }
            )
        )


class _Batch(_PackHook):
    def __call__(self, step: GuidanceStep) -> Any:
        return self.function(
            {
                "conds": list(step.entries),
                "input": step.x,
                "sigma": _sigma(step),
                "model": self.model,
                "model_options": self.options,
            }
        )


class _Network(_PackHook):
    def __call__(self, apply: Any, x: Any, sigmas: Any, inputs: Mapping[str, Any], roles: list[int]) -> Any:
        def call(x: Any, t: Any, **c: Any) -> Any:
            return apply(x, t, c)

        return self.function(call, {"input": x, "timestep": sigmas, "c": dict(inputs), "cond_or_uncond": roles})


class _Mask(_PackHook):
    def __call__(self, sigma: Any, mask: Any, sigmas: Any, model: Any) -> Any:
        return self.function(sigma, mask, extra_options={"model": self.model, "sigmas": sigmas})


def without_pack_hooks(hooks: Hooks) -> Hooks:
    """The hooks that are not packs'."""

    def own(hook: Any) -> Any:
        return None if isinstance(hook, _PackHook) else hook

    return replace(
        hooks,
        cfg=own(hooks.cfg),
        pre_cfg=tuple(hook for hook in hooks.pre_cfg if own(hook) is not None),
        post_cfg=tuple(hook for hook in hooks.post_cfg if own(hook) is not None),
        batch=own(hooks.batch),
        network=own(hooks.network),
        mask=own(hooks.mask),
    )


def hooks_of(options: Mapping[str, Any], model: Any, hooks: Hooks) -> Hooks:
    """Hooks with those added that a pack's model options ask for."""

    def one(key: str, kind: Any, before: Any) -> Any:
        return kind(options[key], model, options) if options.get(key) is not None else before

    def several(key: str, kind: Any) -> tuple[Any, ...]:
        return tuple(kind(function, model, options) for function in options.get(key, ()))

    return replace(
        hooks,
        cfg=one("sampler_cfg_function", _Cfg, hooks.cfg),
        pre_cfg=(*hooks.pre_cfg, *several("sampler_pre_cfg_function", _PreCfg)),
        post_cfg=(*hooks.post_cfg, *several("sampler_post_cfg_function", _PostCfg)),
        batch=one("sampler_calc_cond_batch_function", _Batch, hooks.batch),
        network=one("model_function_wrapper", _Network, hooks.network),
        mask=one("denoise_mask_function", _Mask, hooks.mask),
        always_evaluate_negative=bool(options.get("disable_cfg1_optimization")) or hooks.always_evaluate_negative,
    )
