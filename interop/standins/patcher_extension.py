"""Host module `comfy.patcher_extension`: wrappers around the stages of a run, and callbacks.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop.models.extension import CallbacksMP, PatcherInjection, WrapperExecutor, WrappersMP
from interop.models.extension import added_to as _added_to
from interop.models.extension import all_of as _all_of

__all__ = ["CallbacksMP", "PatcherInjection", "WrapperExecutor", "WrappersMP"]


def _register(options: Any, name: Any, is_model_options: Any) -> Any:
    owner = options.setdefault("transformer_options", {}) if is_model_options else options
    return owner.setdefault(name, {})


def add_callback(call_type: Any, callback: Any, transformer_options: Any, is_model_options: Any = False) -> None:
    """Add a callback without a key."""
    add_callback_with_key(call_type, None, callback, transformer_options, is_model_options)


def add_callback_with_key(
    call_type: Any, key: Any, callback: Any, transformer_options: Any, is_model_options: Any = False
) -> None:
    """Add a callback to options."""
    _added_to(_register(transformer_options, "callbacks", is_model_options), call_type, key, callback)


def get_callbacks_with_key(call_type: Any, key: Any, transformer_options: Any, is_model_options: Any = False) -> Any:
    """The callbacks of a kind under a key."""
    return list(_register(transformer_options, "callbacks", is_model_options).get(call_type, {}).get(key, []))


def get_all_callbacks(call_type: Any, transformer_options: Any, is_model_options: Any = False) -> Any:
    """The callbacks of a kind."""
    return _all_of(_register(transformer_options, "callbacks", is_model_options), call_type)


def add_wrapper(wrapper_type: Any, wrapper: Any, transformer_options: Any, is_model_options: Any = False) -> None:
    """Add a wrapper without a key."""
    add_wrapper_with_key(wrapper_type, None, wrapper, transformer_options, is_model_options)


def add_wrapper_with_key(
    wrapper_type: Any, key: Any, wrapper: Any, transformer_options: Any, is_model_options: Any = False
) -> None:
    """Add a wrapper to options."""
    _added_to(_register(transformer_options, "wrappers", is_model_options), wrapper_type, key, wrapper)


def get_wrappers_with_key(wrapper_type: Any, key: Any, transformer_options: Any, is_model_options: Any = False) -> Any:
    """The wrappers of a stage under a key."""
    return list(_register(transformer_options, "wrappers", is_model_options).get(wrapper_type, {}).get(key, []))


def get_all_wrappers(wrapper_type: Any, transformer_options: Any, is_model_options: Any = False) -> Any:
    """The wrappers of a stage."""
    return _all_of(_register(transformer_options, "wrappers", is_model_options), wrapper_type)


def merge_nested_dicts(dict1: Any, dict2: Any, copy_dict1: Any = True) -> Any:
    """Merge dicts of dicts; lists are joined, other values are those of the second."""
    result = dict(dict1) if copy_dict1 else dict1
    for key, value in dict2.items():
        own = result.get(key)
        if isinstance(own, dict) and isinstance(value, dict):
            result[key] = merge_nested_dicts(own, value)
        elif isinstance(own, list) and isinstance(value, list):
            result[key] = own + [item for item in value if item not in own]
        else:
            result[key] = value
    return result


def copy_nested_dicts(input_dict: Any) -> Any:
    """Copy dicts and lists at every depth."""
    if isinstance(input_dict, dict):
        return {key: copy_nested_dicts(value) for key, value in input_dict.items()}
    return [*input_dict] if isinstance(input_dict, list) else input_dict
