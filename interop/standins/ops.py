"""Host module `comfy.ops`: layers that packs build their own networks of.

Source: pack_surface, tier 2.
"""

from typing import Any

import torch

from diffusion import casting as _casting


def cast_to(weight: Any, dtype: Any = None, device: Any = None, non_blocking: Any = False, copy: Any = False) -> Any:
    """A tensor in another dtype or on another device."""
    return weight.to(device=device, dtype=dtype, non_blocking=non_blocking, copy=copy)


def cast_to_input(weight: Any, input: Any, non_blocking: Any = False, copy: Any = True) -> Any:
    """A tensor in the dtype and on the device of another."""
    return weight.to(device=input.device, dtype=input.dtype, non_blocking=non_blocking, copy=copy)


def cast_bias_weight(
    s: Any, input: Any = None, dtype: Any = None, device: Any = None, bias_dtype: Any = None, **rest: Any
) -> Any:
    """(weight, bias) of a layer as its input needs them."""
    dtype, device = dtype or input.dtype, device or input.device
    bias = None if s.bias is None else s.bias.to(device=device, dtype=bias_dtype or dtype)
    return s.weight.to(device=device, dtype=dtype), bias


def uncast_bias_weight(s: Any, weight: Any, bias: Any, offload_stream: Any = None) -> None:
    """Nothing: the copies made by `cast_bias_weight` are freed by themselves."""


class CastWeightBiasOp:
    """Says that a layer's weights are turned into the dtype of its input."""

    comfy_cast_weights = False
    weight_function: list[Any] = []
    bias_function: list[Any] = []


def _unreset(self: Any) -> None:
    """Weights are loaded from files; initialising them would cost time for nothing."""


def _conv_nd(cls: Any, dims: Any, *args: Any, **kwargs: Any) -> Any:
    return {2: cls.Conv2d, 3: cls.Conv3d}[dims](*args, **kwargs)


class _CastConv:
    """A convolution that computes in the dtype of its input."""

    def forward(self, input: Any) -> Any:
        own: Any = self
        return own._conv_forward(input, *cast_bias_weight(own, input))


class _Lookup:
    """A table of vectors that can be asked for a dtype."""

    def forward(self, input: Any, out_dtype: Any = None) -> Any:
        own: Any = self
        found = torch.nn.Embedding.forward(own, input)
        return found if out_dtype is None else found.to(out_dtype)


_PLAIN = ("Linear", "Conv1d", "Conv2d", "Conv3d", "GroupNorm", "LayerNorm", "ConvTranspose1d", "ConvTranspose2d")
_BASES: dict[str, tuple[Any, ...]] = {name: (getattr(torch.nn, name),) for name in _PLAIN}
_BASES["Embedding"] = (_Lookup, torch.nn.Embedding)
_CASTING = _BASES | {
    "Linear": (_casting.CastLinear,),
    "Conv1d": (_CastConv, torch.nn.Conv1d),
    "Conv2d": (_CastConv, torch.nn.Conv2d),
    "Conv3d": (_CastConv, torch.nn.Conv3d),
    "GroupNorm": (_casting.CastGroupNorm,),
    "LayerNorm": (_casting.CastLayerNorm,),
}


def _operations(name: Any, layers: Any, casting: Any) -> Any:
    own = {"reset_parameters": _unreset, "comfy_cast_weights": casting}
    made = {layer: type(layer, (*bases, CastWeightBiasOp), dict(own)) for layer, bases in layers.items()}
    return type(name, (), {"conv_nd": classmethod(_conv_nd), **made})


disable_weight_init = _operations("disable_weight_init", _BASES, False)
manual_cast = _operations("manual_cast", _CASTING, True)


def pick_operations(
    weight_dtype: Any, compute_dtype: Any, load_device: Any = None, disable_fast_fp8: Any = False, **rest: Any
) -> Any:
    """The layers for weights of one dtype that compute in another."""
    return disable_weight_init if compute_dtype is None or weight_dtype == compute_dtype else manual_cast
