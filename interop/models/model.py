"""The handle of a diffusion model: what packs call MODEL (`comfy.model_patcher.ModelPatcher`).

`model_options` and the registers of wrappers, callbacks and injections are the truth of what a pack asked for, because
packs write into them directly. A handle that is taken back becomes a model of `diffusion` that keeps all of it and,
when there is anything, lets `interop.models.running` do its runs.
Source: protocol §5.8.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from diffusion.model import Model
from interop.errors import ClosedAttribute
from interop.models.denoiser import PARTS
from interop.models.extension import CallbacksMP, PatcherInjection, Registered, added_to, all_of, copied
from interop.models.inner import BaseModel, inner_of
from interop.models.objects import apply_objects, supported_object
from interop.models.options import copied_options, says_anything
from interop.models.running import PACK_RUN, PackRun
from interop.models.setters import PatchSetters
from interop.models.weights import add_weights, key_patches, state_dict

__all__ = ["ModelHandle"]

KEPT = "pack.asked"
"""Attachment under which a model of `diffusion` keeps what packs asked of its handle."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What packs asked of a handle."""

    options: dict[str, Any] = field(default_factory=dict)
    wrappers: Registered = field(default_factory=dict)
    callbacks: Registered = field(default_factory=dict)
    injections: dict[str, list[PatcherInjection]] = field(default_factory=dict)
    additional: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        """Whether runs have to heed it."""
        parts = (self.options, self.wrappers, self.callbacks, self.injections)
        return any(says_anything(part) for part in parts)


