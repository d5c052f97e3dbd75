"""Names of the established host that import, can be subclassed, compared and assigned to, and fail clearly when used.

A pack usually imports fifty host names at its top and needs ten of them in the nodes that somebody runs. If the other
forty did not import, nothing of the pack would load. So they are classes that do nothing until they are called.
"""

from __future__ import annotations

import functools
from abc import ABCMeta
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from interop.errors import NotSupported
from interop.turn import loading

__all__ = ["PlaceholderModule", "is_placeholder", "placeholder"]


class _Placeholder(ABCMeta):
    """The type of placeholder classes. From ABCMeta, so that packs can mix them with abstract classes."""

    _placeholder_name: str
    _placeholder_direct: bool

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__") or name.startswith("_abc_"):
            raise AttributeError(name)
        found = placeholder(f"{cls._placeholder_name}.{name}")
        type.__setattr__(cls, name, found)
        return found

    def __call__(cls, *args: object, **kwargs: object) -> Any:
        if "_placeholder_direct" in cls.__dict__:
            if loading.pack and len(args) == 1 and not kwargs and isinstance(args[0], FunctionType | type):
                return _decorated(cls._placeholder_name, args[0])
            raise NotSupported(cls._placeholder_name, "called")
        raise NotSupported(cls._placeholder_name, f"instantiated through its subclass {cls.__name__}")

    def _refuse(cls, use: str) -> NoReturn:
        raise NotSupported(cls._placeholder_name, use)

    def __iter__(cls) -> Iterator[object]:
        cls._refuse("iterated over")

    def __len__(cls) -> int:
        cls._refuse("measured")

    def __bool__(cls) -> bool:
        return True

    def __contains__(cls, item: object) -> bool:
        cls._refuse("searched")

    def __getitem__(cls, key: object) -> object:
        if loading.pack:  # an annotation, or a base class with parameters
            return cls
        cls._refuse("indexed")

    def __float__(cls) -> float:
        cls._refuse("used as a number")

    def __int__(cls) -> int:
        cls._refuse("used as a number")

    def __repr__(cls) -> str:
        return f"<{cls._placeholder_name}: not supported by this engine>" if _is_direct(cls) else super().__repr__()


def _decorated(name: str, target: FunctionType | type) -> Any:
    """What a pack decorated with a placeholder while it is imported: it fails when it is called."""
    if isinstance(target, type):
        return placeholder(f"{name}({target.__name__})")

    @functools.wraps(target)
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise NotSupported(name, f"used as the decorator of {target.__name__}")

    return refuse


def _is_direct(cls: type) -> bool:
    return "_placeholder_direct" in cls.__dict__


def placeholder(name: str) -> type:
    """Make the placeholder of one dotted host name."""
    module, _, attribute = name.rpartition(".")
    members = {
        "__module__": module,
        "__doc__": f"{name} of the established host; not supported by this engine.",
        "_placeholder_name": name,
        "_placeholder_direct": True,
    }
    return _Placeholder(attribute, (), members)


def is_placeholder(value: object) -> bool:
    """Whether a value is a placeholder or a class built on one."""
    return isinstance(value, _Placeholder)


class PlaceholderModule(ModuleType):
    """A host module of which nothing is implemented: every public name in it is a placeholder."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = placeholder(f"{self.__name__}.{name}")
        setattr(self, name, found)
        return found
