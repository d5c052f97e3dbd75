"""Functions that packs wrap around the stages of a run, and what they call when a run begins and ends.

Source: protocol §5.8; pack_surface, tier 2 (`comfy.patcher_extension`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "CallbacksMP",
    "PatcherInjection",
    "WrapperExecutor",
    "WrappersMP",
    "added_to",
    "all_of",
    "copied",
    "merged",
]

Registered = dict[str, dict[Any, list[Callable[..., Any]]]]
"""Kind → key → functions, in the order in which they were added."""


class WrappersMP:
    """The stages of a run that can be wrapped."""

    OUTER_SAMPLE = "outer_sample"
    PREPARE_SAMPLING = "prepare_sampling"
    SAMPLER_SAMPLE = "sampler_sample"
    PREDICT_NOISE = "predict_noise"
    CALC_COND_BATCH = "calc_cond_batch"
    APPLY_MODEL = "apply_model"
    DIFFUSION_MODEL = "diffusion_model"

    @staticmethod
    def init_wrappers() -> Registered:
        """An empty register with every stage."""
        return {stage: {} for stage in STAGES}


STAGES = (
    WrappersMP.OUTER_SAMPLE,
    WrappersMP.PREPARE_SAMPLING,
    WrappersMP.SAMPLER_SAMPLE,
    WrappersMP.PREDICT_NOISE,
    WrappersMP.CALC_COND_BATCH,
    WrappersMP.APPLY_MODEL,
    WrappersMP.DIFFUSION_MODEL,
)


class CallbacksMP:
    """When functions of packs are called: copies of a model, and begin and end of its use."""

    ON_CLONE = "on_clone"
    ON_LOAD = "on_load_after"
    ON_DETACH = "on_detach_after"
    ON_CLEANUP = "on_cleanup"
    ON_PRE_RUN = "on_pre_run"
    ON_PREPARE_STATE = "on_prepare_state"
    ON_APPLY_HOOKS = "on_apply_hooks"
    ON_REGISTER_ALL_HOOK_PATCHES = "on_register_all_hook_patches"
    ON_INJECT_MODEL = "on_inject_model"
    ON_EJECT_MODEL = "on_eject_model"

    @staticmethod
    def init_callbacks() -> Registered:
        """An empty register."""
        return {kind: {} for name, kind in vars(CallbacksMP).items() if name.startswith("ON_")}


class PatcherInjection:
    """A change of a model for the time of a run, and its undoing; both are given the model."""

    def __init__(self, inject: Callable[[Any], None], eject: Callable[[Any], None]) -> None:
        self.inject = inject
        self.eject = eject


class WrapperExecutor:
    """Calls a function through the wrappers around it; a wrapper is given the executor of what is inside of it.

    Args:
        original: the innermost function.
        class_obj: the object it belongs to, for wrappers that ask.
        wrappers: outermost first.
    """

    def __init__(
        self, original: Callable[..., Any], class_obj: Any, wrappers: list[Callable[..., Any]], idx: int = 0
    ) -> None:
        self.original = original
        self.class_obj = class_obj
        self.wrappers = list(wrappers)
        self.idx = idx
        self.is_last = idx == len(self.wrappers)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Go on to what is inside."""
        return WrapperExecutor(self.original, self.class_obj, self.wrappers, self.idx + 1).execute(*args, **kwargs)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Call the wrapper of this place, or the function itself."""
        if self.is_last:
            return self.original(*args, **kwargs)
        return self.wrappers[self.idx](self, *args, **kwargs)

    @classmethod
    def new_executor(cls, original: Callable[..., Any], wrappers: list[Callable[..., Any]]) -> WrapperExecutor:
        """Around a function."""
        return cls(original, None, wrappers)

    @classmethod
    def new_class_executor(
        cls, original: Callable[..., Any], class_obj: Any, wrappers: list[Callable[..., Any]]
    ) -> WrapperExecutor:
        """Around a method."""
        return cls(original, class_obj, wrappers)


def added_to(register: Registered, kind: str, key: Any, function: Callable[..., Any]) -> None:
    """Add a function, in place."""
    register.setdefault(kind, {}).setdefault(key, []).append(function)


def all_of(register: Mapping[str, Mapping[Any, list[Callable[..., Any]]]], kind: str) -> list[Callable[..., Any]]:
    """Every function of a kind."""
    return [function for functions in register.get(kind, {}).values() for function in functions]


def copied(register: Mapping[str, Mapping[Any, list[Any]]]) -> Registered:
    """A register with lists of its own."""
    return {kind: {key: list(functions) for key, functions in keys.items()} for kind, keys in register.items()}


def merged(first: Registered, second: Mapping[str, Mapping[Any, list[Any]]]) -> Registered:
    """Both registers, without functions twice under a key."""
    result = copied(first)
    for kind, keys in second.items():
        for key, functions in keys.items():
            own = result.setdefault(kind, {}).setdefault(key, [])
            own.extend(function for function in functions if function not in own)
    return result
