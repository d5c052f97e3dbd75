"""The built-in nodes: thin adapters from graph_runtime's declaration to `diffusion`, one module a family.

Declaring them imports no torch; the functions import it, through `diffusion`, when they run.
"""

from __future__ import annotations

import importlib
import pkgutil

from graph_runtime.catalogue import Catalogue

__all__ = ["catalogue"]


def catalogue() -> Catalogue:
    """Every built-in node, from all modules of this package in the order of their names."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return Catalogue.collect(*(importlib.import_module(f"{__name__}.{name}") for name in names))
