"""Host module `comfy.hooks`: changes of weights that belong to single conditionings.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop.late_names import late_names as _late_names

__getattr__ = _late_names(
    {
        "Hook": "weight_hooks.Hook",
        "HookGroup": "weight_hooks.HookGroup",
        "HookKeyframe": "weight_hooks.HookKeyframe",
        "HookKeyframeGroup": "weight_hooks.HookKeyframeGroup",
        "WeightHook": "weight_hooks.Hook",
    }
)


def create_hook_lora(lora: Any, strength_model: Any, strength_clip: Any) -> Any:
    """A LoRA, by the tensors of its file, as a group of one hook."""
    from interop.models.weight_hooks import lora_hooks

    return lora_hooks(lora, strength_model, strength_clip)


def load_hook_lora_for_models(model: Any, clip: Any, lora: Any, strength_model: Any, strength_clip: Any) -> Any:
    """(model, text encoder, hooks): copies, which are changed only where a conditioning with the hooks counts."""
    own = None if model is None else model.clone()
    return own, None if clip is None else clip.clone(), create_hook_lora(lora, strength_model, strength_clip)


def set_hooks_for_conditioning(cond: Any, hooks: Any, append_hooks: Any = True, cache: Any = None) -> Any:
    """A conditioning with hooks, beside those that it has or instead of them."""
    return cond if hooks is None else _changed([cond], hooks=hooks, append=append_hooks)[0]


def set_timesteps_for_conditioning(cond: Any, timestep_range: Any) -> Any:
    """A conditioning that counts in a part of the schedule: (start, end)."""
    return cond if timestep_range is None else _changed([cond], timesteps=timestep_range)[0]


def set_mask_for_conditioning(cond: Any, mask: Any, set_cond_area: Any, strength: Any) -> Any:
    """A conditioning that counts inside a mask."""
    return cond if mask is None else _changed([cond], strength, set_cond_area, mask)[0]


def combine_conditioning(conds: Any) -> Any:
    """Conditionings as one."""
    return [entry for cond in conds for entry in cond]


def set_conds_props(
    conds: Any,
    strength: Any,
    set_cond_area: Any,
    mask: Any = None,
    hooks: Any = None,
    timesteps_range: Any = None,
    append_hooks: Any = True,
) -> Any:
    """Conditionings with a mask, hooks and a part of the schedule."""
    return _changed(conds, strength, set_cond_area, mask, hooks, timesteps_range, append_hooks)


def set_conds_props_and_combine(
    conds: Any,
    new_conds: Any,
    strength: Any = 1.0,
    set_cond_area: Any = "default",
    mask: Any = None,
    hooks: Any = None,
    timesteps_range: Any = None,
    append_hooks: Any = True,
) -> Any:
    """The same, each added to another conditioning."""
    changed = _changed(new_conds, strength, set_cond_area, mask, hooks, timesteps_range, append_hooks)
    return [[*old, *new] for old, new in zip(conds, changed, strict=True)]


def set_default_conds_and_combine(
    conds: Any, new_conds: Any, hooks: Any = None, timesteps_range: Any = None, append_hooks: Any = True
) -> Any:
    """Conditionings that count where nothing else does, each added to another one."""
    changed = _changed(new_conds, hooks=hooks, timesteps=timesteps_range, append=append_hooks)
    defaults = [[[embedding, {**options, "default": True}] for embedding, options in cond] for cond in changed]
    return [[*old, *new] for old, new in zip(conds, defaults, strict=True)]


def _changed(
    conds: Any,
    strength: Any = 1.0,
    area: Any = "default",
    mask: Any = None,
    hooks: Any = None,
    timesteps: Any = None,
    append: Any = True,
) -> Any:
    from interop.models.weight_hooks import with_properties

    return with_properties(conds, strength, area, mask, hooks, timesteps, append)
