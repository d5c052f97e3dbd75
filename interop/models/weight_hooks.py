"""Weight changes of single conditionings as packs know them (`comfy.hooks`): what is on a HOOKS wire.

Source: protocol §5.7 (HOOKS); pack_surface, tier 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from diffusion.lora import LoraFile
from diffusion.weight_hooks import Keyframe, Keyframes, LoraChange, WeightChange, WeightHook, WeightHooks
from interop.errors import NotSupported

__all__ = ["Hook", "HookGroup", "HookKeyframe", "HookKeyframeGroup", "lora_hooks", "with_properties"]


class HookKeyframe:
    """From a share of the schedule on, hooks are multiplied by a strength.

    Args:
        guarantee_steps: the host's way to let short spans count for a step; a span without a step is skipped here.
    """

    def __init__(self, strength: float, start_percent: float = 0.0, guarantee_steps: int = 1) -> None:
        self.strength, self.start_percent, self.guarantee_steps = strength, start_percent, guarantee_steps

    def clone(self) -> HookKeyframe:
        """A copy."""
        return HookKeyframe(self.strength, self.start_percent, self.guarantee_steps)


class HookKeyframeGroup:
    """A course over the schedule: what is on a HOOK_KEYFRAMES wire."""

    def __init__(self, course: Keyframes | None = None) -> None:
        frames = () if course is None else course.frames
        self.keyframes = [HookKeyframe(frame.strength, frame.start) for frame in frames]

    @property
    def heddle_object(self) -> Keyframes:
        """The course of `diffusion`.

        Raises:
            NotSupported: if a keyframe is to last for more than one step at least.
        """
        if any(frame.guarantee_steps > 1 for frame in self.keyframes):
            raise NotSupported("comfy.hooks.HookKeyframe(guarantee_steps=…)", "made with more than one step")
        return Keyframes().with_frames([Keyframe(frame.strength, frame.start_percent) for frame in self.keyframes])

    def add(self, keyframe: HookKeyframe) -> None:
        """Add a keyframe; they are kept in the order of their starts."""
        self.keyframes = sorted([*self.keyframes, keyframe], key=lambda frame: frame.start_percent)

    def is_empty(self) -> bool:
        """Whether there is no keyframe."""
        return not self.keyframes

    def clone(self) -> HookKeyframeGroup:
        """A copy."""
        other = HookKeyframeGroup()
        other.keyframes = list(self.keyframes)
        return other


class Hook:
    """One change with its strengths."""

    def __init__(self, change: WeightChange, strength_model: float, strength_clip: float) -> None:
        self.change, self.strength_model, self.strength_clip = change, strength_model, strength_clip
        self.hook_keyframe = HookKeyframeGroup()
        self._made: WeightHook | None = None

    @classmethod
    def of(cls, hook: WeightHook) -> Hook:
        """The same for packs."""
        own = cls(hook.change, hook.strength_model, hook.strength_clip)
        own.hook_keyframe, own._made = HookKeyframeGroup(hook.keyframes), hook
        return own

    @property
    def heddle_object(self) -> WeightHook:
        """The hook of `diffusion`: one object while nothing is changed, so that conditionings that share it agree."""
        wanted = (self.change, self.strength_model, self.strength_clip, self.hook_keyframe.heddle_object)
        made = self._made
        if made is None or (made.change, made.strength_model, made.strength_clip, made.keyframes) != wanted:
            made = self._made = WeightHook(*wanted)
        return made

    def clone(self) -> Hook:
        """A copy."""
        return Hook.of(self.heddle_object)


class HookGroup:
    """Hooks in the order in which they take effect: what is on a HOOKS wire."""

    def __init__(self, hooks: WeightHooks | None = None) -> None:
        self.hooks = [] if hooks is None else [Hook.of(hook) for hook in hooks.hooks]

    def __len__(self) -> int:
        return len(self.hooks)

    @property
    def heddle_object(self) -> WeightHooks:
        """The hooks of `diffusion`."""
        return WeightHooks(tuple(hook.heddle_object for hook in self.hooks))

    def add(self, hook: Hook) -> None:
        """Add a hook that is not among them."""
        if hook not in self.hooks:
            self.hooks.append(hook)

    def remove(self, hook: Hook) -> None:
        """Remove a hook."""
        if hook in self.hooks:
            self.hooks.remove(hook)

    def contains(self, hook: Hook) -> bool:
        """Whether a hook is among them."""
        return hook in self.hooks

    def clone(self) -> HookGroup:
        """A copy."""
        return HookGroup(self.heddle_object)

    def clone_and_combine(self, other: HookGroup | None) -> HookGroup:
        """These hooks, then those of another group that are not among them."""
        return self.clone() if other is None else HookGroup(self.heddle_object.joined(other.heddle_object))

    def set_keyframes_on_hooks(self, hook_kf: HookKeyframeGroup | None) -> None:
        """Let every hook follow a course, in place; None takes it away."""
        for hook in self.hooks:
            hook.hook_keyframe = HookKeyframeGroup() if hook_kf is None else hook_kf.clone()

    @staticmethod
    def combine_all_hooks(hooks_list: Iterable[HookGroup | None], require_count: int = 0) -> HookGroup | None:
        """All groups as one; None if fewer than `require_count` of them are there."""
        given = [group for group in hooks_list if group is not None]
        if not given or len(given) < require_count:
            return None
        joined = HookGroup()
        for group in given:
            joined = joined.clone_and_combine(group)
        return joined


def lora_hooks(tensors: Mapping[str, Any], strength_model: float, strength_clip: float) -> HookGroup:
    """A LoRA, by the tensors of its file, that takes effect only where a conditioning with it counts."""
    group = HookGroup()
    change = LoraChange(LoraFile("a LoRA that a pack loaded", dict(tensors)))
    group.add(Hook(change, strength_model, strength_clip))
    return group


def with_properties(
    conds: Iterable[Any], strength: float, set_cond_area: str, mask: Any, hooks: Any, timesteps: Any, append: bool
) -> list[Any]:
    """Conditionings with a mask, hooks and a part of the schedule.

    Args:
        conds: conditionings, not entries of one.
        append: keep the hooks that an entry has already.
    """
    from interop.models import lend_one, take_back
    from nodes.conditioning_pairs import conditioning_set_properties

    changed = []
    for cond in conds:
        entries = take_back(list(cond))
        if hooks is not None and not append:
            entries = [[e, {k: v for k, v in options.items() if k != "hooks"}] for e, options in entries]
        changed.append(
            lend_one(
                conditioning_set_properties(
                    cond_NEW=entries, strength=strength, set_cond_area=set_cond_area, mask=mask,
                    hooks=take_back(hooks), timesteps=timesteps,
                )
            )
        )  # fmt: skip
    return changed
