"""Functions that packs put around guidance, as hooks of `diffusion`.

Source: protocol §5.8, the table of setters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from diffusion.model import GuidanceStep, Hooks
from interop.errors import NotSupported
from interop.models.extension import WrapperExecutor, WrappersMP, all_of
from interop.models.inner import BaseModel, named_inputs, plain_inputs, told_roles
from interop.models.inside import patches_inside
from interop.models.live_conditions import evaluator_for, lent_entries, taken_entries
from interop.replaced import is_own

__all__ = ["calc_cond_batch", "hooks_of"]


@dataclass(frozen=True, slots=True, eq=False)
class _PackHook:
    """A pack's function with the model and the options it expects to see."""

    function: Any
    model: BaseModel
    options: Mapping[str, Any]

    def sides(self, step: GuidanceStep) -> list[Any]:
        """The conditioning lists, as packs see them."""
        return [lent_entries(self.model, entries) for entries in step.entries]

    def side(self, step: GuidanceStep, index: int) -> Any:
        """One conditioning list; None where there is none."""
        sides = self.sides(step)
        return sides[index] if index < len(sides) else None


def _sigma(step: GuidanceStep) -> Any:
    return step.sigma.to(step.x.device).reshape(1).expand(step.x.shape[0])


class _Cfg(_PackHook):
    def __call__(self, step: GuidanceStep) -> Any:
        result = self.function(
            {
                "cond": step.x - step.positive,
                "uncond": step.x - step.negative,
                "cond_scale": step.scale,
                "timestep": _sigma(step),
                "sigma": _sigma(step),
                "input": step.x,
                "cond_denoised": step.positive,
                "uncond_denoised": step.negative,
                "model": self.model,
                "model_options": self.options,
                "input_cond": self.side(step, 0),
                "input_uncond": self.side(step, 1),
            }
        )
        return step.x - result


class _PostCfg(_PackHook):
    def __call__(self, step: GuidanceStep) -> Any:
        return self.function(
            {
                "denoised": step.denoised,
                "cond": self.side(step, 0),
                "uncond": self.side(step, 1),
                "cond_scale": step.scale,
                "model": self.model,
                "cond_denoised": step.positive,
                "uncond_denoised": step.negative,
                "sigma": _sigma(step),
                "model_options": self.options,
                "input": step.x,
            }
        )


class _PreCfg(_PackHook):
    def __call__(self, step: GuidanceStep) -> Any:
        return tuple(
            self.function(
                {
                    "conds": self.sides(step),
                    "conds_out": list(step.estimates),
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
                "conds": self.sides(step),
                "input": step.x,
                "sigma": _sigma(step),
                "model": self.model,
                "model_options": self.options,
            }
        )


class _WrappedBatch(_PackHook):
    """Wrappers around the estimates of both sides."""

    def __call__(self, step: GuidanceStep) -> Any:
        return self.function(self.model, self.sides(step), step.x, _sigma(step), self.options)


class _Network(_PackHook):
    """A wrapper around each estimate; `function` takes (apply, what the network is given)."""

    def __call__(self, apply: Any, x: Any, sigmas: Any, inputs: Mapping[str, Any], roles: list[int]) -> Any:
        chunk = max(1, x.shape[0] // max(1, len(roles)))
        options = {
            **self.options.get("transformer_options", {}),
            **told_roles(roles),
            "sigmas": sigmas[:chunk],
        }

        own = self.model.heddle_model.hooks

        def call(
            x: Any, t: Any, c_concat: Any = None, c_crossattn: Any = None, control: Any = None,
            transformer_options: Any = None, **rest: Any,
        ) -> Any:  # fmt: skip
            c = {"c_concat": c_concat, "c_crossattn": c_crossattn, "transformer_options": transformer_options, **rest}
            asked = c.get("transformer_options")
            inside = None if asked is None else own.inside.joined(patches_inside(asked, self.model))
            if self.function is None and own.network is not None:
                return own.network(apply, x, t, plain_inputs(c), roles)
            return apply(x, t, plain_inputs(c), inside)

        given = {**named_inputs(inputs), "transformer_options": options}
        wrappers = all_of(options.get("wrappers", {}), WrappersMP.APPLY_MODEL)
        applied = WrapperExecutor.new_class_executor(call, self.model, wrappers).execute
        if self.function is None:
            return applied(x, sigmas, **given)
        return self.function(applied, {"input": x, "timestep": sigmas, "c": given, "cond_or_uncond": list(roles)})


def hooks_of(options: Mapping[str, Any], model: BaseModel) -> Hooks:
    """A model's own hooks with those added that a pack's model options ask for.

    Args:
        options: the model options.
        model: what packs see inside of the model, in a run.
    """
    hooks = model.heddle_model.hooks
    inside = options.get("transformer_options", {})
    wrappers = inside.get("wrappers", {})

    def one(key: str, kind: Any, before: Any) -> Any:
        return kind(options[key], model, options) if options.get(key) is not None else before

    def several(key: str, kind: Any) -> tuple[Any, ...]:
        return tuple(kind(function, model, options) for function in options.get(key, ()))

    batch = one("sampler_calc_cond_batch_function", _Batch, hooks.batch)
    if batch is None:
        replaced = _replaced_batch()
        if replaced is not None or all_of(wrappers, WrappersMP.CALC_COND_BATCH):
            batch = _WrappedBatch(replaced or calc_cond_batch, model, options)
    network = one("model_function_wrapper", _Network, hooks.network)
    if network is hooks.network and all_of(wrappers, WrappersMP.APPLY_MODEL):
        network = _Network(None, model, options)
    return replace(
        hooks,
        cfg=one("sampler_cfg_function", _Cfg, hooks.cfg),
        pre_cfg=(*hooks.pre_cfg, *several("sampler_pre_cfg_function", _PreCfg)),
        post_cfg=(*hooks.post_cfg, *several("sampler_post_cfg_function", _PostCfg)),
        batch=batch,
        network=network,
        always_evaluate_negative=bool(options.get("disable_cfg1_optimization")) or hooks.always_evaluate_negative,
        inside=hooks.inside.joined(patches_inside(inside, model)),
    )


def _replaced_batch() -> Any:
    """What a pack has put in place of the host's `calc_cond_batch`, or None."""
    import comfy.samplers as host

    return None if is_own(host.calc_cond_batch, host.__name__) else host.calc_cond_batch


def calc_cond_batch(model: Any, conds: Any, x_in: Any, timestep: Any, model_options: Mapping[str, Any]) -> list[Any]:
    """Estimate the picture for several lists of conditioning, within a run.

    Args:
        model: what packs see inside of the model.
        conds: prepared lists; None gives zeros.
        timestep: noise level of each sample.
    Raises:
        NotSupported: outside of a run, where nothing is prepared.
    """

    def estimate(model: Any, conds: Any, x: Any, timestep: Any, options: Mapping[str, Any]) -> list[Any]:
        if model.live is None:
            raise NotSupported("comfy.samplers.calc_cond_batch", "called outside of a run", "Call it from a guider.")
        hooked = replace(model.heddle_model, hooks=hooks_of(options, model))
        lists = [taken_entries(model, items, x) for items in conds]
        live = evaluator_for(model, model.live.with_model(hooked), lists)
        return list(live(lists, x, timestep.flatten()[0].cpu()))

    wrappers = all_of(model_options.get("transformer_options", {}).get("wrappers", {}), WrappersMP.CALC_COND_BATCH)
    executor = WrapperExecutor.new_executor(estimate, wrappers)
    return list(executor.execute(model, conds, x_in, timestep, model_options))
