"""Weight changes for single conditionings: adapters over `diffusion.weight_hooks`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from graph_runtime.api import Choice, Context, FileIn, HeddleError, Options, Range, Socket, node
from nodes.loaders import checkpoint_state
from nodes.lora import LoraFile, lora_state
from nodes.model_files import model_file
from nodes.sockets import Clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diffusion.weight_hooks import WeightHooks

__all__ = [
    "Keyframed",
    "combine_hooks_2",
    "combine_hooks_4",
    "combine_hooks_8",
    "create_hook_keyframe",
    "create_hook_keyframes_from_floats",
    "create_hook_keyframes_interpolated",
    "create_hook_lora",
    "create_hook_lora_model_only",
    "create_hook_model_as_lora",
    "create_hook_model_as_lora_model_only",
    "set_clip_hooks",
    "set_hook_keyframes",
]

CREATE, COMBINE, SCHEDULING = (f"advanced/hooks/{part}" for part in ("create", "combine", "scheduling"))
Hooks = Annotated[Any, Socket("HOOKS", "changes of weights that belong to a conditioning")]
Frames = Annotated[Any, Socket("HOOK_KEYFRAMES", "how strong hooks are, by share of the schedule")]
Floats = Annotated[Any, Socket("FLOATS", "a list of numbers")]
Strength = Annotated[float, Range(-20.0, 20.0, step=0.01)]
Share = Annotated[float, Range(0.0, 1.0, step=0.001)]
Factor = Annotated[float, Range(0.0, 10.0, step=0.001)]


class Keyframed(NamedTuple):
    """A course over the schedule."""

    HOOK_KF: Frames


@node("CreateHookLora", title="Create Hook LoRA", category=CREATE, experimental=True, fingerprint=lora_state)
def create_hook_lora(
    *,
    lora_name: LoraFile,
    strength_model: Strength = 1.0,
    strength_clip: Strength = 1.0,
    prev_hooks: Hooks | None = None,
    ctx: Context,
) -> Hooks:
    """Make a LoRA that takes effect only where a conditioning with this hook counts.

    Args:
        lora_name: the file, in one of the LoRA folders.
        strength_model: how strongly the model changes.
        strength_clip: how strongly the text encoder changes ("Set CLIP Hooks").
        prev_hooks: hooks that take effect before.
    """
    from diffusion.lora import read_lora
    from diffusion.weight_hooks import LoraChange

    if strength_model == 0 and strength_clip == 0:
        return _joined(prev_hooks)
    change = LoraChange(read_lora(model_file(ctx, "loras", lora_name)))
    return _joined(prev_hooks, _hook(change, strength_model, strength_clip))


@node(
    "CreateHookLoraModelOnly", title="Create Hook LoRA (MO)", category=CREATE, experimental=True,
    fingerprint=lora_state,
)  # fmt: skip
def create_hook_lora_model_only(
    *, lora_name: LoraFile, strength_model: Strength = 1.0, prev_hooks: Hooks | None = None, ctx: Context
) -> Hooks:
    """Make a LoRA for the model alone that takes effect only where a conditioning with this hook counts.

    Args:
        lora_name: the file, in one of the LoRA folders.
        strength_model: how strongly the model changes.
        prev_hooks: hooks that take effect before.
    """
    return create_hook_lora(
        lora_name=lora_name, strength_model=strength_model, strength_clip=0.0, prev_hooks=prev_hooks, ctx=ctx
    )


@node(
    "CreateHookModelAsLora", title="Create Hook Model as LoRA", category=CREATE, experimental=True,
    fingerprint=checkpoint_state,
)  # fmt: skip
def create_hook_model_as_lora(
    *,
    ckpt_name: Annotated[str, FileIn("checkpoints")],
    strength_model: Strength = 1.0,
    strength_clip: Strength = 1.0,
    prev_hooks: Hooks | None = None,
    ctx: Context,
) -> Hooks:
    """Use the difference to another checkpoint like a LoRA, where a conditioning with this hook counts.

    Args:
        ckpt_name: a checkpoint of the same architecture.
        strength_model: how far the model goes towards the checkpoint's; 1 is the checkpoint itself.
        strength_clip: the same for the text encoder.
        prev_hooks: hooks that take effect before.
    """
    from diffusion.weight_hooks import ModelChange
    from nodes.loaders import checkpoint_loader_simple

    loaded = checkpoint_loader_simple(ckpt_name=ckpt_name, ctx=ctx)
    return _joined(prev_hooks, _hook(ModelChange(loaded.MODEL, loaded.CLIP), strength_model, strength_clip))


@node(
    "CreateHookModelAsLoraModelOnly", title="Create Hook Model as LoRA (MO)", category=CREATE, experimental=True,
    fingerprint=checkpoint_state,
)  # fmt: skip
def create_hook_model_as_lora_model_only(
    *,
    ckpt_name: Annotated[str, FileIn("checkpoints")],
    strength_model: Strength = 1.0,
    prev_hooks: Hooks | None = None,
    ctx: Context,
) -> Hooks:
    """Use the difference to another checkpoint's model like a LoRA, where a conditioning with this hook counts.

    Args:
        ckpt_name: a checkpoint of the same architecture.
        strength_model: how far the model goes towards the checkpoint's; 1 is the checkpoint itself.
        prev_hooks: hooks that take effect before.
    """
    return create_hook_model_as_lora(
        ckpt_name=ckpt_name, strength_model=strength_model, strength_clip=0.0, prev_hooks=prev_hooks, ctx=ctx
    )


@node("CreateHookKeyframe", title="Create Hook Keyframe", category=SCHEDULING, experimental=True)
def create_hook_keyframe(
    *, strength_mult: Strength = 1.0, start_percent: Share = 0.0, prev_hook_kf: Frames | None = None
) -> Keyframed:
    """Say how strong hooks are from a share of the schedule on.

    Args:
        strength_mult: factor of the hooks' strengths.
        start_percent: share of the schedule from which it counts.
        prev_hook_kf: further keyframes.
    """
    return _course(prev_hook_kf, [(strength_mult, start_percent)])


@node("CreateHookKeyframesInterpolated", title="Create Hook Keyframes Interp.", category=SCHEDULING, experimental=True)
def create_hook_keyframes_interpolated(
    *,
    strength_start: Factor = 1.0,
    strength_end: Factor = 1.0,
    interpolation: Annotated[str, Choice("linear", "ease_in", "ease_out", "ease_in_out")],
    start_percent: Share = 0.0,
    end_percent: Share = 1.0,
    keyframes_count: Annotated[int, Range(2, 100, step=1)] = 5,
    print_keyframes: bool = False,
    prev_hook_kf: Frames | None = None,
    ctx: Context,
) -> Keyframed:
    """Let the strength of hooks go from one value to another, in steps.

    Args:
        strength_start: factor at the first keyframe.
        strength_end: factor at the last.
        interpolation: even, or slow at its beginning ("ease_in"), at its end ("ease_out"), or at both.
        start_percent: share of the schedule of the first keyframe.
        end_percent: share of the schedule of the last.
        keyframes_count: how many there are.
        print_keyframes: show them below the node.
        prev_hook_kf: further keyframes.
    """
    places = [index / (keyframes_count - 1) for index in range(keyframes_count)]
    frames = [
        (
            strength_start + (strength_end - strength_start) * _eased(place, interpolation),
            start_percent + (end_percent - start_percent) * place,
        )
        for place in places
    ]
    return _course(prev_hook_kf, frames, ctx if print_keyframes else None)


@node(
    "CreateHookKeyframesFromFloats", title="Create Hook Keyframes From Floats", category=SCHEDULING, experimental=True
)
def create_hook_keyframes_from_floats(
    *,
    floats_strength: Annotated[Floats, Range(-1, step=0.001), Options(forceInput=True)] = -1,
    start_percent: Share = 0.0,
    end_percent: Share = 1.0,
    print_keyframes: bool = False,
    prev_hook_kf: Frames | None = None,
    ctx: Context,
) -> Keyframed:
    """Make one keyframe of each number of a list, evenly spread.

    Args:
        floats_strength: a factor for each keyframe; a single number makes one.
        start_percent: share of the schedule of the first keyframe.
        end_percent: share of the schedule of the last.
        print_keyframes: show them below the node.
        prev_hook_kf: further keyframes.
    """
    numbers = [floats_strength] if isinstance(floats_strength, int | float) else list(floats_strength)
    if not numbers:
        raise HeddleError("The list of strengths is empty.", fix="Give at least one number.")
    width = (end_percent - start_percent) / max(1, len(numbers) - 1)
    frames = [(float(number), start_percent + index * width) for index, number in enumerate(numbers)]
    return _course(prev_hook_kf, frames, ctx if print_keyframes else None)


@node("SetHookKeyframes", title="Set Hook Keyframes", category=SCHEDULING, experimental=True)
def set_hook_keyframes(*, hooks: Hooks, hook_kf: Frames | None = None) -> Hooks:
    """Let hooks follow keyframes.

    Args:
        hooks: which ones; keyframes they had are replaced.
        hook_kf: the keyframes; without any nothing changes.
    """
    return hooks if hook_kf is None else hooks.with_keyframes(hook_kf)


@node("CombineHooks2", title="Combine Hooks [2]", category=COMBINE, experimental=True)
def combine_hooks_2(*, hooks_A: Hooks | None = None, hooks_B: Hooks | None = None) -> Hooks:
    """Let several hooks take effect together.

    Args:
        hooks_A: take effect first.
        hooks_B: take effect after them.
    """
    return _joined(hooks_A, hooks_B)


@node("CombineHooks4", title="Combine Hooks [4]", category=COMBINE, experimental=True)
def combine_hooks_4(
    *,
    hooks_A: Hooks | None = None,
    hooks_B: Hooks | None = None,
    hooks_C: Hooks | None = None,
    hooks_D: Hooks | None = None,
) -> Hooks:
    """Let several hooks take effect together, in the order of the inputs.

    Args:
        hooks_A: the first.
        hooks_B: the second.
        hooks_C: the third.
        hooks_D: the fourth.
    """
    return _joined(hooks_A, hooks_B, hooks_C, hooks_D)


@node("CombineHooks8", title="Combine Hooks [8]", category=COMBINE, experimental=True)
def combine_hooks_8(
    *,
    hooks_A: Hooks | None = None,
    hooks_B: Hooks | None = None,
    hooks_C: Hooks | None = None,
    hooks_D: Hooks | None = None,
    hooks_E: Hooks | None = None,
    hooks_F: Hooks | None = None,
    hooks_G: Hooks | None = None,
    hooks_H: Hooks | None = None,
) -> Hooks:
    """Let several hooks take effect together, in the order of the inputs.

    Args:
        hooks_A: the first.
        hooks_B: the second.
        hooks_C: the third.
        hooks_D: the fourth.
        hooks_E: the fifth.
        hooks_F: the sixth.
        hooks_G: the seventh.
        hooks_H: the eighth.
    """
    return _joined(hooks_A, hooks_B, hooks_C, hooks_D, hooks_E, hooks_F, hooks_G, hooks_H)


@node("SetClipHooks", title="Set CLIP Hooks", category="advanced/hooks/clip", experimental=True)
def set_clip_hooks(
    *, clip: Clip, apply_to_conds: bool = True, schedule_clip: bool = False, hooks: Hooks | None = None
) -> Clip:
    """Read prompts with changed text encoders, and pass the hooks on to what is read.

    Args:
        clip: the text encoder.
        apply_to_conds: what it reads changes the model as well.
        schedule_clip: follow the hooks' keyframes: a prompt is read once for each part of the schedule.
        hooks: the changes; without any nothing changes.
    """
    from diffusion.weight_hooks import with_clip_hooks

    return clip if hooks is None else with_clip_hooks(clip, hooks, attach=apply_to_conds, scheduled=schedule_clip)


def _hook(change: Any, strength_model: float, strength_clip: float) -> WeightHooks:
    from diffusion.weight_hooks import WeightHook, WeightHooks

    return WeightHooks((WeightHook(change, strength_model, strength_clip),))


def _joined(*groups: WeightHooks | None) -> WeightHooks:
    from diffusion.weight_hooks import WeightHooks

    result = WeightHooks()
    for group in groups:
        result = result if group is None else result.joined(group)
    return result


def _course(before: Any, frames: Sequence[tuple[float, float]], ctx: Context | None = None) -> Keyframed:
    from diffusion.weight_hooks import Keyframe, Keyframes

    if ctx is not None:
        ctx.text("\n".join(f"{start * 100:.1f} %: {strength:.3f}" for strength, start in frames))
    added = [Keyframe(strength, start) for strength, start in frames]
    return Keyframed((before or Keyframes()).with_frames(added))


def _eased(place: float, interpolation: str) -> float:
    """How far a value has come at a place between 0 and 1."""
    match interpolation:
        case "ease_in":
            return place**2
        case "ease_out":
            return place * (2 - place)
        case "ease_in_out":
            return (1 - math.cos(math.pi * place)) / 2
    return place
