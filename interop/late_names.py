"""Names of host modules that come from `interop.models`, which needs torch: found when packs ask for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["late_names"]


def late_names(names: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a stand-in module.

    Args:
        names: name in the host's module → "module.name" below `interop.models`.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(name)
        module, _, own = names[name].partition(".")
        return getattr(importlib.import_module(f"interop.models.{module}"), own)

    return find
