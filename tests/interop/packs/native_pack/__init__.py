"""A pack in our own style."""

from graph_runtime.api import node

from .inner import doubled


@node("halve", title="Halve")
def halve(value: int) -> float:
    """Half of a number."""
    return value / 2


__all__ = ["doubled", "halve"]
