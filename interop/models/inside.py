"""Functions of packs inside a network, as patches of `diffusion`.

Packs put them into `model_options["transformer_options"]`, by hand or through setters of MODEL. Each is told where it
is called by a dictionary; patches of one call of the network share it, because some leave notes for later ones.
Source: protocol §5.8, the table of setters.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from diffusion.patching import ModelPatches, Site, Step
from interop.errors import NotSupported
from interop.models.denoiser import replacement
from interop.models.extension import WrapperExecutor, WrappersMP, all_of
from interop.models.inner import told_roles

__all__ = ["network_options", "patches_inside"]

_log = logging.getLogger(__name__)

_LISTS = {
    "input_block_patch": "input_block",
    "input_block_patch_after_skip": "input_block_after_skip",
    "middle_block_after_patch": "middle_block",
    "output_block_patch": "output_block",
    "attn1_patch": "self_attention_input",
    "attn1_output_patch": "self_attention_output",
    "attn2_patch": "cross_attention_input",
    "attn2_output_patch": "cross_attention_output",
    "middle_patch": "between",
    "emb_patch": "embedding",
}
"""Key among the options' patches → field of `ModelPatches`."""
_REPLACED = {"attn1": "self_attention", "attn2": "cross_attention", "dit": "blocks"}
_OWN = frozenset({"patches", "patches_replace"})


def patches_inside(options: Mapping[str, Any], inner: Any) -> ModelPatches:
    """The patches that transformer options ask for.

    Args:
        options: `model_options["transformer_options"]`.
        inner: what packs see inside of the model; None where the network itself is called, without its wrappers.
    Raises:
        NotSupported: for a kind of patch that this engine has no place for.
    """
    added: dict[str, Any] = {}
    if options.get("optimized_attention_override") is not None:
        _say_own_attention()
    for kind, functions in options.get("patches", {}).items():
        if not functions:
            continue
        if kind not in _LISTS:
            raise NotSupported(f"the patch {kind!r} of a model", "used", f"Supported are: {', '.join(_LISTS)}.")
        adapt = _ADAPTERS.get(kind, _with_site)
        added[_LISTS[kind]] = tuple(partial(adapt, function, options) for function in functions)
    for kind, replaced in options.get("patches_replace", {}).items():
        if kind not in _REPLACED and replaced:
            raise NotSupported(f"the replacement {kind!r} in a model", "used")
        adapt = _block if kind == "dit" else _attention
        added[_REPLACED[kind]] = {place: partial(adapt, function, options) for place, function in replaced.items()}
    wrappers = all_of(options.get("wrappers", {}), WrappersMP.DIFFUSION_MODEL)
    instead = None if inner is None else replacement(inner)
    if instead is not None:
        wrappers.append(instead)
    if wrappers and inner is not None:
        added["network"] = (partial(_around_network, (wrappers, inner), options),)
    return ModelPatches().with_patches(**added)


@cache
def _say_own_attention() -> None:
    """Say once that another way to compute the same attention is not taken."""
    _log.warning(
        "A pack gives an attention of its own (optimized_attention_override), which is not called: this engine "
        "computes attention with torch's kernels. Remove the pack's node, or choose a kernel with AttentionKernel."
    )


def network_options(options: Mapping[str, Any], step: Step) -> dict[str, Any]:
    """The transformer options of one call of the network: shared by everything that is called in it."""
    found: dict[str, Any] | None = step.notes.get("transformer_options")
    if found is None:
        chunks = max(1, len(step.roles))
        batch = step.shape[0] if step.shape else chunks
        found = {
            **options,
            **told_roles(step.roles),
            "sigmas": step.sigma.reshape(1).expand(batch // chunks).clone(),
            "sample_sigmas": step.sigmas,
            "original_shape": list(step.shape),
        }
        step.notes["transformer_options"] = found
    return found


def _shared(options: Mapping[str, Any], site: Site) -> dict[str, Any]:
    found = network_options(options, site.step)
    found["block"] = (site.stage, site.number)
    found["transformer_index"] = site.transformer
    return found


def _extra(options: Mapping[str, Any], site: Site) -> dict[str, Any]:
    """What functions around attention are told."""
    shared = _shared(options, site)
    shared["block_index"] = site.index
    shared["activations_shape"] = list(site.shape)
    told = {key: value for key, value in shared.items() if key not in _OWN}
    return told | {"n_heads": site.heads, "dim_head": site.head_width, "attn_precision": None}


def _with_site(function: Callable[..., Any], options: Mapping[str, Any], *arguments: Any) -> Any:
    *values, site = arguments
    return function(*values, _shared(options, site))


def _with_extra(function: Callable[..., Any], options: Mapping[str, Any], *arguments: Any) -> Any:
    *values, site = arguments
    return function(*values, _extra(options, site))


def _embedding(function: Callable[..., Any], options: Mapping[str, Any], emb: Any, channels: int, step: Step) -> Any:
    return function(emb, channels, network_options(options, step))


def _middle(function: Callable[..., Any], options: Mapping[str, Any], h: Any, site: Site) -> Any:
    """After the middle block: packs are given, and return, a dictionary."""
    shared = _shared(options, site)
    result = function({"h": h, "x": h, "transformer_options": shared})
    return result["h"] if isinstance(result, Mapping) else result


def _attention(function: Callable[..., Any], options: Mapping[str, Any], q: Any, k: Any, v: Any, site: Site) -> Any:
    return function(q, k, v, _extra(options, site))


def _block(
    function: Callable[..., Any],
    options: Mapping[str, Any],
    image: Any,
    text: Any,
    call: Callable[..., Any],
    site: Site,
) -> Any:
    def original(arguments: Mapping[str, Any]) -> dict[str, Any]:
        out_image, out_text = call(arguments["img"], arguments.get("txt"))
        return {"img": out_image, "txt": out_text}

    given = {"img": image, "txt": text, "transformer_options": _shared(options, site)}
    result = function(given, {"original_block": original})
    return result["img"], result.get("txt", text)


def _around_network(
    around: tuple[list[Callable[..., Any]], Any], options: Mapping[str, Any],
    call: Callable[..., Any], x: Any, timestep: Any, inputs: Mapping[str, Any], step: Step,
) -> Any:  # fmt: skip
    """Around the network: packs are given the joined latent and the conditioning by the network's own names."""
    import torch

    wrappers, inner = around
    if "concat" in inputs:
        x = torch.cat([x, inputs["concat"].to(x)], dim=1)
    rest = {name: value for name, value in inputs.items() if name not in ("context", "vector", "concat")}

    def network(
        x: Any, timesteps: Any = None, context: Any = None, y: Any = None, control: Any = None,
        transformer_options: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        named = {"context": context, "vector": y, **{name: kwargs.get(name, value) for name, value in rest.items()}}
        return call(x, timesteps, {name: value for name, value in named.items() if value is not None})

    executor = WrapperExecutor.new_class_executor(network, inner.diffusion_model, wrappers)
    told = network_options(options, step)
    return executor.execute(x, timestep, inputs.get("context"), inputs.get("vector"), None, told, **rest)


_ADAPTERS: dict[str, Callable[..., Any]] = {
    "attn1_patch": _with_extra,
    "attn1_output_patch": _with_extra,
    "attn2_patch": _with_extra,
    "attn2_output_patch": _with_extra,
    "middle_patch": _with_extra,
    "emb_patch": _embedding,
    "middle_block_after_patch": _middle,
}
