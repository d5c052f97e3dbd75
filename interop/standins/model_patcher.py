"""Host module `comfy.model_patcher`: models, and their options.

Source: pack_surface, tier 2.
"""

import zlib
from typing import Any

from interop.models.extension import PatcherInjection
from interop.models.model import ModelHandle as ModelPatcher
from interop.models.options import copied_options as _copied_options
from interop.models.options import with_replacement as _with_replacement

CoreModelPatcher = ModelPatcher

__all__ = ["CoreModelPatcher", "ModelPatcher", "PatcherInjection"]


def string_to_seed(data: Any) -> Any:
    """A 32-bit number that follows from text."""
    return zlib.crc32(data if isinstance(data, bytes) else data.encode("utf-8"))


def create_model_options_clone(orig_model_options: Any) -> Any:
    """A copy of model options whose dicts and lists can be changed."""
    return _copied_options(orig_model_options)


def set_model_options_patch_replace(
    model_options: Any, patch: Any, name: Any, block_name: Any, number: Any, transformer_index: Any = None
) -> Any:
    """Replace attention in model options."""
    model_options["transformer_options"] = _with_replacement(
        dict(model_options.get("transformer_options", {})), patch, name, block_name, number, transformer_index
    )
    return model_options


def set_model_options_post_cfg_function(
    model_options: Any, post_cfg_function: Any, disable_cfg1_optimization: Any = False
) -> Any:
    """Append a function after guidance to model options."""
    return _append(model_options, "sampler_post_cfg_function", post_cfg_function, disable_cfg1_optimization)


def set_model_options_pre_cfg_function(
    model_options: Any, pre_cfg_function: Any, disable_cfg1_optimization: Any = False
) -> Any:
    """Append a function before guidance to model options."""
    return _append(model_options, "sampler_pre_cfg_function", pre_cfg_function, disable_cfg1_optimization)


def _append(options: Any, key: Any, function: Any, both_sides: Any) -> Any:
    options[key] = [*options.get(key, []), function]
    if both_sides:
        options["disable_cfg1_optimization"] = True
    return options
