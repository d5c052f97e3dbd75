"""A device that does not exist: tensors compute on the CPU, but tell whenever the host has to wait for them.

Between host and device nothing passes unseen: reading a number, copying to the host, copying to the device without
`non_blocking`, and results whose size depends on values are recorded; mixing tensors of both is an error, as it is on
an accelerator.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("lazy")  # known to torch's parser, but implemented by nobody here
_SIZES_BY_VALUE = ("aten.nonzero", "aten.masked_select", "aten.unique", "aten._unique")


class Elsewhere(Tensor):
    """A tensor that says it lies on `DEVICE`."""

    held: Tensor

    @staticmethod
    def of(held: Tensor) -> Elsewhere:
        result = Tensor._make_wrapper_subclass(
            Elsewhere, held.shape, strides=held.stride(), dtype=held.dtype, device=DEVICE, requires_grad=False
        )
        result.held = held
        return result  # type: ignore[return-value]

    __torch_dispatch__ = None  # type: ignore[assignment]


def _dispatch(cls: type, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    raise AssertionError("use these tensors inside AnotherDevice()")


Elsewhere.__torch_dispatch__ = classmethod(_dispatch)  # type: ignore[assignment]


class AnotherDevice(TorchDispatchMode):
    """While it is active, `DEVICE` can be used, and `waits` collects what made the host wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if _is_composed(function):  # inference mode hands these over; their parts are looked at one by one
            with self:
                return function.decompose(*args, **kwargs)
        tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        device = any(isinstance(one, Elsewhere) for one in tensors)
        name, target = str(function), kwargs.get("device")
        if not device and target is None and not any(isinstance(one, torch.device) for one in args):
            return function(*args, **kwargs)
        if target is not None and torch.device(target).type == DEVICE.type:
            kwargs["device"] = torch.device("cpu")
        if name.startswith(("aten._to_copy", "aten.copy_")):
            return self._copied(function, args, kwargs, device, target)
        if device and (name.startswith(("aten._local_scalar_dense", *_SIZES_BY_VALUE)) or _masked(name, args)):
            self.waits.append(name)
        if device:
            mixed = [one for one in tensors if not isinstance(one, Elsewhere) and one.ndim]
            assert not mixed, f"{name} mixes devices: {[tuple(one.shape) for one in mixed]} lie on the CPU"
        result = function(*tree_map(_held, args), **tree_map(_held, kwargs))
        made = device or (target is not None and torch.device(target).type == DEVICE.type)
        return _wrapped(result, args) if made else result

    def _copied(self, function: Any, args: Any, kwargs: Any, device: bool, target: Any) -> Any:
        into = args[0] if str(function).startswith("aten.copy_") else None
        from_device = isinstance(args[1] if into is not None else args[0], Elsewhere)
        to_device = isinstance(into, Elsewhere) if into is not None else (
            from_device if target is None else torch.device(target).type == DEVICE.type
        )  # fmt: skip
        waits = not kwargs.get("non_blocking", args[2] if into is not None and len(args) > 2 else False)
        if from_device != to_device and (from_device or waits):
            self.waits.append(f"{function} {'to the host' if from_device else 'to the device'}")
        result = function(*tree_map(_held, args), **tree_map(_held, kwargs))
        if into is not None:
            return into
        return Elsewhere.of(result) if to_device else result


@cache
def _is_composed(function: Any) -> bool:
    return torch._C._dispatch_has_kernel_for_dispatch_key(function.name(), "CompositeImplicitAutograd")


def _masked(name: str, args: Any) -> bool:
    """Whether a tensor is indexed by a mask."""
    if not name.startswith(("aten.index.Tensor", "aten.index_put")):
        return False
    return any(isinstance(one, Tensor) and one.dtype == torch.bool for one in args[1])


def _held(value: Any) -> Any:
    if isinstance(value, torch.device) and value.type == DEVICE.type:
        return torch.device("cpu")
    return value.held if isinstance(value, Elsewhere) else value


def _wrapped(result: Any, args: Any) -> Any:
    """Results as tensors of the device; what was changed in place stays the object it was."""
    own = {id(one.held): one for one in tree_leaves(args) if isinstance(one, Elsewhere)}

    def wrap(one: Any) -> Any:
        if not isinstance(one, Tensor):
            return one
        return own[id(one)] if id(one) in own else Elsewhere.of(one)

    return tree_map(wrap, result)