class ModelHandle(PatchSetters):
    """A diffusion model for packs. Clone it before changing it.

    Args:
        model: of `diffusion`, or the inside of another handle.
        load_device, offload_device, size, weight_inplace_update: the host's; this engine decides by itself.

    Attributes:
        patches_uuid: another one whenever weights change.
        backup, object_patches_backup: what was there before patches: nothing, because nothing is changed in place.
    """

    def __init__(
        self,
        model: Model | BaseModel,
        load_device: Any = None,
        offload_device: Any = None,
        size: int = 0,
        weight_inplace_update: bool = False,
    ) -> None:
        own = model.heddle_model if isinstance(model, BaseModel) else model
        asked = own.attachments.get(KEPT, _Asked())
        hooks = replace(own.hooks, run=None) if isinstance(own.hooks.run, PackRun) else own.hooks
        self._model = replace(own, hooks=hooks)
        self._inner: BaseModel | None = None
        self.model_options: dict[str, Any] = copied_options(asked.options) or {"transformer_options": {}}
        self.wrappers: Registered = copied(asked.wrappers)
        self.callbacks: Registered = copied(asked.callbacks)
        self.injections: dict[str, list[PatcherInjection]] = {k: list(v) for k, v in asked.injections.items()}
        self.additional_models: dict[str, list[Any]] = {k: list(v) for k, v in asked.additional.items()}
        self.attachments = {key: value for key, value in own.attachments.items() if key != KEPT}
        self.object_patches: dict[str, Any] = supported_object(own)
        self.parent: ModelHandle | None = None
        self.patches_uuid = uuid.uuid4()
        self.backup: dict[str, Any] = {}
        self.object_patches_backup: dict[str, Any] = {}
        self.weight_inplace_update = False

    @property
    def heddle_object(self) -> Model:
        """The model of `diffusion`, with everything that was asked of this handle."""
        asked = _Asked(
            copied_options(self.model_options),
            copied(self.wrappers),
            copied(self.callbacks),
            {key: list(value) for key, value in self.injections.items()},
            {key: list(value) for key, value in self.additional_models.items()},
        )
        model = apply_objects(self._model, self.object_patches)
        attachments = {**self.attachments, KEPT: asked} if asked.anything or asked.additional else self.attachments
        changed = asked.anything or any(part in self.object_patches for part in PARTS)
        hooks = replace(model.hooks, run=PACK_RUN) if changed else model.hooks
        return replace(model, hooks=hooks, attachments=attachments)

    def clone(self) -> Any:
        """A copy that shares the network."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.model_options = copied_options(self.model_options)
        other.wrappers, other.callbacks = copied(self.wrappers), copied(self.callbacks)
        other.injections = {key: list(value) for key, value in self.injections.items()}
        other.additional_models = {key: list(value) for key, value in self.additional_models.items()}
        other.attachments = {key: _attachment(value) for key, value in self.attachments.items()}
        other.object_patches = dict(self.object_patches)
        other.parent = self
        for callback in self.get_all_callbacks(CallbacksMP.ON_CLONE):
            callback(self, other)
        return other

    def is_clone(self, other: Any) -> bool:
        """Whether both share a network."""
        return isinstance(other, ModelHandle) and other._model.network is self._model.network

    def clone_has_same_weights(self, clone: Any) -> bool:
        """Whether both share a network with the same patches."""
        return self.is_clone(clone) and clone._model.patches == self._model.patches

    # -- what it is

    @property
    def model(self) -> BaseModel:
        """What is inside, as far as packs may see."""
        if self._inner is None:
            self._inner = inner_of(self._model)
        return self._inner

    def model_of_run(self) -> BaseModel:
        """The inside for one run: with what packs put in place of its parts."""
        inner = inner_of(apply_objects(self._model, self.object_patches))
        inner.current_patcher = self
        return inner

    @property
    def load_device(self) -> Any:
        """Where it computes."""
        return self._model.network.device

    @property
    def offload_device(self) -> Any:
        """Where it waits."""
        import torch

        return torch.device("cpu")

    def current_loaded_device(self) -> Any:
        """Where it is now."""
        return self.load_device

    def model_dtype(self) -> Any:
        """In which format it computes."""
        return self._model.network.compute

    def model_size(self) -> int:
        """Bytes of its weights."""
        return self._model.network.size()

    loaded_size = model_size

    @property
    def size(self) -> int:
        """Bytes of its weights."""
        return self.model_size()

    def memory_required(self, input_shape: Any) -> int:
        """Bytes that one call needs, roughly: some hundred values for each of the latent's."""
        count = 1
        for size in input_shape:
            count *= int(size)
        return count * self._model.network.compute.itemsize * 256

    def model_state_dict(self, filter_prefix: str | None = None) -> dict[str, Any]:
        """Its weights by their original names, patches not applied."""
        return state_dict(self._model, filter_prefix or "")

    def get_model_object(self, name: str) -> Any:
        """Something inside by its dotted path: "model_sampling", "latent_format", …"""
        if name in self.object_patches:
            return self.object_patches[name]
        found: Any = self.model
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def add_object_patch(self, name: str, obj: Any) -> None:
        """Put something in place of a part of the model.

        Raises:
            NotSupported: for a part that this engine does not take from outside.
        """
        apply_objects(self._model, {name: obj})
        self.object_patches[name] = obj

    def set_attachments(self, key: str, attachment: Any) -> None:
        """Keep something with the model."""
        self.attachments[key] = attachment

    def get_attachment(self, key: str) -> Any:
        """Something kept with the model."""
        return self.attachments.get(key)

    def remove_attachments(self, key: str) -> None:
        """Keep it no longer."""
        self.attachments.pop(key, None)

    def set_additional_models(self, key: str, models: list[Any]) -> None:
        """Keep further models with this one."""
        self.additional_models[key] = list(models)

    def get_additional_models_with_key(self, key: str) -> list[Any]:
        """Further models under a key."""
        return list(self.additional_models.get(key, []))

    def get_additional_models(self) -> list[Any]:
        """Every further model."""
        return [model for models in self.additional_models.values() for model in models]

    def get_nested_additional_models(self) -> list[Any]:
        """Every further model, and theirs."""
        return [one for model in self.get_additional_models() for one in (model, *model.get_nested_additional_models())]

    def remove_additional_models(self, key: str) -> None:
        """Keep them no longer."""
        self.additional_models.pop(key, None)

    # -- weights

    def add_patches(self, patches: Any, strength_patch: float = 1.0, strength_model: float = 1.0) -> list[str]:
        """Change weights: by what `comfy.lora.load_lora` gave, or by name; returns the names that are changed.

        Args:
            strength_patch, strength_model: factors of the change and of the weight it is added to.
        """
        self._model, names = add_weights(self._model, patches, strength_patch, strength_model)
        self._inner, self.patches_uuid = None, uuid.uuid4()
        return names

    def get_key_patches(self, filter_prefix: str | None = None) -> dict[str, Any]:
        """The weights as they are now, by their original names, in the form that `add_patches` takes."""
        return key_patches(self._model, filter_prefix or "")

    @property
    def patches(self) -> dict[str, Any]:
        """The names of changed weights."""
        return {name: list(changes) for name, changes in self._model.patches.by_name.items()}

    # -- wrappers, callbacks, injections

    def add_wrapper(self, wrapper_type: str, wrapper: Callable[..., Any]) -> None:
        """Wrap a stage of runs."""
        added_to(self.wrappers, wrapper_type, None, wrapper)

    def add_wrapper_with_key(self, wrapper_type: str, key: Any, wrapper: Callable[..., Any]) -> None:
        """Wrap a stage of runs, under a key."""
        added_to(self.wrappers, wrapper_type, key, wrapper)

    def remove_wrappers_with_key(self, wrapper_type: str, key: Any) -> None:
        """Drop the wrappers of a key."""
        self.wrappers.get(wrapper_type, {}).pop(key, None)

    def get_wrappers(self, wrapper_type: str, key: Any) -> list[Callable[..., Any]]:
        """The wrappers of a key."""
        return list(self.wrappers.get(wrapper_type, {}).get(key, []))

    def get_all_wrappers(self, wrapper_type: str) -> list[Callable[..., Any]]:
        """Every wrapper of a stage."""
        return all_of(self.wrappers, wrapper_type)

    def add_callback(self, call_type: str, callback: Callable[..., Any]) -> None:
        """Be told of an occasion."""
        added_to(self.callbacks, call_type, None, callback)

    def add_callback_with_key(self, call_type: str, key: Any, callback: Callable[..., Any]) -> None:
        """Be told of an occasion, under a key."""
        added_to(self.callbacks, call_type, key, callback)

    def remove_callbacks_with_key(self, call_type: str, key: Any) -> None:
        """Drop the callbacks of a key."""
        self.callbacks.get(call_type, {}).pop(key, None)

    def get_all_callbacks(self, call_type: str) -> list[Callable[..., Any]]:
        """Every callback of an occasion."""
        return all_of(self.callbacks, call_type)

    def set_injections(self, key: str, injections: list[PatcherInjection]) -> None:
        """Change the model for the time of each run."""
        self.injections[key] = list(injections)

    def get_injections(self, key: str) -> list[PatcherInjection] | None:
        """The changes of a key."""
        return self.injections.get(key)

    def remove_injections(self, key: str) -> None:
        """Drop the changes of a key."""
        self.injections.pop(key, None)

    @contextmanager
    def in_use(self, inner: BaseModel) -> Iterator[None]:
        """Call what packs want to be called around a run: callbacks, and injections, which are undone in any case."""
        injected: list[PatcherInjection] = []
        for callback in (*self.get_all_callbacks(CallbacksMP.ON_LOAD),):
            callback(self, self.load_device, 0, False, True)
        try:
            for injections in self.injections.values():
                for injection in injections:
                    injection.inject(self)
                    injected.append(injection)
            for callback in self.get_all_callbacks(CallbacksMP.ON_PRE_RUN):
                callback(self)
            yield
        finally:
            for injection in reversed(injected):
                injection.eject(self)
            for callback in self.get_all_callbacks(CallbacksMP.ON_CLEANUP):
                callback(self)

    def detach(self, unpatch_all: bool = True) -> BaseModel:
        """What is inside; nothing has to be undone, because nothing is changed in place."""
        return self.model

    def patch_model(self, *args: Any, **kwargs: Any) -> BaseModel:
        """What is inside: patches take effect when the model is used."""
        return self.model

    def unpatch_model(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: patches are undone when another model is used."""

    def pre_run(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: `in_use` does what belongs to a run, and models are brought into place when they are used."""

    cleanup = prepare_state = model_patches_to = partially_load = partially_unload = pre_run

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ClosedAttribute(f"MODEL.{name}", advice="docs/node-packs.md lists what models offer here.")


def _attachment(value: Any) -> Any:
    """Attachments may want to be told that they are copied with their model."""
    told = getattr(value, "on_model_patcher_clone", None)
    return told() if callable(told) else value
