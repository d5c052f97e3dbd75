"""The handle of a diffusion model: what packs call MODEL.

`model_options` is the truth of what a pack asked for, because packs write into it directly; it becomes hooks of a
`diffusion` model when the handle is taken back.
Source: protocol §5.8.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from diffusion.model import Model
from interop.errors import NotSupported
from interop.models.hooks import hooks_of, without_pack_hooks
from interop.models.inner import InnerModel
from interop.models.lora import add_to_model

__all__ = ["ModelHandle"]

OPTIONS = "pack.model_options"
"""Attachment under which the options that made a model's hooks are kept."""


class ModelHandle:
    """A diffusion model for packs. Clone it before changing it.

    Args:
        model: of `diffusion`.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        kept = model.attachments.get(OPTIONS)
        self.model_options: dict[str, Any] = {"transformer_options": {}} if kept is None else _copied(kept)
        self.attachments = {key: value for key, value in model.attachments.items() if key != OPTIONS}
        self.object_patches: dict[str, Any] = dict(model.objects)
        self.parent: ModelHandle | None = None

    @property
    def heddle_object(self) -> Model:
        """The model of `diffusion`, with everything that was asked of this handle."""
        hooks = hooks_of(self.model_options, self.model, without_pack_hooks(self._model.hooks))
        attachments = {**self.attachments, OPTIONS: _copied(self.model_options)}
        return replace(self._model, hooks=hooks, attachments=attachments, objects=dict(self.object_patches))

    def clone(self) -> ModelHandle:
        """A copy that shares the network."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.model_options = _copied(self.model_options)
        other.attachments = dict(self.attachments)
        other.object_patches = dict(self.object_patches)
        other.parent = self
        return other

    def is_clone(self, other: Any) -> bool:
        """Whether both share a network."""
        return isinstance(other, ModelHandle) and other._model.network is self._model.network

    def clone_has_same_weights(self, clone: Any) -> bool:
        """Whether both share a network with the same patches."""
        return self.is_clone(clone) and clone._model.patches == self._model.patches

    # -- what it is

    @property
    def model(self) -> InnerModel:
        """What is inside, as far as packs may see."""
        return InnerModel(self._model)

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

    def loaded_size(self) -> int:
        """Bytes of its weights."""
        return self._model.network.size()

    def memory_required(self, input_shape: Any) -> int:
        """Bytes that one call needs, roughly: some hundred values for each of the latent's."""
        count = 1
        for size in input_shape:
            count *= int(size)
        return count * self._model.network.compute.itemsize * 256

    def model_state_dict(self, filter_prefix: str | None = None) -> dict[str, Any]:
        """Its weights by name, patches not applied."""
        weights = self._model.network.weights
        return {name: weights[name] for name in weights if filter_prefix is None or name.startswith(filter_prefix)}

    def get_model_object(self, name: str) -> Any:
        """Something inside by its dotted path: "model_sampling", "latent_format", …"""
        if name in self.object_patches:
            return self.object_patches[name]
        found: Any = self.model
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def set_attachments(self, key: str, attachment: Any) -> None:
        """Keep something with the model."""
        self.attachments[key] = attachment

    def get_attachment(self, key: str) -> Any:
        """Something kept with the model."""
        return self.attachments.get(key)

    def remove_attachments(self, key: str) -> None:
        """Keep it no longer."""
        self.attachments.pop(key, None)

    def add_patches(self, patches: Any, strength_patch: float = 1.0, strength_model: float = 1.0) -> list[str]:
        """Add what `comfy.lora.load_lora` returned; returns the names of all changed weights.

        Raises:
            NotSupported: for patches made otherwise, or if the weights themselves are to be scaled.
        """
        if strength_model != 1.0:
            raise NotSupported("MODEL.add_patches(strength_model=…)", "called")
        self._model, names = add_to_model(self._model, patches, strength_patch)
        return names

    # -- guidance and calls

    def set_model_sampler_cfg_function(
        self, sampler_cfg_function: Callable[..., Any], disable_cfg1_optimization: bool = False
    ) -> None:
        """Combine estimates with a function of its own."""
        self.model_options["sampler_cfg_function"] = sampler_cfg_function
        self._both_sides(disable_cfg1_optimization)

    def set_model_sampler_post_cfg_function(
        self, post_cfg_function: Callable[..., Any], disable_cfg1_optimization: bool = False
    ) -> None:
        """Change the combined estimate."""
        self._append("sampler_post_cfg_function", post_cfg_function)
        self._both_sides(disable_cfg1_optimization)

    def set_model_sampler_pre_cfg_function(
        self, pre_cfg_function: Callable[..., Any], disable_cfg1_optimization: bool = False
    ) -> None:
        """Change the estimates before they are combined."""
        self._append("sampler_pre_cfg_function", pre_cfg_function)
        self._both_sides(disable_cfg1_optimization)

    def set_model_sampler_calc_cond_batch_function(self, sampler_calc_cond_batch_function: Callable[..., Any]) -> None:
        """Estimate with a function of its own."""
        self.model_options["sampler_calc_cond_batch_function"] = sampler_calc_cond_batch_function

    def set_model_unet_function_wrapper(self, unet_wrapper_function: Callable[..., Any]) -> None:
        """Wrap every call of the network."""
        self.model_options["model_function_wrapper"] = unet_wrapper_function

    def set_model_denoise_mask_function(self, denoise_mask_function: Callable[..., Any]) -> None:
        """Change the inpainting mask at every step."""
        self.model_options["denoise_mask_function"] = denoise_mask_function

    def _append(self, key: str, function: Callable[..., Any]) -> None:
        self.model_options[key] = [*self.model_options.get(key, []), function]

    def _both_sides(self, wanted: bool) -> None:
        if wanted:
            self.model_options["disable_cfg1_optimization"] = True

    # -- what stays closed

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in CLOSED or name.startswith("set_model_"):
            raise NotSupported(f"MODEL.{name}", advice="This engine does not open networks to packs.")
        raise AttributeError(f"MODEL has no attribute {name!r} in this engine.")


CLOSED = frozenset(
    [
        "add_object_patch",
        "get_key_patches",
        "patch_model",
        "unpatch_model",
        "set_injections",
        "get_injections",
        "set_additional_models",
        "get_additional_models",
        "get_additional_models_with_key",
        "add_callback",
        "add_callback_with_key",
        "add_wrapper",
        "add_wrapper_with_key",
        "inject_model",
        "eject_model",
        "model_patches_to",
        "set_model_patch",
        "set_model_patch_replace",
        "patch_weight_to_device",
        "load",
        "lowvram_patch",
        "detach",
        "cleanup",
        "patches",
        "backup",
    ]
)
"""Established names of MODEL that this engine has no equivalent for."""


def _copied(options: dict[str, Any]) -> dict[str, Any]:
    """Dicts and lists copied at every depth, everything else shared."""
    if isinstance(options, dict):
        return {key: _copied(value) for key, value in options.items()}
    if isinstance(options, list):
        return [_copied(value) for value in options]
    return copy.copy(options) if isinstance(options, set) else options
