"""Functions of the host's sampling that packs put others in place of.

The host samples through functions that call each other by name, and packs replace one of them to take part in every
run. Our own nodes sample without that chain; once a pack has changed it, they go through it.
Source: pack_surface, tier 3.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ["is_own", "run_through_host", "sampling_is_replaced"]

_CHAIN = {
    "nodes": "common_ksampler",
    "latent_preview": "prepare_callback",
    "comfy.sample": "prepare_noise fix_empty_latent_channels sample sample_custom",
    "comfy.sampler_helpers": "convert_cond prepare_sampling get_additional_models cleanup_models prepare_mask",
    "comfy.samplers": "sample sampling_function calc_cond_batch calculate_sigmas sampler_object ksampler process_conds",
}
"""Host module → the functions that a run goes through."""
_METHODS = {
    "KSampler": ("comfy.samplers", "__init__ calculate_sigmas set_steps sample"),
    "CFGGuider": (
        "interop.models.guider",
        "set_conds inner_set_conds set_cfg sample outer_sample inner_sample predict_noise outer_predict_noise __call__",
    ),
    "KSAMPLER": ("interop.models.k_samplers", "sample max_denoise"),
    "KSamplerX0Inpaint": ("interop.models.k_samplers", "__init__ __call__"),
}
"""Class of `comfy.samplers` → where its methods come from, and which a run goes through."""


def is_own(function: Any, module: str) -> bool:
    """Whether a function is the one of ours, in a module of that name."""
    return getattr(function, "__globals__", {}).get("__name__") == module


def sampling_is_replaced() -> bool:
    """Whether a pack has put something of its own into the chain that a run goes through."""
    found = {name: _host_module(name) for name in _CHAIN}
    for name, functions in _CHAIN.items():
        names = vars(found[name]) if found[name] is not None else {}
        if any(one in names and not is_own(names[one], name) for one in functions.split()):
            return True
    return _methods_are_replaced(found["comfy.samplers"]) or _a_sampler_is_replaced()


def _host_module(name: str) -> ModuleType | None:
    from interop.importing import active

    imports = active()
    return sys.modules.get(name) if name != "nodes" or imports is None else imports.shared.get(name)


def _methods_are_replaced(samplers: ModuleType | None) -> bool:
    for name, (module, methods) in _METHODS.items():
        cls = getattr(samplers, name, None)
        if cls is not None and any(not is_own(getattr(cls, one, None), module) for one in methods.split()):
            return True
    return False


def _a_sampler_is_replaced() -> bool:
    from diffusion.sampling.names import SAMPLERS

    functions = vars(sys.modules.get("comfy.k_diffusion.sampling", sys)).items()
    own = "interop.models.k_samplers"
    known = {f"sample_{name}" for name in SAMPLERS}
    return any(name in known and not is_own(function, own) for name, function in functions)


def run_through_host() -> Callable[[Any], Any] | None:
    """What does the runs of our own nodes, if packs have changed how the host samples."""
    if not sampling_is_replaced():
        return None
    from interop.models.running import whole_run

    return whole_run
